import pytest
import torch

from explorer.core.errors import DataError, ModelError
from explorer.core.text import led
from explorer.methods.text.curvature import Covariance, damped, looks
from explorer.methods.text.edited import Counted, Request
from explorer.methods.text.encode import encode
from explorer.methods.text.identify import Settings, identify
from explorer.methods.text.joint import Joint, averaged
from tests.textworlds import Pairs, transformer

# leakage |dB| / |dA| against care 0, 1, 5, 20, the covariance unscaled: A is asked for, B agrees with A so often
LEAKAGE = {0.50: (0.0, 0.0, 0.0, 0.0), 0.80: (0.310, 0.191, 0.088, 0.045), 0.95: (0.556, 0.441, 0.293, 0.187)}


def off(world: Pairs) -> torch.Tensor:
    """A picture without A and without B."""
    return world.centre(-1, -1).view(1, 1, 1, -1)


def leakage(world: Pairs, care: float, *, exact: bool = True) -> float:
    """Of the direction from "off" to "on", what moves B against what moves A, with 512 looks at the picture and the covariance as it is."""
    before, after = world.embed(["off"]), world.embed(["on"])
    seen = looks(off(world), 512)
    gain = (led(world, after)(seen.z, seen.t) - led(world, before)(seen.z, seen.t)).mean(dim=0)
    covariance = Covariance(led(world, before), seen, exact)
    d = damped(covariance, gain, care, steps=10).solution
    return abs(float(d.flatten()[1] / d.flatten()[0]))


@pytest.mark.parametrize("together", LEAKAGE)
def test_care_keeps_what_goes_together_from_moving_along(together):
    found = [leakage(Pairs(together), care) for care in (0, 1, 5, 20)]
    assert found == pytest.approx(LEAKAGE[together], rel=0.12, abs=0.005)


def test_differences_find_what_derivatives_find():
    world = Pairs(0.8)
    assert leakage(world, 5, exact=False) == pytest.approx(leakage(world, 5), rel=0.02)


def test_products_are_those_of_the_posterior_covariance():
    world = Pairs(0.8)
    seen = looks(off(world), 32)
    covariance = Covariance(led(world, world.embed(["off"])), seen)
    true = world.mixture(world.embed(["off"]).repeated(32)).covariance(seen.z, seen.t).mean(dim=0)
    v = torch.randn(1, 1, 10, dtype=torch.float64)
    assert torch.allclose(covariance(v).flatten(), true @ v.flatten(), atol=1e-8)
    assert torch.allclose(covariance.transposed(v), covariance.product(v), atol=1e-8) and covariance.skew < 1e-6
    assert covariance.mean_variance == pytest.approx(float(true.trace()) / 10, rel=0.3)


