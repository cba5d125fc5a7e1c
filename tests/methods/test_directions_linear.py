"""Linear ways of finding directions, against answers that are known (the acceptance tests of the notes)."""

import math

import pytest
import torch
import torch.nn.functional as F

from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.methods.directions import baseline, boundary, closed_form, hessian, principal
from tests.toys import normal


def space(size: int) -> LatentSpace:
    return LatentSpace("z", (size,))


def rotation(size: int, seed: int = 0) -> torch.Tensor:
    return torch.linalg.qr(normal(size, size, seed=seed)).Q


def vectors(directions) -> torch.Tensor:
    return torch.stack([direction.field.vector for direction in directions])


# Principal directions


def graded(ratio: float, size: int = 16, rows: int = 40) -> torch.Tensor:
    """A map `(rows, size)` whose singular values fall by `ratio`."""
    return rotation(rows, 1)[:, :size] @ torch.diag(ratio ** -torch.arange(size, dtype=torch.float32)) @ rotation(size, 2).T


def test_components_of_a_linear_layer_are_its_right_singular_vectors():
    weight, z = graded(1.5), normal(2000, 16)
    found = vectors(principal.of_activations(z, z @ weight.T, space(16), count=16))
    true = torch.linalg.svd(weight).Vh
    assert (found * true).sum(dim=1).abs().min() >= 0.99


def test_one_unit_of_every_component_changes_the_layer_alike():
    weight, z = graded(1.2), normal(4000, 16)
    directions = principal.of_activations(z, z @ weight.T, space(16), count=8)
    changes = torch.tensor([float((d.length * weight @ d.field.vector).norm()) for d in directions])
    sigmas = torch.tensor([math.sqrt(d.settings["variance_share"] * float((z @ weight.T).var(dim=0).sum())) for d in directions])
    assert ((changes / sigmas - 1).abs() < 0.05).all()


def test_a_space_that_spreads_evenly_has_no_principal_direction():
    with pytest.raises(DataError, match="spread evenly"):
        principal.principal(normal(5000, 16), space(16), count=4)


def test_what_two_halves_disagree_about_says_so():
    wide = normal(600, 16) * torch.tensor([3.0] + [1.0] * 15)
    first, second, *_ = principal.principal(wide, space(16), count=4)
    assert first.settings["split_half"] > 0.97 and second.settings["split_half"] < principal.STABLE
    assert first.length == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("codes, count", [(normal(10, 16), 2), (normal(100, 16) * torch.arange(1, 17), 17)])
def test_too_few_codes_or_too_many_components_are_refused(codes, count):
    with pytest.raises(DataError):
        principal.principal(codes, space(16), count=count)


# Closed-form factorisation


def test_the_first_factor_of_a_linear_decoder_is_its_top_singular_vector():
    weight = normal(50, 8)
    first, *others = closed_form.sefa(weight, space(8), count=8)
    u, s, vh = torch.linalg.svd(weight, full_matrices=False)
    assert abs(float(first.field.vector @ vh[0])) > 0.999
    assert float((weight @ first.field.vector).norm()) == pytest.approx(float(s[0]), abs=1e-4)
    values = [d.settings["eigenvalue"] for d in (first, *others)]
    assert values == sorted(values, reverse=True)
    frame = vectors([first, *others]).double()
    assert (frame @ frame.T - torch.eye(8)).abs().max() < 1e-6


def test_the_averaged_jacobian_of_a_linear_decoder_is_its_factorisation():
    weight = normal(50, 8)
    both = (
        closed_form.sefa(weight, space(8), count=8),
        closed_form.averaged_jacobian(lambda z: z @ weight.T, normal(5, 8, seed=1), space(8), count=8),
    )
    assert ((vectors(both[0]) * vectors(both[1])).sum(dim=1).abs() - 1).abs().max() < 1e-5


def test_factorisation_and_principal_components_agree_on_a_linear_layer():
    weight, z = graded(1.5), normal(2000, 16)
    factors = vectors(closed_form.sefa(weight, space(16), count=16))
    components = vectors(principal.of_activations(z, z @ weight.T, space(16), count=16))
    assert (factors * components).sum(dim=1).abs().min() >= 0.99


def test_a_local_factor_follows_the_code():
    def bent(z):
        return torch.stack([z[:, 0] ** 2, z[:, 1]], dim=1)

    near, far = (closed_form.local_jacobian(bent, torch.tensor(code), space(2), count=1)[0].field.vector for code in ([0.1, 0.0], [3.0, 0.0]))
    assert abs(float(near[1])) > 0.99 and abs(float(far[0])) > 0.99


def test_scaling_the_rows_changes_the_answer():
    weight = normal(50, 8) * torch.logspace(-1, 1, 50)[:, None]
    plain, scaled = (closed_form.sefa(weight, space(8), count=1, normalise_rows=flag)[0].field.vector for flag in (False, True))
    assert abs(float(plain @ scaled)) < 0.99


def test_a_generator_that_ignores_its_code_is_refused():
    with pytest.raises(DataError, match="ignores the code"):
        closed_form.averaged_jacobian(lambda z: z * 0, normal(2, 4), space(4), count=1)


# Boundaries


