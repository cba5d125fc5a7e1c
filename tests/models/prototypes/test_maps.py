"""Similarities and heat maps against loops over cells and pixels that know only the formulas."""

import math

import numpy as np
import pytest
import torch

from explorer.core.heat import heat
from tests import prototypenets as nets
from tests.core.test_prototypes import keys

X = nets.pictures(3, seed=9)


def by_hand(name: str, net, z: np.ndarray, row: int, column: int, j: int) -> float:
    """The similarity of one cell of features `(F, h, w)` and prototype j."""
    cell, vector = z[:, row, column], net.vectors[j].double().numpy()
    if name.startswith("protopnet"):
        d = float(((cell - vector) ** 2).sum())
        return math.log((d + 1) / (d + 1e-4))
    if name.startswith("st"):
        half = len(cell) // 2
        own = cell[half:] if net.groups()[j] == "support" else cell[:half]
        projected = float(own @ vector) / float(np.linalg.norm(vector))
        return projected if name.endswith("projection") else max(0.0, projected / float(np.linalg.norm(own)))
    if name == "pipnet":
        scores = np.exp(net.vectors.double().numpy() @ cell)
        presence = float(scores[j] / scores.sum())
        return presence if presence >= 0.1 else 0.0
    if name == "prob-psenn":
        return -float(((cell - vector) ** 2).sum() + np.trace(net.covariances()[j].double().numpy()))
    return math.exp(-float(np.linalg.norm(cell - vector)) / float(net.spread[j]))


@torch.inference_mode()
@pytest.mark.parametrize("name", nets.FAMILIES)
def test_every_cell_of_every_map(name):
    parts = nets.model(name).prototypes
    described = parts.described(X)
    maps, z = parts.similarities(described), described.double().numpy()
    for b in range(len(X)):
        for j in range(maps.shape[1]):
            for row in range(maps.shape[2]):
                for column in range(maps.shape[3]):
                    expected = by_hand(name, parts.net, z[b], row, column, j)
                    assert abs(expected - float(maps[b, j, row, column])) <= 2e-5 * max(1, abs(expected))


@torch.inference_mode()
@pytest.mark.parametrize("name", nets.LOCAL)
def test_a_heat_map_in_the_units_of_the_similarity(name):
    parts = nets.model(name).prototypes
    described = parts.described(X)
    heated, z = heat(parts.similarities(described), (16, 16)), described.double().numpy()
    side, ratio = described.shape[2], described.shape[2] / 16
    cells = [[by_hand(name, parts.net, z[1], row, column, 4) for column in range(side)] for row in range(side)]
    for y, x in ((0, 0), (7, 8), (15, 3), (12, 15)):
        v, u = (y + 0.5) * ratio - 0.5, (x + 0.5) * ratio - 0.5
        near = [(i, j) for i in range(math.floor(v) - 1, math.floor(v) + 3) for j in range(math.floor(u) - 1, math.floor(u) + 3)]
        expected = sum(keys(v - i) * keys(u - j) * cells[min(max(i, 0), side - 1)][min(max(j, 0), side - 1)] for i, j in near)
        assert abs(expected - float(heated[1, 4, y, x])) <= 5e-5
