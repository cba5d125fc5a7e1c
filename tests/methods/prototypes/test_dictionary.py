import pytest
import torch
import torch.nn.functional as F

from explorer.core.errors import DataError
from explorer.methods.prototypes import dictionary


def planted(n: int = 6000, *, atoms: int = 64, size: int = 32, active: int = 3, seed: int = 0):
    """Vectors made of three of 64 unit atoms in 32 dimensions, with a little noise; and the atoms."""
    generator = torch.Generator().manual_seed(seed)
    true = F.normalize(torch.randn(atoms, size, generator=generator), dim=1)
    z = torch.zeros(n, atoms)
    chosen = torch.rand(n, atoms, generator=generator).topk(active, dim=1).indices
    z.scatter_(1, chosen, 0.5 + torch.rand(n, active, generator=generator))
    return z @ true + 0.01 * torch.randn(n, size, generator=generator), true


@pytest.fixture(scope="module")
def fitted():
    a, true = planted()
    return a, true, [dictionary.fit(a, atoms=64, active=3, steps=3500, seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def light():
    """A dictionary that a second makes: not all of its atoms are right, and what is asked of it does not need that."""
    a, true = planted()
    return a, true, dictionary.fit(a, atoms=64, active=3, steps=600, tries=1)


@pytest.mark.slow
def test_planted_atoms_are_found_again(fitted):
    _, true, found = fitted
    for one in found:
        assert (dictionary.matched(true, one.atoms) >= 0.95).float().mean() >= 0.95


@pytest.mark.slow
def test_two_seeds_find_the_same(fitted):
    a, _, (one, other) = fitted
    assert dictionary.matched(one.atoms, other.atoms).mean() >= 0.95 and one.explained(a) >= 0.93


def test_no_more_atoms_are_active_than_allowed(light):
    a, _, one = light
    z = one.encode(a[:100])
    assert (z >= 0).all() and (z > 0).sum(dim=1).max() <= 3


def test_rows_bias_and_residual_add_up_to_the_logit(light):
    a, _, one = light
    described = a[: 8 * 16].view(8, 4, 4, 32).permute(0, 3, 1, 2)
    weight, bias = torch.randn(5, 32, generator=torch.Generator().manual_seed(2)), torch.arange(5.0)
    rows, totals = dictionary.evidence(one, described, weight, bias)
    assert rows.shape == (8, 5, 66) and ((rows.sum(dim=2) - totals).abs() <= 1e-5 * totals.abs().clamp_min(1)).all()
    assert torch.allclose(totals, F.linear(described.mean(dim=(2, 3)), weight, bias))


def test_an_atom_can_be_forced_on_and_off(light):
    a, _, one = light
    described = a[:16].view(1, 4, 4, 32).permute(0, 3, 1, 2)
    mask = torch.zeros(4, 4)
    mask[1, 2] = 1
    moved = dictionary.steered(one, described, 7, 5.0, mask)
    elsewhere = mask[None, None] == 0
    assert torch.equal((moved - described) * elsewhere, torch.zeros_like(described))
    assert one.maps(moved)[0, 7, 1, 2] > 3
    off = dictionary.steered(one, described, 7, 0.0)
    assert torch.allclose(off - described, -one.scale * one.maps(described)[:, 7:8] * one.atoms[7].view(1, -1, 1, 1), atol=1e-6)


def test_an_atom_made_of_two_is_split_into_them():
    _, true = planted(10)
    generator = torch.Generator().manual_seed(4)
    one, two = true[3], F.normalize(true[9] - (true[9] @ true[3]) * true[3], dim=0)
    which = torch.rand(400, generator=generator) < 0.5
    a = (0.5 + torch.rand(400, 1, generator=generator)) * torch.where(which[:, None], one, two) + 0.01 * torch.randn(400, 32, generator=generator)
    merged = dictionary.Dictionary(F.normalize(one + two, dim=0)[None], F.normalize(one + two, dim=0)[None], torch.zeros(32), 1)
    parts = dictionary.split(merged, a, 0)
    assert dictionary.matched(parts, torch.stack([one, two])).min() >= 0.95


def activations(n: int, shares: torch.Tensor, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(n, len(shares), generator=generator) < shares) * (0.5 + torch.rand(n, len(shares), generator=generator))


def test_what_is_rarer_in_generated_pictures_is_found_with_its_sign():
    shares = torch.full((64,), 0.2)
    wrong = 0
    for seed in range(20):
        real, made = shares.clone(), shares.clone()
        real[5], made[5] = 0.30, 0.05
        found = dictionary.prevalence(activations(1000, real, seed), activations(1000, made, 100 + seed))
        assert found.differs[5] and found.delta[5] < 0.5 and found.share_real[5] > found.share_generated[5]
        wrong += int(found.differs.sum()) - 1
    assert wrong <= 3


def test_two_halves_of_the_same_hardly_differ():
    flagged = [
        dictionary.prevalence(activations(1000, torch.full((64,), 0.2), s), activations(1000, torch.full((64,), 0.2), 50 + s)).differs
        for s in range(10)
    ]
    assert torch.stack(flagged).float().mean() <= 0.05


def test_taking_a_concept_out_lowers_delta():
    real = activations(500, torch.full((8,), 0.5), 0)
    without = real.clone()
    without[:, 2] = 0
    found = dictionary.prevalence(real, without)
    assert found.delta[2] < 0.5 and torch.allclose(found.delta[[0, 1, 3]], torch.tensor(0.5, dtype=torch.float64))


def test_rare_atoms_are_not_enough_data():
    found = dictionary.prevalence(activations(200, torch.tensor([0.02, 0.5]), 0), activations(200, torch.tensor([0.0, 0.5]), 1))
    assert found.enough.tolist() == [False, True] and not found.differs[0]


def test_what_cannot_be_written_is_said():
    with pytest.raises(DataError, match="at least as many vectors"):
        dictionary.fit(torch.randn(10, 4), atoms=20, active=2)
    with pytest.raises(DataError, match="finite"):
        dictionary.fit(torch.full((30, 4), float("nan")), atoms=20, active=2)
