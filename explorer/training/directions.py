"""Makes the directions that come with a model: `NAME.directions.safetensors`, each with its evidence.

For every class of every attribute that the atlas labels, each supervised method is tried, and the one that leaks least at a matched
share of reached starts is kept; of each attribute the cleanest classes are bundled. Beside them stand unsupervised ones, trained
potential flows, and random directions as the control. What has been measured is kept, so that a stopped making goes on, and flows
that are learned later are added without measuring the rest again.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from explorer import directions
from explorer.core.direction import Direction
from explorer.core.errors import CheckpointError, DataError
from explorer.core.progress import Progress
from explorer.data.cache import cache_folder
from explorer.methods.directions.agreement import CODES, agreeing, with_agreement
from explorer.methods.directions.find import Wish, find, flow_settings, flows, why_not
from explorer.methods.directions.ground import Ground
from explorer.methods.flows import learn
from explorer.methods.measure.evidence import AMOUNTS, VERSION
from explorer.training.loop import Descent, Stopped, walk

__all__ = ["flow", "make", "supervised"]

STARTS = 512
TRIED = 64  # starts by which methods are compared, and the amounts they are followed to
TRIED_AMOUNTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
SUPERVISED = ("logistic", "mean difference", "gradient")
CLASSES = 20  # bundled, as many of each attribute, but two at least
LEAST_SHARE = 0.01  # of the codes that must show a class
LEAST_REACHED = 0.15  # of the starts, by a direction that is bundled where nothing better is found
UNSUPERVISED = {"pca": 3, "sefa": 3, "random": 1}

Say = Callable[[Progress], None]


def make(
    ground: Ground,
    folder: Path,
    *,
    also: Sequence[Direction] | None = None,
    report: Say = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    seed: int = 0,
    starts: int = STARTS,
    updates: int = 0,
) -> Path:
    """Finds, measures and writes the directions of a model; returns the file. The same call goes on where a stopped one was.

    Args:
        also: what has been learned elsewhere, as potential flows; None learns a flow here, in `updates` of its own number or fewer.
        starts: from how many the evidence is taken.

    Raises:
        Stopped: as asked.
    """
    began = time.monotonic()
    learned = _agreeing_flows(ground, report=report, stop=stop, seed=seed, updates=updates) if also is None else list(also)
    found = [*supervised(ground, seed=seed, report=report, stop=stop), *_unsupervised(ground, seed), *learned]
    done = []
    for i, direction in enumerate(found):
        report(Progress(i, len(found), {}, (time.monotonic() - began) / 60))
        _go_on(stop)
        done.append(_measured(ground, direction, starts))
    file = folder / f"{ground.model.card.name}{directions.SUFFIX}"
    directions.write(file, done)
    return file


def _go_on(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped("The making of directions was stopped. What has been measured is kept: the same command goes on from there.")


def _measured(ground: Ground, direction: Direction, starts: int, amounts: Sequence[float] = AMOUNTS) -> Direction:
    """A direction with its evidence, measured once and kept; what is kept moves codes in the same way towards the same target."""
    whole = direction.but(model=ground.model.card.name, weights=ground.model.card.weights)
    told = json.dumps([VERSION, directions.identity(whole), whole.target, starts, list(amounts)])
    file = cache_folder() / "directions" / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}{directions.SUFFIX}"
    try:
        (kept,) = directions.read(file, ground.model)
        return direction.but(
            length=kept.length, unit=kept.unit, model=kept.model, weights=kept.weights, evidence={**kept.evidence, **direction.evidence}
        )
    except CheckpointError:
        pass
    with torch.no_grad():
        done = ground.measured(direction, starts=starts, amounts=amounts)
    file.parent.mkdir(exist_ok=True)
    directions.write(file, [done])
    return done


def _agreeing_flows(ground: Ground, *, seed: int, **options: Any) -> list[Direction]:
    """A flow, with its agreement with one that is learned from another seed."""
    found = flow(ground, seed=seed, **options)
    return agreeing(found, [flow(ground, seed=seed + 1, **options)], ground.starts(CODES)) if found else []


def _unsupervised(ground: Ground, seed: int) -> list[Direction]:
    made = []
    for method, count in UNSUPERVISED.items():
        if why_not(ground, method) is None:
            wish = Wish(method, count=count, seed=seed)
            try:
                made += with_agreement(ground, wish, find(ground, wish))
            except DataError:  # codes that spread evenly have no principal direction
                continue
    return made


def flow(
    ground: Ground,
    *,
    report: Say = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    seed: int = 0,
    wish: Wish | None = None,
    updates: int = 0,
) -> list[Direction]:
    """A potential flow of K = 8, trained with its whole state kept, and itself kept when it is finished; none for a model without gradients.

    Raises:
        Stopped: as asked; the same call goes on.
    """
    wish = wish or Wish("flow", count=8, seed=seed, updates=updates)
    if why_not(ground, "flow"):
        return []
    settings, channels, card = flow_settings(wish), ground.model.generator.picture_shape[0], ground.model.card
    usual = settings == learn.Settings()
    file = cache_folder() / f"flows-{card.name}{'' if usual else '-' + wish.key(card.weights)}{directions.SUFFIX}"
    if kept := _kept(file, ground, settings):
        return kept
    made, decode = learn.Course(settings, ground.space.size, channels), learn.quick(ground.decode)
    state = cache_folder() / f"flow-{card.name}-{wish.key(card.weights)}.state"
    course = Descent(made, lambda step: made.loss(decode, ground.sample, step), settings.updates, settings.rate, clip=10.0)
    progress = walk(course, steps=settings.updates, file=state, report=report, seed=settings.seed, stop=stop)
    made.eval().requires_grad_(False)
    whole = {"model": card.name, "weights": card.weights}
    done = [direction.but(settings={**direction.settings, "minutes": round(progress.minutes, 1)}, **whole) for direction in flows(ground, made)]
    directions.write(file, done)
    state.unlink(missing_ok=True)
    return done


def _kept(file: Path, ground: Ground, settings: learn.Settings) -> list[Direction]:
    """The flow in a file, if it is of these weights and was learned with these settings."""
    try:
        found = directions.read(file, ground.model)
    except CheckpointError:
        return []
    same = all(settings.told.items() <= direction.settings.items() for direction in found)
    return found if same and len(found) == settings.count else []


def supervised(ground: Ground, *, seed: int = 0, report: Say = lambda progress: None, stop: Callable[[], bool] = lambda: False) -> list[Direction]:
    """Of each labelled attribute the classes whose best direction leaks least, or is reached soonest where nothing else could change."""
    if ground.atlas is None or not ground.atlas.labels or ground.scene.judge is None:
        return []
    wishes = [
        Wish("logistic", seed=seed, attribute=attribute, toward=name)
        for attribute, values in ground.atlas.labels.items()
        for c, name in enumerate(ground.atlas.classes[attribute])
        if attribute in ground.scene.judge.questions and float((values == c).float().mean()) >= LEAST_SHARE
    ]
    chosen: dict[str, list[tuple[float, Wish, dict[str, float | None]]]] = {}
    for i, wish in enumerate(wishes):
        report(Progress(i, len(wishes)))
        _go_on(stop)
        scores = {method: _tried(ground, replace(wish, method=method)) for method in SUPERVISED}
        best = min(scores, key=scores.get)
        if scores[best] < math.inf:
            told = {method: round(score, 4) if score < 10 else None for method, score in scores.items()}
            chosen.setdefault(wish.attribute, []).append((scores[best], replace(wish, method=best), told))
    most = max(2, CLASSES // max(1, len(chosen)))
    return [_bundled(ground, wish, told) for found in chosen.values() for _, wish, told in sorted(found, key=lambda one: one[0])[:most]]


def _bundled(ground: Ground, wish: Wish, told: Mapping[str, float | None]) -> Direction:
    """What a wish finds, with how the methods fared that were tried for it: their leakage, None for those that did not get there."""
    (direction,) = with_agreement(ground, wish, find(ground, wish))
    return direction.but(name=direction.target.replace("_", " "), settings={**direction.settings, "tried": dict(told)})


def _tried(ground: Ground, wish: Wish) -> float:
    """How good what a method finds is, less being better: its leakage, or the amount it takes where nothing can leak.

    Beyond 10 where it does not get to the class in enough starts, infinite where it hardly does or finds nothing.
    """
    try:
        (direction,) = find(ground, wish)
    except DataError:
        return math.inf
    matched = _measured(ground, direction, TRIED, TRIED_AMOUNTS).evidence["matched"]
    if not matched["matched"]:
        reached = matched["reached"] or 0.0
        return 11 - reached if reached >= LEAST_REACHED else math.inf
    return matched["amount"] if matched["leakage_mean"] is None else matched["leakage_mean"]
