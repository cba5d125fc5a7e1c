"""Every method on one linear generator, whose answer is its singular value decomposition."""

import pytest
import torch

from explorer.core.direction import similarity
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.methods.directions import boundary, closed_form, hessian, linear, principal, warped
from tests.toys import normal

SIZE, RANK, SIDE = 8, 4, 16
SPACE = LatentSpace("z", (SIZE,))
ROWS = torch.linalg.qr(normal(SIZE, SIZE, seed=2)).Q[:RANK]  # what the generator looks at
STRENGTH = 1.5 ** -torch.arange(RANK, dtype=torch.float32)


def seen(z: torch.Tensor) -> torch.Tensor:
    return (z @ ROWS.T) * STRENGTH


def decode(z: torch.Tensor) -> torch.Tensor:
    """Each singular vector colours a quarter of the picture."""
    return seen(z).view(-1, 1, 2, 2).repeat_interleave(SIDE // 2, dim=2).repeat_interleave(SIDE // 2, dim=3)


WEIGHT = decode(torch.eye(SIZE)).flatten(1).T  # (pixels, D)


def vectors(directions) -> torch.Tensor:
    return torch.stack([direction.field.vector for direction in directions])


def share(ways: torch.Tensor) -> float:
    """How much of unit vectors `(N, D)` lies in what the generator looks at; by chance it is r / d."""
    return float((ways @ ROWS.T).square().sum(dim=1).mean())


def test_what_needs_no_labels_finds_the_singular_vectors():
    z = normal(4000, SIZE)
    found = {
        "sefa": closed_form.sefa(WEIGHT, SPACE, count=RANK),
        "jacobian": closed_form.averaged_jacobian(decode, z[:4], SPACE, count=RANK),
        "pca": principal.of_activations(z, decode(z).flatten(1), SPACE, count=RANK),
    }
    for method, directions in found.items():
        assert (vectors(directions) * ROWS).sum(dim=1).abs().min() >= 0.99, method
    assert all(abs(similarity(a, b, z[:8])) >= 0.99 for a, b in zip(found["sefa"], found["pca"]))


def test_a_boundary_of_what_is_seen_is_its_singular_vector():
    z = normal(2000, SIZE)
    assert abs(float(boundary.fit(z, (seen(z)[:, 0] > 0).long()).normal @ ROWS[0])) >= 0.99


def test_the_hessian_has_no_preference():
    with pytest.raises(DataError, match="no preference"):
        hessian.learned(decode, SPACE, count=2, steps=2)


@pytest.mark.slow
def test_rbf_paths_turn_to_what_can_be_seen():
    """At the start a path looks nowhere in particular: a share of r / d. What is learned looks at what the classifier can see."""
    z, paths = normal(200, SIZE, seed=5), {}
    for updates in (1, 500):
        found, right = warped.learned(decode, SPACE, channels=1, count=RANK, updates=updates, reach=1.0, rate=3e-3)
        paths[updates] = sum(share(direction.field.velocity(z, 0)) for direction in found) / RANK
    assert paths[1] == pytest.approx(RANK / SIZE, abs=0.2) and paths[500] > paths[1] + 0.15 and right >= 0.9


@pytest.mark.slow
def test_straight_directions_turn_to_what_can_be_seen():
    """With short shifts, so that what cannot be seen costs something; from the share of chance."""
    before, after = (linear.learned(decode, SPACE, channels=1, count=RANK, updates=updates, reach=0.2, rate=1e-2) for updates in (1, 400))
    assert share(vectors(before[0])) == pytest.approx(RANK / SIZE, abs=0.1)
    assert share(vectors(after[0])) > share(vectors(before[0])) + 0.2 and after[1] >= 0.9


@pytest.mark.parametrize("n, least, most", [(320, 0.0, 0.97), (20_000, 0.97, 1.0)])
def test_neighbours_of_like_spread_need_many_codes(n, least, most):
    """Singular values in the ratio 1.05: the middle components of few codes are mixtures, and settle with many."""
    rows = torch.linalg.qr(normal(40, 16, seed=1)).Q @ torch.diag(1.05 ** -torch.arange(16, dtype=torch.float32))
    frame = torch.linalg.qr(normal(16, 16, seed=2)).Q
    weight, z = rows @ frame.T, normal(n, 16, seed=4)
    found = principal.of_activations(z, z @ weight.T, LatentSpace("z", (16,)), count=2)
    assert least <= float((vectors(found) * frame.T[:2]).sum(dim=1).abs().mean()) <= most
