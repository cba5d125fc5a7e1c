"""The bundled potential flows: none is inert, and they are more predictable than random directions."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F

from explorer import atlases, checkpoints, directions
from explorer.core.direction import Direction
from explorer.methods.directions import baseline, units
from explorer.methods.directions.ground import Ground
from explorer.methods.measure.variation import pairs

NAMES = ("avatars-vae", "avatars-gan")
SHOWN = 200  # pairs of which it is said which direction made them


@cache
def ground(name: str) -> Ground:
    return Ground(checkpoints.load(name), atlases.atlas(name), None)


@cache
def flow(name: str) -> tuple[Direction, ...]:
    found = directions.read(directions.file_of(checkpoints.find(name)), ground(name).model)
    return tuple(direction for direction in found if direction.method == "flow")


def told_apart(name: str, found: tuple[Direction, ...]) -> float:
    """How often a changed picture is nearest, in angle, to the mean change of the direction that made it: means of few, of all others."""
    on = ground(name)
    even = [units.calibrated(direction, on.decode, on.starts(24), on.unit) for direction in found]
    changes, which = pairs(even, on.decode, on.sample, n=1000)
    changes = F.normalize(changes.flatten(1), dim=1)
    means = torch.stack([changes[:SHOWN][which[:SHOWN] == k].mean(dim=0) for k in range(len(found))])
    return float(((changes[SHOWN:] @ F.normalize(means, dim=1).T).argmax(dim=1) == which[SHOWN:]).float().mean())


@pytest.mark.parametrize("name", NAMES)
def test_a_classifier_named_each_of_eight_flows(name):
    assert len(flow(name)) == 8 and {direction.settings["equation"] for direction in flow(name)} == {"wave"}
    assert all(direction.settings["accuracy"] >= 0.9 and direction.settings["minutes"] <= 20 for direction in flow(name))


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_no_bundled_flow_is_inert(name):
    z, moved = ground(name).sample(32, 6), []
    for direction in flow(name):
        states = direction.field.walk(z, direction.field.trained)[1:]
        x = torch.stack([ground(name).decode(state) for state in states])
        moved.append(float((x[1:] - x[:-1]).square().flatten(2).mean(dim=2).sqrt().mean()))
    assert all(0.25 <= change / sorted(moved)[4] <= 4 for change in moved)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_bundled_flows_are_more_predictable_than_random_directions(name):
    """By half of what random directions leave wrong."""
    random = told_apart(name, tuple(baseline.random(ground(name).space, 8, seed=0)))
    assert 1 - told_apart(name, flow(name)) <= (1 - random) / 2
