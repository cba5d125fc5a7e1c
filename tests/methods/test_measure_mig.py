"""The gap on codes whose answer is known: the acceptance tests of its note, and the formula of Locatello et al. as an oracle."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score
from torch import Tensor

from explorer.core.errors import DataError
from explorer.methods.measure import mig
from explorer.methods.measure.mig import ceiling, gap

DSPRITES = (3, 6, 40, 32, 32)


def drawn(sizes: tuple[int, ...], n: int = 10_000, seed: int = 0) -> tuple[np.ndarray, dict[str, int]]:
    """Independent, even factors `(n, K)` and their sizes by name."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.integers(size, size=n) for size in sizes], axis=1), {f"v{k}": size for k, size in enumerate(sizes)}


def standardised(values: np.ndarray) -> Tensor:
    return torch.from_numpy((values - values.mean(axis=0)) / values.std(axis=0))


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Intervals and chance have their own tests."""
    monkeypatch.setattr(mig, "HALVES", 2)
    monkeypatch.setattr(mig, "SHUFFLES", 1)


@pytest.mark.parametrize(("size", "share"), [(2, 1), (10, 1), (20, 1), (21, 0.978), (24, 0.927), (32, 0.850), (40, 0.812), (183, 0.575)])
def test_twenty_bins_cannot_tell_more_than_twenty_values_apart(size, share):
    assert ceiling([size]) == pytest.approx(share, abs=6e-4)


def test_the_ceiling_of_dsprites_is_902_thousandths_and_the_factors_themselves_reach_it():
    assert ceiling(DSPRITES) == pytest.approx(0.902, abs=6e-4)
    values, sizes = drawn(DSPRITES)
    found = gap(standardised(values), values, sizes=sizes)
    assert found.value == pytest.approx(0.902, abs=0.01) and found.ceiling == ceiling(DSPRITES)
    assert list(found.best.values()) == [0, 1, 2, 3, 4] and found.constant == 0 and found.n == 10_000


def test_factors_of_at_most_twenty_values_reach_one():
    values, sizes = drawn((4, 10, 15, 20))
    assert gap(standardised(values), values, sizes=sizes).value >= 0.99


def test_order_sign_and_gentle_bending_of_coordinates_change_little():
    values, sizes = drawn(DSPRITES)
    codes = standardised(values)
    plain, moved = gap(codes, values, sizes=sizes), gap(torch.sinh(-codes[:, [3, 0, 4, 2, 1]] / 4), values, sizes=sizes)
    assert moved.value == pytest.approx(plain.value, abs=0.02) and list(moved.best.values()) == [1, 4, 3, 0, 2]
    assert gap(codes[:, [3, 0, 4, 2, 1]], values, sizes=sizes).value == pytest.approx(plain.value, abs=1e-12)


def test_turning_pairs_of_coordinates_by_45_degrees_leaves_no_gap():
    values, sizes = drawn((8, 8, 8, 8))
    codes = standardised(values)
    turned = torch.cat([codes[:, :2] + codes[:, 2:], codes[:, :2] - codes[:, 2:]], dim=1) / 2**0.5
    assert gap(turned, values, sizes=sizes).value <= 0.03


def test_mixing_all_coordinates_evenly_leaves_no_gap():
    values, sizes = drawn((8, 8, 8, 8))
    hadamard = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], dtype=torch.float64) / 2
    assert gap(standardised(values) @ hadamard, values, sizes=sizes).value <= 0.03


def test_copies_of_coordinates_leave_no_gap_and_noise_and_constants_none():
    values, sizes = drawn((5, 10, 20))
    codes = standardised(values)
    noise = torch.randn(10_000, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert gap(torch.cat([codes, codes], dim=1), values, sizes=sizes).value <= 0.02
    assert gap(noise, values, sizes=sizes).value <= 0.01
    still = gap(torch.ones(10_000, 4), values, sizes=sizes)
    assert still.value == 0 and still.constant == 4


def test_dead_coordinates_and_the_unit_of_the_code_change_nothing():
    values, sizes = drawn((5, 10, 20))
    codes = standardised(values) + 0.3 * torch.randn(10_000, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plain = gap(codes, values, sizes=sizes).value
    assert gap(torch.cat([codes, torch.zeros(10_000, 2)], dim=1), values, sizes=sizes).value == plain
    assert gap(codes * 1024, values, sizes=sizes).value == pytest.approx(plain, abs=1e-9)
    assert gap(codes * 1000, values, sizes=sizes).value == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_it_equals_the_formula_of_locatello_and_others(seed):
    values, sizes = drawn((3, 7, 24, 32), n=3_000, seed=seed)
    mixing = np.random.default_rng(seed).normal(size=(4, 8))
    codes = values @ mixing + np.random.default_rng(seed + 100).normal(size=(3_000, 8))
    labels = np.stack([np.digitize(column, np.histogram(column, 20)[1][:-1]) for column in codes.T])
    told = np.array([[mutual_info_score(label, column) for column in values.T] for label in labels])
    ordered = np.sort(told, axis=0)[::-1]
    entropy = [mutual_info_score(column, column) for column in values.T]
    assert gap(torch.from_numpy(codes), values, sizes=sizes).value == pytest.approx(np.mean((ordered[0] - ordered[1]) / entropy), abs=1e-9)


def test_the_interval_is_as_wide_as_repeated_measurements_differ(monkeypatch):
    monkeypatch.setattr(mig, "HALVES", 200)
    found = []
    for seed in range(20):
        values, sizes = drawn((5, 10), n=2_000, seed=seed)
        noise = torch.randn(2_000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        found.append(gap(standardised(values) + noise, values, sizes=sizes))
    spread = np.std([one.value for one in found])
    assert all(one.low < one.value < one.high for one in found)
    assert np.mean([one.high - one.low for one in found]) / 3.92 == pytest.approx(spread, rel=0.5)


def test_shuffled_factors_say_what_chance_gives(monkeypatch):
    monkeypatch.setattr(mig, "SHUFFLES", 20)
    values, sizes = drawn((32, 32), n=500)
    few = gap(standardised(values), values, sizes=sizes)
    assert 0 < few.chance < 0.2 < few.value
    noise = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    assert gap(noise, values, sizes=sizes).value < 2 * few.chance + 0.02


def test_a_measurement_repeats_and_is_ready_for_json():
    import json

    values, sizes = drawn((3, 4), n=500)
    codes = standardised(values)
    first = gap(codes, values, sizes=sizes, seed=3)
    assert first == gap(codes, values, sizes=sizes, seed=3) and json.loads(json.dumps(first.to_dict()))["gaps"].keys() == sizes.keys()


def test_what_cannot_be_measured_is_said():
    values, sizes = drawn((3, 4), n=50)
    codes = standardised(values)
    with pytest.raises(DataError, match="at least two coordinates"):
        gap(codes[:, :1], values, sizes=sizes)
    with pytest.raises(DataError, match="as many pictures"):
        gap(codes[:40], values, sizes=sizes)
    with pytest.raises(DataError, match="finite"):
        gap(torch.full((50, 2), float("nan")), values, sizes=sizes)
    with pytest.raises(DataError, match="'v0' should have two or more different values from 0 to 2, got 0 to 0"):
        gap(codes, values * 0, sizes=sizes)
