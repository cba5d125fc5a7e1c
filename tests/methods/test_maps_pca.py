"""The linear map: the right plane, the right way round, for any number of codes."""

import json
import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from explorer.core.errors import DataError
from explorer.methods.maps import pca, quality
from tests import toys


@pytest.mark.parametrize("shape", [(400, 12), (40, 700)], ids=["tall", "wide"])
def test_the_map_is_that_of_scikit_learn_up_to_mirror_images(shape):
    codes = toys.normal(*shape) * torch.linspace(3, 0.5, shape[1])
    reference = PCA(2, svd_solver="full").fit(codes.double().numpy())
    found = pca.fit(codes)
    assert np.allclose(np.abs(found.xy.numpy()), np.abs(reference.transform(codes.double().numpy())), atol=1e-4)
    assert math.isclose(found.honesty["explained"], reference.explained_variance_ratio_.sum(), abs_tol=1e-6)


def test_the_axes_are_those_the_codes_were_stretched_along():
    codes = toys.normal(5_000, 6) * torch.tensor([1, 9, 1, 1, 4, 1.0])
    axes = pca.fit(codes).axes
    assert axes[0, 1] > 0.99 and axes[1, 4] > 0.99
    assert torch.allclose(axes @ axes.T, torch.eye(2), atol=1e-6)


def test_the_same_codes_in_another_order_give_the_same_map_and_not_its_mirror_image():
    codes = toys.mixture(500, 8)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(pca.fit(codes[order]).xy, pca.fit(codes).xy[order], atol=1e-4)


def test_the_largest_coordinate_of_each_axis_is_positive():
    for seed in range(5):
        axes = pca.fit(toys.normal(100, 7, seed=seed)).axes
        assert (axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)) > 0).all()


def test_the_map_carries_its_honesty_as_json():
    codes = toys.mixture(800, 10)
    found = json.loads(json.dumps(pca.fit(codes).honesty))
    assert found["method"] == "pca" and found["n"] == 800 and found["k"] == 15 and found["anchors"] == pca.ANCHORS
    assert found["pca"]["r_nx"] == found["r_nx"] and found["random"]["r_nx"]["value"] < 0.02 < found["r_nx"]["low"]
    whole = quality.agreement(codes, pca.fit(codes).xy).r_nx.mean()
    assert abs(found["r_nx"]["value"] - whole) < 0.03


@pytest.mark.parametrize("count", [1, 2, 3, 14])
def test_a_few_codes_have_a_map_too(count):
    codes = toys.normal(count, 6)
    found = pca.fit(codes)
    assert torch.isfinite(found.xy).all() and torch.allclose(found.lift(found.xy), codes, atol=1e-4)
    assert torch.allclose(torch.pdist(found.xy), torch.pdist(codes), atol=1e-4) or count > 3


@pytest.mark.parametrize("size", [1, 2])
def test_codes_of_one_or_two_coordinates_have_a_map(size):
    codes = toys.normal(50, size)
    found = pca.fit(codes)
    assert torch.allclose(torch.pdist(found.xy), torch.pdist(codes), atol=1e-5)
    assert torch.allclose(found.lift(found.xy), codes, atol=1e-4)


def test_equal_codes_lie_at_the_origin():
    found = pca.fit(torch.full((300, 5), 7.0))
    assert (found.xy.abs() < 1e-5).all() and torch.allclose(found.place(torch.full((1, 5), 7.0)), torch.zeros(1, 2), atol=1e-5)
    assert json.dumps(found.honesty)


@pytest.mark.parametrize("codes", [torch.zeros(0, 4), torch.zeros(4), torch.tensor([[1.0, float("nan")]])])
def test_codes_that_cannot_be_mapped_are_refused(codes):
    with pytest.raises(DataError, match="A map needs"):
        pca.fit(codes)
