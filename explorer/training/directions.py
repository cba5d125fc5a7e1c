"""Makes the directions that come with a model: `NAME.directions.safetensors`, each with its evidence.

For every class of every attribute that the atlas labels, each supervised method is tried, and the one that leaks least at a matched
share of reached starts is kept; of each attribute the cleanest classes are bundled. Beside them stand unsupervised ones, a trained
potential flow, and random directions as the control.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from explorer import directions
from explorer.core.direction import Direction
from explorer.core.errors import DataError
from explorer.core.progress import Progress
from explorer.data.cache import cache_folder
from explorer.methods.directions.find import Wish, find, flow_settings, flows, why_not
from explorer.methods.directions.ground import Ground
from explorer.methods.flows import learn
from explorer.training.loop import Descent, walk

__all__ = ["flow", "make", "supervised"]

STARTS = 512
TRIED = 96  # starts by which methods are compared
SUPERVISED = ("logistic", "mean difference", "gradient")
OF_AN_ATTRIBUTE = 2  # classes bundled of each attribute
LEAST_SHARE = 0.01  # of the codes that must show a class
UNSUPERVISED = {"pca": 4, "sefa": 4, "random": 2}

Say = Callable[[Progress], None]


def make(
    ground: Ground, folder: Path, *, report: Say = lambda progress: None, stop: Callable[[], bool] = lambda: False, seed: int = 0, starts: int = STARTS, updates: int = 0
) -> Path:
    """Finds, measures and writes the directions of a model; returns the file. A flow that was stopped goes on.

    Raises:
        Stopped: as asked.
    """
    began, found = time.monotonic(), [*flow(ground, report=report, stop=stop, seed=seed, updates=updates)]
    found = [*supervised(ground, seed=seed, report=report), *_unsupervised(ground, seed), *found]
    done = []
    for i, direction in enumerate(found):
        report(Progress(i, len(found), {}, (time.monotonic() - began) / 60))
        done.append(ground.measured(direction, starts=starts))
    file = folder / f"{ground.model.card.name}{directions.SUFFIX}"
    directions.write(file, done)
    return file


def _unsupervised(ground: Ground, seed: int) -> list[Direction]:
    made = []
    for method, count in UNSUPERVISED.items():
        if why_not(ground, method) is None:
            try:
                made += find(ground, Wish(method, count=count, seed=seed))
            except DataError:  # codes that spread evenly have no principal direction
                continue
    return made


def flow(
    ground: Ground, *, report: Say = lambda progress: None, stop: Callable[[], bool] = lambda: False, seed: int = 0, wish: Wish | None = None, updates: int = 0
) -> list[Direction]:
    """A potential flow of K = 8, trained with its whole state kept; none for a model without gradients."""
    wish = wish or Wish("flow", count=8, seed=seed, updates=updates)
    if why_not(ground, "flow"):
        return []
    settings, channels = flow_settings(wish), ground.model.generator.picture_shape[0]
    made = learn.Course(settings, ground.space.size, channels)
    state = cache_folder() / f"flow-{ground.model.card.name}-{wish.key(ground.model.card.weights)}.state"
    course = Descent(made, lambda step: made.loss(ground.decode, ground.sample, step), settings.updates, settings.rate, clip=10.0)
    progress = walk(course, steps=settings.updates, file=state, report=report, seed=seed, stop=stop)
    made.eval().requires_grad_(False)
    done = flows(ground, made)
    state.unlink(missing_ok=True)
    return [direction.but(settings={**direction.settings, "minutes": round(progress.minutes, 1)}) for direction in done]


def supervised(ground: Ground, *, seed: int = 0, report: Say = lambda progress: None) -> list[Direction]:
    """Of each labelled attribute the classes whose best direction leaks least."""
    if ground.atlas is None or not ground.atlas.labels or ground.scene.judge is None:
        return []
    wishes = [
        Wish("logistic", seed=seed, attribute=attribute, toward=name)
        for attribute, values in ground.atlas.labels.items()
        for c, name in enumerate(ground.atlas.classes[attribute])
        if attribute in ground.scene.judge.questions and float((values == c).float().mean()) >= LEAST_SHARE
    ]
    chosen: dict[str, list[tuple[float, Direction]]] = {}
    for i, wish in enumerate(wishes):
        report(Progress(i, len(wishes)))
        best = min((_tried(ground, replace(wish, method=method)) for method in SUPERVISED), key=lambda pair: pair[0])
        if best[1] is not None:
            chosen.setdefault(wish.attribute, []).append(best)
    return [direction for found in chosen.values() for _, direction in sorted(found, key=lambda pair: pair[0])[:OF_AN_ATTRIBUTE]]


def _tried(ground: Ground, wish: Wish) -> tuple[float, Direction | None]:
    """The leakage of what a method finds, and it; infinite where it finds nothing or does not reach the class."""
    try:
        (direction,) = find(ground, wish)
    except DataError:
        return float("inf"), None
    with torch.no_grad():
        matched = ground.measured(direction, starts=TRIED).evidence["matched"]
    return (matched["leakage_mean"], direction) if matched["matched"] else (float("inf"), None)
