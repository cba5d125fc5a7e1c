"""What a header tells before any weight is read."""

import torch

from explorer import checkpoints
from explorer.models.weights import read_header
from explorer.studio.blueprint import blueprint
from tests import studios


def test_it_says_of_every_bundled_model_what_loading_it_shows():
    for file in checkpoints.bundled():
        card = checkpoints.read(file)
        plan, model = blueprint(file, card), checkpoints.load(file)
        assert plan.parts == model.parts
        assert plan.picture == (model.generator.picture_shape if model.generator else None)
        assert plan.parameters == sum(torch.Size(entry["shape"]).numel() for entry in read_header(file).tensors.values())
        if "multiply_adds" in card.quality and len(card.spaces) == 1:
            assert plan.work == card.quality["multiply_adds"]


def test_no_weight_is_read(tmp_path, monkeypatch):
    file = studios.save_vae(tmp_path)
    monkeypatch.setattr("safetensors.torch.load_file", None)
    monkeypatch.setattr("explorer.checkpoints.tensors", None)
    plan = blueprint(file, checkpoints.read(file))
    assert plan.parts == ("generator", "encoder") and plan.picture == (1, 16, 16) and plan.memory >= 4 * plan.parameters - 64 > 0


def test_a_header_that_does_not_fit_its_card_is_refused(tmp_path):
    import pytest

    from explorer.core.errors import CheckpointError

    file = studios.save_vae(tmp_path)
    card = checkpoints.read(file)
    with pytest.raises(CheckpointError, match="does not hold what its card says"):
        blueprint(file, card.but(config=card.config | {"widths": [4, 4]}))
