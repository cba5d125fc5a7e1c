"""What every family of prototype classifiers promises."""

import math

import pytest
import torch

from explorer import checkpoints
from explorer.core.errors import ModelError
from explorer.core.prototypes import Source, matches
from tests import prototypenets as nets

X = nets.pictures(8)


@pytest.fixture(params=nets.FAMILIES, scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return nets.model(name)


@torch.inference_mode()
def test_rows_add_up_to_the_totals_for_every_picture_and_class(model):
    parts = model.need("prototypes")
    x = nets.pictures(500, seed=4)
    scores = matches(parts.similarities(parts.described(x))).scores
    totals = parts.logits(x)["shape"]
    assert ((parts.head.contributions(scores).sum(dim=2) - totals).abs() <= 1e-5 * totals.abs().clamp_min(1)).all()
    assert totals.std() > 0  # not all the same


@torch.inference_mode()
def test_similarities_stay_within_the_scale(model):
    parts = model.prototypes
    maps = parts.similarities(parts.described(X))
    low, high = parts.scale
    assert maps.shape[:2] == (8, len(parts.prototypes)) and maps.min() >= low - 1e-5 and maps.max() <= high + 1e-5
    assert parts.local == (maps.shape[2] > 1)


@torch.inference_mode()
def test_some_prototypes_alone_give_the_same_maps(model):
    parts = model.prototypes
    described, some = parts.described(X), torch.tensor([2, 0])
    assert torch.allclose(parts.similarities(described, some), parts.similarities(described)[:, some], atol=1e-6)


@torch.inference_mode()
def test_a_round_trip_through_a_file_changes_nothing(name, model, tmp_path):
    config, state = model.prototypes.saved()
    checkpoints.save(tmp_path / "toy.safetensors", nets.card(name).but(config=config), state)
    again = checkpoints.load(tmp_path / "toy.safetensors")
    assert torch.equal(again.prototypes.logits(X)["shape"], model.prototypes.logits(X)["shape"])
    assert again.parts == ("classifier", "features", "prototypes") and again.prototypes.classes == tuple(nets.CLASSES)


@torch.inference_mode()
def test_a_zero_weight_is_the_same_as_a_prototype_cut_out(name, model):
    parts, keep = model.prototypes, torch.tensor([0, 2])
    if name == "pipnet":
        with pytest.raises(ModelError, match="share a softmax"):
            parts.changed(keep=keep)
        return
    head = parts.head
    for gone in range(len(parts.prototypes)):
        head = head if gone in (0, 2) else head.scaled(gone, 0.0)
    silent, cut = parts.changed(head=head), parts.changed(keep=keep)
    assert len(cut.prototypes) == 2 and torch.allclose(silent.logits(X)["shape"], cut.logits(X)["shape"], atol=2e-6)
    assert len(parts.prototypes) > 2  # the one it comes from is as it was


@torch.inference_mode()
def test_pruned_models_are_saved_and_loaded_too(name, model, tmp_path):
    if name not in nets.PRUNABLE:
        pytest.skip("its channels cannot be cut out")
    cut = model.prototypes.changed(keep=torch.tensor([2, 1]))
    config, state = cut.saved()
    checkpoints.save(tmp_path / "cut.safetensors", nets.card(name).but(config=config), state)
    again = checkpoints.load(tmp_path / "cut.safetensors").prototypes
    assert torch.equal(again.logits(X)["shape"], cut.logits(X)["shape"]) and [p.owner for p in again.prototypes] == [p.owner for p in cut.prototypes]


@torch.inference_mode()
def test_a_prototype_moved_to_a_patch_is_most_alike_there(name, model):
    parts = model.prototypes
    described = parts.described(X)
    if name == "pipnet":
        with pytest.raises(ModelError, match="channel"):
            parts.changed(vectors={1: (parts.prototypes[1].mean, None)})
        return
    cell = (3, 1) if parts.local else (0, 0)
    vector = parts.patch(described[5], 1, *cell)
    moved = parts.changed(vectors={1: (vector, Source(5, *cell, 1.0))})
    maps = moved.similarities(described)
    if name == "prob-psenn":
        assert math.isclose(float(maps[5, 1]), -float(moved.prototypes[1].covariance.trace()), rel_tol=1e-4)
    elif name == "st-protopnet-projection":  # a projection also counts length, so another cell may go farther
        assert math.isclose(float(maps[5, 1, 3, 1]), float(described[5].chunk(2)[0][:, 3, 1].norm()), rel_tol=1e-5)
    else:
        ceiling = parts.scale[1]
        assert (
            abs(float(maps[5, 1][cell]) - ceiling) < (2e-1 if name == "protopnet-expanded" else 1e-5) and matches(maps).scores[5, 1] <= ceiling + 1e-5
        )
    assert moved.prototypes[1].source == Source(5, *cell, 1.0) and parts.prototypes[1].source is None


@torch.inference_mode()
@pytest.mark.parametrize("name", nets.LOCAL)
def test_what_lies_outside_the_receptive_field_does_not_count(name):
    parts = nets.model(name).prototypes
    whole = parts.similarities(parts.described(X))
    for cell in ((0, 0), (1, 2), (3, 3)):
        top, left, bottom, right = parts.field(*cell)
        hidden = torch.zeros_like(X)
        hidden[..., top:bottom, left:right] = X[..., top:bottom, left:right]
        assert 0 < (bottom - top) * (right - left) < nets.SIZE**2
        again = parts.similarities(parts.described(hidden))
        assert (again[..., cell[0], cell[1]] - whole[..., cell[0], cell[1]]).abs().max() <= 1e-5
        assert (again - whole).abs().max() > 1e-4  # elsewhere it does


@torch.inference_mode()
def test_gradients_flow_from_scores_to_pictures(model):
    with torch.inference_mode(False), torch.enable_grad():
        x = X.clone().requires_grad_()
        parts = nets.model("protopnet").prototypes if model.prototypes.scale[1] == 1 else model.prototypes
        parts.similarities(parts.described(x)).sum().backward()
        assert torch.isfinite(x.grad).all() and x.grad.abs().sum() > 0


def test_a_picture_of_another_shape_is_refused(model):
    with pytest.raises(ModelError, match=r"\[3, 16, 16\], got \[1, 16, 16\]"):
        model.prototypes.logits(torch.zeros(1, 1, 16, 16))


def test_distances_are_exact_where_they_vanish():
    parts = nets.model("protopnet").prototypes
    with torch.inference_mode():
        described = parts.described(X)
        moved = parts.changed(vectors={j: (parts.patch(described[j], j, 1, 1), None) for j in range(6)})
        assert max(float(moved.net.distances(described)[j, j, 1, 1]) for j in range(6)) <= 1e-12


def test_a_distribution_says_how_wide_it_is_and_can_be_drawn():
    parts = nets.model("prob-psenn").prototypes
    assert parts.prototypes[0].covariance.shape == (5, 5) and parts.drawn(parts.prototypes[0].mean[None]).shape == (1, 3, 16, 16)
    assert nets.model("protopnet").prototypes.drawn is None


def test_draws_have_the_mean_and_the_covariance_they_should():
    net = nets.model("prob-psenn").prototypes.net
    covariance = torch.eye(5) * 0.5 + 0.2
    net.settle(torch.full((3, 5), 2.0), covariance.expand(3, 5, 5))
    assert torch.allclose(net.covariances()[1], covariance, atol=1e-3)
    draws = net.drawn_prototypes(40_000, torch.Generator().manual_seed(0))[:, 1]
    assert (draws.mean(dim=0) - 2).abs().max() < 0.02 and (draws.T.cov() - covariance).abs().max() < 0.03
