import pytest
import torch

from explorer.core.errors import ModelError
from explorer.core.prototypes import Linear, Prototype
from explorer.methods.prototypes import uncertainty


def gaussian(index: int, mean, covariance) -> Prototype:
    return Prototype(index, torch.tensor(mean), index, torch.as_tensor(covariance))


ROUND = gaussian(0, [1.0, -0.5], [[0.8, 0.3], [0.3, 0.5]])


def test_sampled_distances_have_the_closed_moments():
    z = torch.tensor([[0.0, 0.0], [2.0, 1.0], [-3.0, 0.5]])
    count = 100_000
    away = uncertainty.distances(z, uncertainty.samples(ROUND, count, 0)[:, None])[..., 0]  # (S, B)
    mean, variance = uncertainty.moments(z, ROUND)
    assert ((away.mean(dim=0) - mean).abs() <= 3 * (variance / count).sqrt()).all()
    fourth = (away - away.mean(dim=0)).pow(4).mean(dim=0)
    assert ((away.var(dim=0) - variance).abs() <= 3 * ((fourth - variance**2) / count).sqrt()).all()


def test_total_is_aleatoric_and_epistemic():
    prototypes = [ROUND, gaussian(1, [-1.0, 1.0], [[0.5, 0.0], [0.0, 1.5]])]
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    found = uncertainty.doubt(z, prototypes, Linear(0.5 * torch.eye(2)))
    assert (found.total - found.aleatoric - found.epistemic).abs().max() <= 1e-9 and found.epistemic.min() >= -1e-9
    assert found.epistemic.max() > 0.01 and torch.equal(found.mean, uncertainty.doubt(z, prototypes, Linear(0.5 * torch.eye(2))).mean)


def test_points_leave_nothing_epistemic():
    prototypes = [gaussian(j, mean, 1e-12 * torch.eye(2)) for j, mean in enumerate(([0.0, 1.0], [1.0, 0.0]))]
    found = uncertainty.doubt(torch.randn(20, 2, generator=torch.Generator().manual_seed(1)), prototypes, Linear(0.5 * torch.eye(2)))
    assert found.epistemic.max() < 1e-6


def test_overlap_of_the_same_and_of_the_far():
    generator = torch.Generator().manual_seed(0)
    one, two = torch.randn(4000, generator=generator), torch.randn(4000, generator=generator)
    assert abs(uncertainty.overlap(one, one) - 1) <= 0.02 and uncertainty.overlap(one, two) >= 0.95
    assert uncertainty.overlap(one, two + 10) < 0.01


def test_a_spike_is_not_stepped_over():
    spike = 5 + 1e-4 * torch.randn(2000, generator=torch.Generator().manual_seed(2))
    wide = 5 + torch.randn(2000, generator=torch.Generator().manual_seed(3))
    assert abs(uncertainty.overlap(spike, spike) - 1) <= 0.02 and uncertainty.overlap(spike, wide) < 0.02


def test_half_way_between_two_equal_prototypes_all_is_open():
    pair = [gaussian(0, [-1.0, 0.0], 0.3 * torch.eye(2)), gaussian(1, [1.0, 0.0], 0.3 * torch.eye(2))]
    z = torch.zeros(1, 2)
    away = uncertainty.distances(z, uncertainty.draws(pair, 4000, 0))[:, 0]
    assert uncertainty.overlap(away[:, 0], away[:, 1]) >= 0.9
    p = uncertainty.doubt(z, pair, Linear(0.5 * torch.eye(2)), count=4000).mean[0]
    assert abs(float(p[0] - p[1])) <= 0.02


def test_what_was_never_seen_is_farther_than_what_was():
    """Codes of real digits: prototypes know 0 to 4, and are shown 5 to 9."""
    sklearn = pytest.importorskip("sklearn.datasets")
    digits = sklearn.load_digits()
    x, y = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[order], y[order]
    known = y < 5
    training = known & (torch.arange(len(x)) % 2 == 0)
    centre = x[training].mean(dim=0)
    basis = torch.linalg.svd(x[training] - centre, full_matrices=False).Vh
    z = (x - centre) @ basis.T
    prototypes = [Prototype(c, z[training & (y == c)].mean(dim=0), c, z[training & (y == c)].T.cov()) for c in range(5)]
    away = torch.stack([uncertainty.moments(z, p)[0] for p in prototypes], dim=1)
    nearest = away.argmin(dim=1)
    share = torch.zeros(len(z))
    for c in range(5):
        mine = nearest == c
        share[mine] = uncertainty.percentile(away[mine, c], away[training & (y == c), c])
    test = known & ~training
    assert auroc(share[~known], share[test]) >= 0.9
    halves = share[test]
    assert abs(auroc(halves[::2], halves[1::2]) - 0.5) <= 0.08


def auroc(higher, lower) -> float:
    more = (higher[:, None] > lower[None]).float() + 0.5 * (higher[:, None] == lower[None]).float()
    return float(more.mean())


def test_a_point_has_no_uncertainty():
    with pytest.raises(ModelError, match="is a point"):
        uncertainty.moments(torch.zeros(1, 2), Prototype(3, torch.zeros(2)))