def test_an_asymmetric_network_is_made_symmetric():
    turn = torch.randn(12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = looks(torch.zeros(1, 3, 2, 2, dtype=torch.float64), 4)
    covariance = Covariance(lambda z, t: (z.flatten(1) @ turn.T).view(z.shape), seen)
    weight = float((seen.t.square() / (1 - seen.t)).mean())
    v = torch.randn(3, 2, 2, dtype=torch.float64)
    assert covariance.skew > 0.2
    assert torch.allclose(covariance(v).flatten(), weight * (turn + turn.T) / 2 @ v.flatten(), atol=1e-8)


def rotated(values: list[float]) -> torch.Tensor:
    basis = torch.linalg.qr(torch.randn(len(values), len(values), generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q
    return basis @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ basis.T


def test_conjugate_gradients_solve_in_as_many_steps_as_there_are_eigenvalues():
    matrix, g = rotated([0.0, 0, 1, 1, 4, 4]), torch.randn(6, dtype=torch.float64)
    found = damped(lambda v: matrix @ v, g, 3.0)
    assert torch.allclose(found.solution + 3 * matrix @ found.solution, g, atol=1e-8) and found.unsolved < 1e-6 and found.negative < 1e-12
    early = damped(lambda v: matrix @ v, g, 3.0, steps=2)
    left = float((early.solution + 3 * matrix @ early.solution - g).norm() / g.norm())
    assert early.unsolved == pytest.approx(left, rel=1e-6) and left > 1e-3


def test_a_few_steps_are_those_of_conjugate_gradients():
    matrix, g = rotated([0.1, 0.5, 1.0, 2.0, 3.0, 7.0]), torch.randn(6, dtype=torch.float64)
    whole = torch.eye(6, dtype=torch.float64) + 2 * matrix
    d, left = torch.zeros(6, dtype=torch.float64), g
    way = left
    for _ in range(3):  # the textbook's loop
        pace = left @ left / (way @ whole @ way)
        d, after = d + pace * way, left - pace * whole @ way
        way, left = after + (after @ after) / (left @ left) * way, after
    assert torch.allclose(damped(lambda v: matrix @ v, g, 2.0, steps=3).solution, d, atol=1e-8)


def test_negative_variances_count_as_none():
    matrix, g = rotated([-0.5, 0.0, 1.0, 2.0]), torch.randn(4, dtype=torch.float64)
    found = damped(lambda v: matrix @ v, g, 4.0)
    assert torch.allclose(found.solution, torch.linalg.solve(torch.eye(4, dtype=torch.float64) + 4 * rotated([0.0, 0, 1, 2]), g), atol=1e-8)
    assert found.negative == pytest.approx(0.25)


def test_no_care_is_delta_denoising_to_the_bit_and_any_care_keeps_the_length():
    world = Pairs(0.95)
    before, after = world.embed(["off"]), world.embed(["on"])
    none = identify(world, off(world), before, after, settings=Settings(care=0))
    some = identify(world, off(world), before, after, settings=Settings(care=4))
    assert torch.equal(none.vector, none.plain) and torch.equal(none.plain, some.plain)
    assert some.vector.norm() == pytest.approx(float(none.vector.norm())) and 0 < some.figures["cosine_to_plain"] < 1
    spill = [abs(float(each.vector.flatten()[1] / each.vector.flatten()[0])) for each in (none, some)]
    assert spill[1] < 0.75 * spill[0] and some.figures["unsolved"] < 1e-3


def test_evaluations_are_counted():
    world = Counted(Pairs(0.8))
    before, after = world.embed(["off"]), world.embed(["on"])
    identify(world, off(world.inner), before, after, settings=Settings(care=0))
    assert world.evaluations == 16
    identify(world, off(world.inner), before, after, settings=Settings(care=4))
    assert 16 + 16 + 8 * (3 + 2) <= world.evaluations <= 16 + 16 + 8 * (3 + 2 + 8)


def test_the_networks_derivative_leads_along_what_is_free():
    world = Pairs(0.8)
    found = identify(world, off(world), world.embed(["off"]), world.embed(["on"]), settings=Settings(mode="jacobian"))
    assert found.vector.norm() == pytest.approx(float(found.plain.norm())) and found.figures["cosine_to_plain"] < 0.99
    assert abs(found.vector.flatten()[1] / found.vector.flatten()[0]) > abs(found.plain.flatten()[1] / found.plain.flatten()[0])


def test_a_diagonal_curvature_is_not_penalised_and_another_is():
    world = Pairs(0.8)
    found = identify(world, off(world), world.embed(["off"]), world.embed(["on"]), settings=Settings(mode="penalty"))
    assert found.figures["penalty_before"] < 1e-9 and torch.allclose(found.vector, found.plain)
    reader = transformer(moved=0.2).denoiser
    bent = identify(reader, 0.3 * torch.randn(1, 3, 16, 16), reader.embed(["a face"]), reader.embed(["a hat"]), settings=Settings(mode="penalty"))
    assert bent.figures["penalty_after"] < bent.figures["penalty_before"] and bent.figures["cosine_to_plain"] < 0.9999


def test_a_network_is_looked_at_in_every_mode():
    reader = transformer().denoiser
    x = 0.3 * torch.randn(1, 3, 16, 16)
    before, after = reader.embed(["a face"]), reader.embed(["a hat"])
    for mode in ("covariance", "jacobian", "penalty"):
        found = identify(reader, x, before, after, settings=Settings(mode=mode, count=3, rounds=3))
        assert found.vector.shape == (3, 16, 16) and found.vector.isfinite().all(), mode
    assert {"skew", "mean_variance"} <= set(identify(reader, x, before, after, settings=Settings(count=3, rounds=2)).figures)


def test_the_same_caption_twice_gives_no_direction():
    world = Pairs(0.8)
    found = identify(world, off(world), world.embed(["off"]), world.embed(["off"]))
    assert not found.vector.any()


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="No mode 'newton'. Known: covariance, jacobian, penalty"):
        Settings(mode="newton")
    with pytest.raises(DataError, match="care of at least 0"):
        Settings(care=-1)


def joint(world, said: str = "off", wanted: str = "on", **changes) -> Joint:
    encoded = encode(world, Request(off(world), said, wanted), steps=40, solver="heun")
    found = identify(world, encoded.picture, encoded.before, encoded.after)
    return Joint(encoded, found.vector, guidance=1.0).but(**changes)


def test_nothing_asked_is_the_picture_itself_and_strengths_go_one_way():
    edit = joint(Pairs(0.5))
    shown = edit.strip([0, 0.25, 0.5, 0.75, 1])
    assert torch.allclose(shown[0], edit.encoded.picture.clamp(-1, 1)[0], atol=1e-9)
    a = shown.flatten(1)[:, 0]
    assert (a.diff() >= -1e-6).all() and a[-1] > 0.9


def test_text_and_picture_can_be_moved_apart():
    edit = joint(Pairs(0.5))
    both, text, picture, none = edit.at([(1, 1), (1, 0), (0, 1), (0, 0)]).flatten(1)[:, 0]
    assert both > 0.9 and both >= text - 1e-6 > picture + 0.1 and none == pytest.approx(-1)


def test_a_preview_in_fewer_steps_leaves_the_picture_where_nothing_is_asked():
    edit = joint(Pairs(0.5))
    assert torch.allclose(edit.at([(0, 0)], steps=4), edit.encoded.picture.clamp(-1, 1), atol=1e-9)
    assert edit.at([(1, 1)], steps=4).flatten(1)[0, 0] > 0.9


def test_rows_pooled_vector_and_held_steps_are_chosen():
    reader = transformer().denoiser
    encoded = encode(reader, Request(0.3 * torch.randn(1, 3, 16, 16), "a face", "a hat"), level=0.5, steps=12, worst=-99)
    shown = {key: Joint(encoded, torch.zeros(3, 16, 16), **how).strip([1])[0] for key, how in {
        "both": {}, "rows": {"pooled": False}, "pooled": {"rows": False}, "neither": {"rows": False, "pooled": False}, "held": {"held": 1.0},
    }.items()}  # fmt: skip
    assert torch.allclose(shown["neither"], shown["held"], atol=1e-4)
    distinct = [shown[key] for key in ("both", "rows", "pooled", "neither")]
    assert all(not torch.allclose(a, b, atol=1e-4) for i, a in enumerate(distinct) for b in distinct[:i])


def test_the_picture_part_is_an_ordinary_direction():
    edit = joint(Pairs(0.8))
    made = edit.direction("on", model="toy")
    z = edit.encoded.found.z.flatten(1)
    moved = made.step(z, 1.0)
    assert torch.allclose(moved, z + (1 - edit.encoded.level) * edit.vector.flatten(), atol=1e-5) and made.space.name == "noisy-0.65"
    with pytest.raises(DataError, match="moves only the text"):
        edit.but(vector=torch.zeros_like(edit.vector)).direction("on")


def test_a_common_direction_of_many_pictures_says_how_stable_it_is():
    world = Pairs(0.8)
    vector, stable = averaged([joint(world), joint(world)])
    assert stable == pytest.approx(1) and vector.shape == (1, 1, 10)
    mixed, torn = averaged([joint(world), joint(world).but(vector=-joint(world).vector)])
    assert torn == pytest.approx(-1) and mixed.abs().max() < 1e-9
    with pytest.raises(DataError, match="at least two pictures"):
        averaged([joint(world)])


def test_a_picture_that_does_not_come_back_is_refused():
    world = Pairs(0.5)
    with pytest.raises(ModelError, match=r"cannot hold this picture: it comes back with .* dB, expected at least 60"):
        encode(world, Request(off(world), "on with", "off"), steps=6, worst=60)


def test_requests_that_cannot_be_are_refused():
    world = Pairs(0.5)
    with pytest.raises(DataError, match="one picture of finite numbers"):
        Request(torch.zeros(2, 3, 4, 4), "a", "b")
    with pytest.raises(DataError, match=r"edits pictures of shape \(1, 1, 10\), got \(3, 4, 4\)"):
        Request(torch.zeros(1, 3, 4, 4), "a", "b").fitting(world)
    with pytest.raises(DataError, match="the second caption is empty"):
        Request(off(world), "on", "  ").fitting(world)
    with pytest.raises(DataError, match="This edit goes from -1.5 to 2.5, got 9"):
        joint(world).strip([9])