def flipped(n: int, size: int = 32, share: float = 0.2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Codes, the true normal, and labels of which a share is wrong."""
    z, normal_ = normal(n, size, seed=n), F.normalize(normal(1, size, seed=5)[0], dim=0)
    wrong = torch.rand(n, generator=torch.Generator().manual_seed(n)) < share
    return z, normal_, ((z @ normal_ > 0) ^ wrong).long()


@pytest.mark.parametrize("method, least", [("mean difference", 0.92), ("logistic", 0.89)])
def test_the_normal_is_found_despite_wrong_labels(method, least):
    z, true, labels = flipped(1000)
    found = boundary.fit(z, labels, method=method)
    assert abs(float(found.normal @ true)) >= least and found.turn >= boundary.SURE


def test_too_few_labels_are_called_unsettled():
    z, _, labels = flipped(100)
    assert not boundary.between(z, labels, space(32), name="a", method="mean difference").settings["settled"]


def test_a_correlated_attribute_is_moved_by_its_cosine_and_protected_by_projection():
    rho = 0.6
    a = boundary.Direction("a", "test", space(4), boundary.Straight(torch.tensor([1.0, 0, 0, 0])))
    b = a.but(name="b", field=boundary.Straight(torch.tensor([rho, math.sqrt(1 - rho**2), 0, 0])))
    z = normal(6, 4)
    raw, guarded = a.step(z, 1.0) - z, a.guarded(b).step(z, 1.0) - z
    assert torch.allclose(raw @ b.field.vector, torch.full((6,), rho), atol=1e-6)
    assert torch.allclose(guarded @ b.field.vector, torch.zeros(6), atol=1e-6)
    assert torch.allclose(F.normalize(guarded, dim=1) @ a.field.vector, torch.full((6,), math.sqrt(1 - rho**2)), atol=1e-5)


def test_a_code_is_placed_at_a_distance_from_the_boundary():
    z, _, labels = flipped(400)
    found = boundary.fit(z, labels)
    placed = boundary.placed(z, found, 1.7)
    assert (placed @ found.normal + found.offset - 1.7).abs().max() < 1e-5


def test_a_ring_has_no_straight_boundary():
    z = normal(2000, 16)
    with pytest.raises(DataError, match="No straight boundary"):
        boundary.fit(z, (z[:, :2].norm(dim=1) > 1.18).long())


@pytest.mark.parametrize(
    "labels, why",
    [
        (torch.ones(40), "second group has 0"),
        (torch.cat([torch.ones(1), torch.zeros(39)]), "first group has 1 code,"),
        (torch.full((40,), float("nan")), "finite"),
        (torch.zeros(39), "one for each of 40"),
        (torch.full((40,), 2.0), "0 or 1"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(labels, why):
    with pytest.raises(DataError, match=why):
        boundary.fit(normal(40, 4), labels)


# The Hessian penalty


def test_the_penalty_of_known_functions():
    z = normal(64, 2)

    def known(z):
        return torch.stack([z[:, 0] * z[:, 1], z[:, 0] ** 2 * z[:, 1]], dim=1)

    drawn = [hessian.penalty(lambda z, k=k: known(z)[:, k : k + 1], z, torch.eye(2), draws=512, eps=0.1, seed=1) for k in range(2)]
    assert torch.allclose(drawn[0], torch.full((64,), 4.0), rtol=0.02)
    assert torch.allclose(drawn[1], 16 * z[:, 0] ** 2, rtol=0.1, atol=0.1)


def test_what_adds_up_costs_nothing():
    z = normal(16, 3).double()
    drawn = hessian.penalty(lambda z: torch.stack([z.sin().sum(dim=1), (z**3).sum(dim=1)], dim=1), z, torch.eye(3).double(), draws=4, eps=0.1, seed=0)
    assert drawn.max() < 1e-15


def test_a_linear_generator_has_no_preference():
    weight = normal(20, 4)
    with pytest.raises(DataError, match="no preference"):
        hessian.learned(lambda z: z @ weight.T, space(4), count=4, steps=3)


def test_the_frame_of_an_additive_generator_is_found():
    turn, size = rotation(8, 3), 8
    bends = torch.linspace(0.5, 2.0, size)
    mix = rotation(size, 4)

    def bent(z):
        return (bends * (z @ turn.T) ** 2) @ mix.T  # each turned coordinate acts on its own

    directions = hessian.learned(bent, space(size), count=size, steps=600, batch=32, eps=0.5)
    cosines = (vectors(directions) @ turn.T).abs()
    assert float(cosines.max(dim=1).values.mean()) >= 0.95


def test_the_table_of_crossed_effects():
    table = hessian.crossed(lambda z: (z[:, 0] * z[:, 1]).view(-1, 1), normal(8, 3), torch.eye(3))
    assert table[0, 1] == pytest.approx(1.0, abs=1e-3) and table[0, 2] == pytest.approx(0.0, abs=1e-3)


# Baselines


def test_random_directions_are_orthogonal_and_follow_the_seed():
    first, second = (vectors(baseline.random(space(16), 8, seed=3)) for _ in range(2))
    assert torch.equal(first, second) and torch.allclose(first @ first.T, torch.eye(8), atol=1e-5)
    assert len(baseline.coordinates(space(16))) == 16
    with pytest.raises(DataError):
        baseline.random(space(16), 17, seed=0)
