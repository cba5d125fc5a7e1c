"""Checkpoints carry their own description, and a file that lies about itself is refused in words."""

import json
import pickle
import struct
import zipfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer import atlases, checkpoints
from explorer.core.errors import CheckpointError, ExplorerError
from explorer.models import vae
from tests import studios


@pytest.fixture
def file(tmp_path):
    return studios.save_vae(tmp_path)


def rewritten(file, change):
    """The same file with its header passed through `change`, padded as the format wants."""
    raw = file.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = change(json.loads(raw[8 : 8 + length]))
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])
    return file


def with_card(file, **changes):
    def change(header):
        card = json.loads(header["__metadata__"][checkpoints.CARD]) | changes
        header["__metadata__"][checkpoints.CARD] = json.dumps(card)
        return header

    return rewritten(file, change)


def test_a_model_draws_the_same_after_saving_and_loading(tmp_path):
    card = studios.vae_card()
    torch.manual_seed(3)
    net = vae.network(card.config).eval()
    checkpoints.save(tmp_path / "m.safetensors", card, net.state_dict())
    model = explorer.load(tmp_path / "m.safetensors")
    z = model.space.sample(3, seed=0)
    assert torch.equal(model.generator.decode(z), net.decoder(z.values).detach())
    assert card.name in repr(model) and "z[6]" in repr(model)


def test_the_card_survives_the_trip_and_vouches_for_the_weights(file):
    card = checkpoints.read(file)
    assert card.but(weights="") == studios.vae_card().but(weights="") and len(card.weights) == 64


def test_half_precision_is_half_the_size_and_nearly_the_same_picture(tmp_path):
    card = studios.vae_card()
    net = vae.network(card.config).eval()
    checkpoints.save(tmp_path / "full.safetensors", card, net.state_dict())
    checkpoints.save(tmp_path / "half.safetensors", card, net.state_dict(), half=True)
    full, half = (explorer.load(tmp_path / f"{name}.safetensors") for name in ("full", "half"))
    z = full.space.sample(4, seed=0)
    assert (full.generator.decode(z) - half.generator.decode(z)).abs().max() < 1e-2
    assert (tmp_path / "half.safetensors").stat().st_size < 0.7 * (tmp_path / "full.safetensors").stat().st_size


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(CheckpointError, match="neither a file nor a bundled model"):
        explorer.load("no-such-model")


def test_an_unknown_family_lists_the_known_ones(file):
    with pytest.raises(CheckpointError, match="family 'oracle'. Known: vae"):
        explorer.load(with_card(file, family="oracle"))


def test_weights_that_were_changed_are_noticed(file):
    raw = bytearray(file.read_bytes())
    raw[-5] ^= 1
    file.write_bytes(bytes(raw))
    with pytest.raises(CheckpointError, match="not those its card vouches for"):
        explorer.load(file)


def test_a_config_that_does_not_fit_the_weights_is_blamed_on_the_file(file):
    with pytest.raises(CheckpointError, match="does not hold what its card says"):
        explorer.load(with_card(file, config={"size": 16, "channels": 1, "latent": 9, "widths": [8, 16]}))


def test_a_space_that_makes_no_sense_is_refused(file):
    with pytest.raises(CheckpointError, match="card"):
        explorer.load(with_card(file, spaces=[{"name": "z", "shape": [-3]}]))


@pytest.mark.parametrize(
    "changes",
    [
        {"data": None}, {"data": "x"}, {"data": {"judge": 5}}, {"name": ["a"]}, {"name": "../../escaped"}, {"name": ""}, {"family": ["vae"]}, {"weights": 5},
        {"spaces": [{"name": "z", "shape": [6.0]}]}, {"spaces": [{"name": "z", "shape": [9], "prior": "normal"}]}, {"spaces": 3}, {"quality": {"psnr": float("nan")}},
        {"config": {"size": 16, "channels": 1, "latent": 200_000_000, "widths": [8, 16]}},
    ],
)  # fmt: skip
def test_a_card_with_a_field_that_makes_no_sense_is_refused(file, changes):
    with pytest.raises(CheckpointError, match="card"):
        explorer.load(with_card(file, **changes))


def test_a_bad_file_among_the_bundled_ones_keeps_no_other_from_opening(tmp_path, monkeypatch):
    from explorer.studio import passport
    from explorer.studio.studio import Studio

    studios.save_vae(tmp_path)
    (tmp_path / "bad.safetensors").write_bytes(b"\x01" * 50)
    monkeypatch.setattr(checkpoints, "bundled_folder", lambda: tmp_path)
    studio = Studio()
    rows = {row["name"]: row for row in passport.models(studio)}
    assert rows["toy-vae"]["traversable"] and "bad.safetensors" in rows["bad"]["why"] and studio.first == "toy-vae"


