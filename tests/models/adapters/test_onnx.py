"""ONNX files draw and encode as onnxruntime itself does, and those that lie or reach outside are refused before it sees them."""

import json
import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer import formats
from explorer.core.errors import CheckpointError, ModelError
from explorer.core.model import differentiable
from explorer.models.adapters import onnx_header
from tests import strangers

ort = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")


def theirs(file, values):
    session = ort.InferenceSession(str(file))
    return session.run(None, {session.get_inputs()[0].name: values})


@pytest.mark.parametrize("picture", [(3, 16, 24), (1, 8, 8), (3, 300, 260)])
@pytest.mark.parametrize("latent", [(5,), (2, 3, 4)])
def test_a_decoder_draws_what_the_runtime_does(tmp_path, latent, picture):
    file = strangers.onnx_decoder(tmp_path / "d.onnx", latent=latent, picture=picture)
    model = explorer.open(file)
    code = model.space.sample(3, 1)
    assert model.space.shape == latent and model.generator.picture_shape == picture and model.encoder is None
    pictures = model.generator.decode(code)
    assert torch.allclose(pictures, torch.from_numpy(theirs(file, code.values.numpy())[0]) * 2 - 1, atol=1e-5)
    assert not differentiable(model.generator) and not pictures.requires_grad


@pytest.mark.parametrize(("batch", "reshaped"), [(1, 1), (4, 4), ("n", 1)])
def test_a_file_for_a_fixed_number_of_codes_draws_any_number(tmp_path, batch, reshaped):
    model = explorer.open(strangers.onnx_decoder(tmp_path / "fixed.onnx", batch=batch, reshaped=reshaped))
    free = explorer.open(strangers.onnx_decoder(tmp_path / "free.onnx"))
    for count in (1, 2, 6):
        code = model.space.sample(count, 0)
        assert torch.allclose(model.generator.decode(code), free.generator.decode(free.code(code.values)), atol=1e-5)


@pytest.mark.parametrize("kind", ["FLOAT16", "DOUBLE"])
def test_other_precisions_are_drawn_too(tmp_path, kind):
    model = explorer.open(strangers.onnx_decoder(tmp_path / "d.onnx", kind=kind))
    assert model.generator.decode(model.space.sample(2, 0)).dtype == torch.float32


@pytest.mark.parametrize(
    ("last", "said", "values"),
    [("Sigmoid", None, (0, 1)), ("Tanh", None, (-1, 1)), ("Identity", [-4, 4], (-4, 4)), ("Identity", "logits", "logits")],
)
def test_the_range_of_pictures_is_what_the_last_operation_or_the_spec_says(tmp_path, last, said, values):
    file = strangers.onnx_decoder(tmp_path / "d.onnx", last=last)
    if said:
        (tmp_path / "d.json").write_text(json.dumps({"values": said}))
    model = explorer.open(file)
    code = model.space.sample(2, 0)
    raw = torch.from_numpy(theirs(file, code.values.numpy())[0])
    expected = raw.sigmoid() * 2 - 1 if values == "logits" else ((raw - values[0]) / (values[1] - values[0]) * 2 - 1).clamp(-1, 1)
    assert torch.allclose(model.generator.decode(code), expected, atol=1e-5)
    assert not any("range" in note for note in model.card.data["notes"])


def test_a_range_that_nobody_says_is_guessed_and_the_card_says_so(tmp_path):
    model = explorer.open(strangers.onnx_decoder(tmp_path / "d.onnx", last="Sin"))
    assert any("taken to be -1 to 1" in note for note in model.card.data["notes"])
    model = explorer.open(strangers.onnx_decoder(tmp_path / "e.onnx", last="Softplus"), spec={"values": [0, 5]})
    assert not any("taken to be" in note for note in model.card.data["notes"])


@pytest.mark.parametrize(("picture", "shown"), [((16, 24, 3), (3, 16, 24)), ((16, 24), (1, 16, 24)), ((16, 24, 4), (3, 16, 24))])
def test_other_layouts_of_pictures_are_understood(tmp_path, picture, shown):
    file = strangers.onnx_decoder(tmp_path / "d.onnx", picture=picture)
    model = explorer.open(file)
    code = model.space.sample(2, 0)
    raw = torch.from_numpy(theirs(file, code.values.numpy())[0])
    raw = raw[:, None] if len(picture) == 2 else raw.permute(0, 3, 1, 2)
    raw = raw[:, :3] * raw[:, 3:] + 1 - raw[:, 3:] if picture[-1] == 4 else raw
    assert model.generator.picture_shape == shown
    assert torch.allclose(model.generator.decode(code), raw * 2 - 1, atol=1e-5)


