import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer import atlases, checkpoints
from explorer.core.atlas import Atlas
from explorer.core.errors import CheckpointError, SpaceError
from explorer.core.layout import Layout
from explorer.core.model import Card
from explorer.methods.measure.activity import activity


def toy() -> Atlas:
    codes = torch.randn(30, 4, generator=torch.Generator().manual_seed(0)).half().float()
    linear = Layout("pca", codes[:, :2], codes, axes=torch.eye(4)[:2], centre=torch.zeros(4), honesty={"trust": 0.9})
    labels = {"hat": torch.arange(30) % 3 - 1}
    return Atlas(
        model="toy", weights="ab" * 32, space="z", codes=codes, variance=torch.full_like(codes, 0.25), labels=labels,
        classes={"hat": ("none", "cap")}, layouts={"pca": linear}, axes=tuple(axis.to_dict() for axis in activity(codes, torch.full_like(codes, 0.25))), about={"codes": "made up"},
    )  # fmt: skip


def test_an_atlas_comes_back_as_it_was_written(tmp_path):
    before = toy()
    after = atlases.read(atlases.write(before, tmp_path))
    assert torch.equal(after.codes, before.codes) and torch.equal(after.variance, before.variance)
    assert torch.equal(after.labels["hat"], before.labels["hat"]) and after.classes == before.classes
    assert torch.equal(after.layouts["pca"].xy, before.layouts["pca"].xy) and after.layouts["pca"].honesty == {"trust": 0.9}
    assert torch.equal(after.layouts["pca"].axes, torch.eye(4)[:2])
    for name in ("model", "weights", "space", "axes", "about", "thumbnails"):
        assert getattr(after, name) == getattr(before, name)


def test_what_was_measured_of_every_place_comes_back_byte_by_byte(tmp_path):
    before = toy()
    shares = torch.arange(30).to(torch.uint8)
    before = replace(before, layouts={"pca": replace(before.layouts["pca"], local={"kept": shares})})
    after = atlases.read(atlases.write(before, tmp_path)).layouts["pca"]
    assert set(after.local) == {"kept"} and torch.equal(after.local["kept"], shares)
    with pytest.raises(SpaceError, match="'kept' of map 'pca' must be one byte for each of 30 places, got"):
        replace(after, local={"kept": shares[:5]})


def test_an_atlas_of_other_weights_is_refused(tmp_path):
    file = atlases.write(toy(), tmp_path)
    with pytest.raises(CheckpointError, match="made with weights abababababab…, but 'toy' has cdcdcdcdcdcd"):
        atlases.read(file, Card("toy", "Toy", "vae", {}, weights="cd" * 32))


def test_no_atlas_is_an_error_that_says_what_makes_one(tmp_path):
    with pytest.raises(CheckpointError, match="no atlas 'toy.atlas.safetensors'.*`explorer atlas` makes one"):
        atlases.read(tmp_path / "toy.atlas.safetensors")


def test_a_checkpoint_is_not_an_atlas(tmp_path):
    file = tmp_path / "toy.atlas.safetensors"
    checkpoints.save(file, Card("toy", "Toy", "vae", {}), {"codes": torch.zeros(1, 1)})
    with pytest.raises(CheckpointError, match="is not an atlas"):
        atlases.read(file)


def test_a_cut_off_atlas_is_refused(tmp_path):
    file = atlases.write(toy(), tmp_path)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match="cut off"):
        atlases.read(file)


def test_an_atlas_that_lacks_what_it_announces_is_refused(tmp_path):
    file = atlases.write(toy(), tmp_path)
    described = json.loads(checkpoints.read_header(file).metadata[atlases.ABOUT])
    checkpoints.write(file, {"codes": torch.zeros(30, 4)}, {atlases.ABOUT: json.dumps(described)})
    with pytest.raises(CheckpointError, match="does not hold what its header says"):
        atlases.read(file)
    checkpoints.write(file, {"codes": torch.zeros(30, 4)}, {atlases.ABOUT: json.dumps({"model": "toy"})})
    with pytest.raises(CheckpointError, match="lacks about, axes, classes"):
        atlases.read(file)


def test_a_sprite_holds_a_hundred_thumbnails_a_row():
    import io

    import numpy as np
    from PIL import Image

    pixels = np.zeros((101, 64, 64, 3), np.uint8)
    pixels[100] = 255
    sheet = np.asarray(Image.open(io.BytesIO(atlases.sprite(pixels))))
    assert sheet.shape == (64, 3200, 3)
    assert sheet[40, 16].min() > 240 and sheet[16].max() < 16


def test_without_an_encoder_an_atlas_holds_draws_that_the_judge_has_named(tmp_path):
    from types import SimpleNamespace

    from explorer.core.errors import CapabilityError
    from explorer.models import gan
    from tests import studios

    config = {"size": 16, "channels": 1, "latent": 5, "widths": [8, 8, 8], "mapping": 8, "depth": 1}
    spaces = tuple({"name": name, "shape": [5], "prior": "normal"} for name in ("z", "w"))
    torch.manual_seed(0)
    checkpoints.save(
        tmp_path / "toy-gan.safetensors", Card("toy-gan", "Toy", "gan", config, spaces, {"name": "toys"}), gan.network(config).state_dict()
    )
    model, judge = checkpoints.load(tmp_path / "toy-gan.safetensors"), checkpoints.load(studios.save_judge(tmp_path))
    data = SimpleNamespace(visible=lambda rows: rows != 1)  # what is "right" cannot be seen
    file = atlases.build(model, data, n=40, folder=tmp_path, layouts=("pca",), judge=judge)
    made = atlases.read(file, model.card)
    assert made.space == "w" and made.variance is None and made.axes == () and len(made) == 40 and made.thumbnails.exists()
    assert torch.equal(made.codes, model.mapper.map(model.space.sample(40, 0)).values.half().float())
    pictures = model.generator.decode(model.code(made.codes, "w"))
    said = judge.classifier.logits(pictures)["side"].argmax(dim=1)
    assert torch.equal(made.labels["side"], torch.where(said == 1, -1, said)) and made.classes == {"side": ("left", "right")}
    assert made.about["codes"] == "w of 40 draws from the prior; the labels are what 'toy-judge' says of the pictures drawn from them."
    with pytest.raises(CapabilityError, match="'toy-gan' has no encoder, and its card names no judge"):
        atlases.build(model, data, n=40, folder=tmp_path, layouts=("pca",))


def test_codes_of_a_large_atlas_are_mapped_and_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(atlases, "MAPPED", 20)
    before = toy()
    before = replace(before, codes=before.codes / 3, layouts={})
    file = atlases.write(before, tmp_path)
    assert checkpoints.tensors(file)["codes"].dtype == torch.float32
    assert torch.equal(atlases.read(file).codes, before.codes)


def test_more_thumbnails_than_one_sprite_holds_are_left_out(tmp_path):
    file = tmp_path / "toy.thumbs.webp"
    file.write_bytes(b"an older one")
    assert atlases._thumbnails(np.zeros((atlases.MOST_THUMBS + 1, 1, 1, 1), np.uint8), file) is None and not file.exists()
    assert atlases._thumbnails(np.zeros((2, 32, 32, 3), np.uint8), file) == file and file.read_bytes()[:4] == b"RIFF"