@pytest.mark.parametrize(
    "changes", [{"weights": 7}, {"axes": [{"axis": 0}]}, {"classes": {"side": ["left"], "hat": ["none"]}}, {"layouts": {"moon": {}}}, {"classes": 3}]
)
def test_an_atlas_that_lies_is_refused(tmp_path, changes):
    file = atlases.file_of(studios.save_vae(tmp_path))

    def change(header):
        header["__metadata__"][atlases.ABOUT] = json.dumps(json.loads(header["__metadata__"][atlases.ABOUT]) | changes)
        return header

    with pytest.raises(CheckpointError, match="toy-vae.atlas"):
        atlases.read(rewritten(file, change))


def test_every_cut_off_file_is_refused(file):
    raw = file.read_bytes()
    for keep in (0, 4, 8, 100, len(raw) // 2, len(raw) - 1):
        file.write_bytes(raw[:keep])
        with pytest.raises(CheckpointError):
            explorer.load(file)
    file.write_bytes(raw + b"more")
    with pytest.raises(CheckpointError, match="too long"):
        explorer.load(file)


def test_a_pickle_is_refused_with_the_reason_and_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "canary"), "w"))

    plain, zipped = tmp_path / "a.safetensors", tmp_path / "b.pt"
    plain.write_bytes(pickle.dumps(Bomb()))
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    for file in (plain, zipped):
        with pytest.raises(CheckpointError, match="pickle.*refused"):
            explorer.load(file)
    assert not (tmp_path / "canary").exists()


LIES = {
    "a header of a gigabyte": lambda raw: struct.pack("<Q", 1 << 30) + raw[8:],
    "a header that is not JSON": lambda raw: struct.pack("<Q", 5) + b"{oops" + raw,
    "a header of brackets": lambda raw: struct.pack("<Q", 900_000) + b"[" * 900_000,
    "a header that is a list": lambda raw: struct.pack("<Q", 2) + b"[]",
    "rubbish": lambda raw: b"\x01" * 200,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_start_is_refused(file, lie):
    file.write_bytes(LIES[lie](file.read_bytes()))
    with pytest.raises(CheckpointError):
        explorer.load(file)


@pytest.mark.parametrize(
    "lie",
    [
        {"dtype": "F64"}, {"dtype": "Q7"}, {"shape": [10**9, 10**9]}, {"shape": [-1]}, {"shape": "big"}, {"data_offsets": [0, 10**12]},
        {"data_offsets": [-4, 4]}, {"data_offsets": [4]}, {"data_offsets": None},
    ],
)  # fmt: skip
def test_a_tensor_that_lies_about_itself_is_refused(file, lie):
    def change(header):
        name = next(key for key in header if key != "__metadata__")
        header[name] |= lie
        return header

    with pytest.raises(CheckpointError, match="Tensor|bytes|vouches"):
        explorer.load(rewritten(file, change))


def test_too_many_tensors_and_a_missing_card_are_refused(file):
    many = {f"t{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(10_001)}
    with pytest.raises(CheckpointError, match="10001 tensors"):
        explorer.load(rewritten(file, lambda header: many))
    with pytest.raises(CheckpointError):
        explorer.load(rewritten(file, lambda header: {k: v for k, v in header.items() if k != "__metadata__"}))


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, 6000), value=st.integers(0, 255))
def test_one_changed_byte_never_gives_more_than_a_sentence(tmp_path_factory, position, value):
    file = tmp_path_factory.mktemp("one") / "m.safetensors"
    original = ORIGINAL.setdefault("raw", studios.save_vae(tmp_path_factory.mktemp("origin")).read_bytes())
    raw = bytearray(original)
    raw[position % len(raw)] = value
    file.write_bytes(bytes(raw))
    try:
        explorer.load(file)
    except ExplorerError as error:
        assert len(str(error)) > 10
    else:
        assert bytes(raw)[-1000:] == original[-1000:]


ORIGINAL: dict[str, bytes] = {}


def test_an_atlas_of_other_weights_is_refused(tmp_path):
    one, two = studios.save_vae(tmp_path, "one"), studios.save_vae(tmp_path, "two", seed=5)
    with pytest.raises(CheckpointError, match="other|weights"):
        atlases.read(atlases.file_of(one), checkpoints.read(two))


def test_a_failed_save_leaves_the_old_file_whole(file, monkeypatch):
    import safetensors.torch

    before = file.read_bytes()
    monkeypatch.setattr(safetensors.torch, "save_file", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError):
        checkpoints.save(file, studios.vae_card(), {})
    assert file.read_bytes() == before