def test_flat_pictures_need_a_word_from_the_spec(tmp_path):
    file = strangers.onnx_decoder(tmp_path / "d.onnx", picture=(784,))
    with pytest.raises(ModelError, match=r"\[784\] numbers.*\"picture\""):
        explorer.open(file)
    assert explorer.open(file, spec={"picture": [1, 28, 28]}).generator.picture_shape == (1, 28, 28)
    with pytest.raises(ModelError, match=r"\[3, 28, 28\].*but are \[784\]"):
        explorer.open(file, spec={"picture": [3, 28, 28]})


@pytest.mark.parametrize(
    ("names", "varied"), [(("mean", "log_var"), True), (("z_log_var", "z_mean", "z"), True), (("z",), False), (("a", "b"), True)]
)
def test_the_encoder_beside_a_decoder_gives_means_and_variances(tmp_path, names, varied):
    strangers.onnx_decoder(tmp_path / "decoder.onnx")
    file = strangers.onnx_encoder(tmp_path / "encoder.onnx", names=names)
    x = torch.rand(2, 3, 16, 24) * 2 - 1
    answers = dict(zip(names, theirs(file, ((x + 1) / 2).numpy())))  # the decoder ends in a sigmoid, so the range is 0 to 1
    mean = next((answers[name] for name in names if "mean" in name), answers[names[0]])
    for thing in (tmp_path, tmp_path / "decoder.onnx"):
        posterior = explorer.open(thing).encoder.posterior(x)
        assert torch.allclose(posterior.mean, torch.from_numpy(mean), atol=1e-5)
        spread = next((answers[name] for name in names if "var" in name), answers[names[-1]])
        assert torch.allclose(posterior.variance, torch.from_numpy(np.exp(spread)), atol=1e-4) if varied else not posterior.variance.any()


def test_an_encoder_alone_finds_codes_and_says_that_it_draws_none(tmp_path):
    file = strangers.onnx_encoder(tmp_path / "my_encoder.onnx")
    model = explorer.open(file)
    assert model.parts == ("encoder",) and model.encoder.encode(torch.zeros(2, 3, 16, 24)).values.shape == (2, 5)
    from explorer.studio import passport

    assert "draws none" in passport.why_not(formats.card_of(formats.source_of(file)))


def test_what_does_not_belong_together_is_refused(tmp_path):
    strangers.onnx_decoder(tmp_path / "decoder.onnx")
    strangers.onnx_encoder(tmp_path / "encoder.onnx", latent=(7,))
    with pytest.raises(CheckpointError, match=r"codes of \[5\].*codes of \[7\].*do not belong together"):
        explorer.open(tmp_path)


def test_an_open_shape_needs_a_word_from_the_spec(tmp_path):
    file = strangers.onnx_decoder(tmp_path / "d.onnx", latent=(2, 3, 4), opened=(2, "height", "width"))
    with pytest.raises(CheckpointError, match=r"leaves the shape of 'z' open: \[batch, 2, height, width\].*\"latent\""):
        formats.card_of(formats.source_of(file))
    assert explorer.open(file, spec={"latent": [2, 3, 4]}).space.shape == (2, 3, 4)
    with pytest.raises(CheckpointError, match=r"says \"latent\": \[3, 3, 4\]"):
        explorer.open(file, spec={"latent": [3, 3, 4]})
    with pytest.raises(ModelError, match="failed while drawing"):
        explorer.open(file, spec={"latent": [2, 3, 5]})


def test_a_flat_code_can_be_laid_out_in_space(tmp_path):
    file = strangers.onnx_decoder(tmp_path / "d.onnx", latent=(24,))
    model, flat = explorer.open(file, spec={"latent": [2, 3, 4]}), explorer.open(file)
    code = model.space.sample(2, 0)
    assert torch.equal(model.generator.decode(code), flat.generator.decode(flat.code(code.values.flatten(1))))


def with_outside(file, location, *, write=None):
    model = onnx.load(file)
    onnx.external_data_helper.convert_model_to_external_data(model, location="w.bin", size_threshold=100)
    onnx.save(model, file)
    model = onnx.load(file, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    file.write_bytes(model.SerializeToString())
    if write is not None:
        (file.parent / "w.bin").write_bytes(write)
    return file


def test_weights_beside_the_file_are_read_and_vouched_for(tmp_path):
    inside = strangers.onnx_decoder(tmp_path / "inside.onnx")
    beside = with_outside(strangers.onnx_decoder(tmp_path / "beside.onnx"), "w.bin")
    models = [explorer.open(file) for file in (inside, beside)]
    z = models[0].space.sample(2, 0).values
    assert torch.equal(*(model.generator.decode(model.code(z)) for model in models))
    assert formats.weigh(formats.source_of(inside)) == formats.weigh(formats.source_of(beside)) > 5 * 3 * 16 * 24 * 4
    spoilt = bytearray((tmp_path / "w.bin").read_bytes())
    spoilt[0] ^= 1
    (tmp_path / "w.bin").write_bytes(spoilt)
    assert explorer.open(beside).card.weights != models[1].card.weights


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "sub/w.bin", "..", ""])
def test_weights_elsewhere_are_refused(tmp_path, location):
    (tmp_path / "sub").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(10_000))
    file = with_outside(strangers.onnx_decoder(tmp_path / "sub" / "d.onnx"), location)
    with pytest.raises(CheckpointError, match="does not lie beside it; it is refused"):
        formats.card_of(formats.source_of(file))


def test_weights_that_a_link_leads_elsewhere_or_that_are_missing_or_short_are_refused(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(100_000))
    file = with_outside(strangers.onnx_decoder(tmp_path / "sub" / "d.onnx"), "w.bin", write=b"short")
    with pytest.raises(CheckpointError, match="'w.bin' is cut off"):
        explorer.open(file)
    (tmp_path / "sub" / "w.bin").unlink()
    with pytest.raises(CheckpointError, match="is not there"):
        explorer.open(file)
    os.symlink(tmp_path / "secret.bin", tmp_path / "sub" / "w.bin")
    with pytest.raises(CheckpointError, match="does not lie beside it"):
        explorer.open(file)


def test_a_decoder_that_draws_no_numbers_is_refused_when_it_is_opened(tmp_path):
    with pytest.raises(ModelError, match="'d' drew values that are not numbers"):
        explorer.open(strangers.onnx_decoder(tmp_path / "d.onnx", last="Sqrt"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"picture": (7, 16, 16)}, "7 channels"),
        ({"picture": (2, 3, 16, 24)}, r"\[2, 3, 16, 24\] numbers where a picture should be"),
    ],
)
def test_outputs_that_are_no_pictures_are_refused(tmp_path, options, words):
    with pytest.raises(ModelError, match=words):
        explorer.open(strangers.onnx_decoder(tmp_path / "d.onnx", **options))


def test_inputs_that_are_no_codes_are_refused(tmp_path):
    from onnx import TensorProto, helper

    def saved(*inputs):
        nodes = [helper.make_node("Identity", [inputs[0].name], ["out"])]
        graph = helper.make_graph(nodes, "g", list(inputs), [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "d.onnx")
        return tmp_path / "d.onnx"

    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4])
    with pytest.raises(CheckpointError, match="one input, got 2: z, noise"):
        explorer.open(saved(z, helper.make_tensor_value_info("noise", TensorProto.FLOAT, [1, 4])))
    with pytest.raises(CheckpointError, match="'z' is int64"):
        explorer.open(saved(helper.make_tensor_value_info("z", TensorProto.INT64, [1, 4])))
    with pytest.raises(CheckpointError, match=r"'z' is \[64\]"):
        explorer.open(saved(helper.make_tensor_value_info("z", TensorProto.FLOAT, [64])))


@pytest.mark.parametrize("content", [b"", b"not onnx at all", b"\x80\x04pickle", bytes(100), b"\x3a\xff\xff\xff\xff\x0f"])
def test_what_is_no_onnx_file_is_refused(tmp_path, content):
    (tmp_path / "d.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match="not a readable ONNX file"):
        explorer.open(tmp_path / "d.onnx")


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return strangers.onnx_decoder(tmp_path_factory.mktemp("honest") / "d.onnx", picture=(1, 2, 2)).read_bytes()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_spoilt_bytes_never_end_in_anything_but_a_sentence(tmp_path_factory, honest, data):
    raw = bytearray(honest)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "spoilt.onnx"
    file.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        formats.card_of(formats.source_of(file))
    except CheckpointError:
        pass


def test_the_header_is_read_as_onnx_itself_reads_it(tmp_path):
    file = strangers.onnx_decoder(tmp_path / "d.onnx", latent=(2, 3, 4))
    graph, official = onnx_header.read(file), onnx.load(file).graph
    assert [port.name for port in graph.inputs] == ["z"] and graph.inputs[0].sides == ("batch", 2, 3, 4)
    assert graph.outputs[0].sides == ("batch", 3, 16, 24) and graph.last_operation() == "Sigmoid"
    assert graph.bytes == sum(len(tensor.raw_data) for tensor in official.initializer)


def test_without_the_runtime_the_file_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(CheckpointError, match=r"pip install .latent-explorer\[onnx\]"):
        explorer.open(strangers.onnx_decoder(tmp_path / "d.onnx"))
