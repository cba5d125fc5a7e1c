"""Finding directions by any method: what each is called, what it needs of a model, and how it is asked.

find(ground, Wish("pca", count=8), report=...)  ->  directions, not yet measured
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from explorer.core.direction import Direction
from explorer.core.errors import CapabilityError, DataError, ExplorerError
from explorer.methods.directions import baseline, boundary, closed_form, hessian, linear, principal, warped
from explorer.methods.directions.gradient import GradientField, Mode
from explorer.methods.directions.ground import Ground
from explorer.methods.directions.heads import Head
from explorer.methods.flows import learn
from explorer.methods.flows.pde import Kind
from explorer.methods.flows.potentials import PotentialField
from explorer.methods.keep import NOWHERE, Keep

__all__ = ["METHODS", "Method", "Wish", "find", "why_not"]

Report = Callable[[int, int, str], None]
QUOTA = 0.2  # of the coordinates that masking takes away for each attribute that must stay
ENOUGH = 0.8  # the expected cosine with the truth below which there are too few labels


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Args:
        method: a name of `METHODS`.
        count: how many directions, where the method finds any number.
        attribute, toward, against: for supervised methods, a question of the atlas' labels, the class to go to, and the one to
            come from ("": all others).
        ones, zeros: instead of labels, rows of the atlas: two groups.
        protect: attributes that must stay, for gradient walks; a supervised vector is protected when it is used.
        guard: how a gradient walk keeps them, a mode of `gradient.py`.
        equation: of a potential flow.
        updates: of what is trained; 0 takes the method's own number.
        name: of the direction, where there is one.
    """

    method: str
    count: int = 8
    seed: int = 0
    attribute: str = ""
    toward: str = ""
    against: str = ""
    ones: tuple[int, ...] = ()
    zeros: tuple[int, ...] = ()
    protect: tuple[str, ...] = ()
    guard: Mode = "soft"
    equation: Kind = "wave"
    updates: int = 0
    name: str = ""

    def key(self, weights: str) -> str:
        """What names the result of this wish for these weights."""
        asked = {name: value for name, value in asdict(self).items() if (name, value) != ("guard", "soft")}  # which there was not always
        return hashlib.sha256(json.dumps([weights, asked], sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Method:
    """One way of finding directions.

    Args:
        title, words: for people: a name, and a sentence on what it does.
        needs: parts and knowledge it needs of a model, among "gradient", "first", "atlas", "labels".
        kind: "unsupervised", "supervised", "trained" (unsupervised, takes minutes) or "baseline".
        find: what does it.
    """

    title: str
    words: str
    needs: tuple[str, ...]
    kind: Literal["unsupervised", "supervised", "trained", "baseline"]
    find: Callable[[Ground, Wish, Report, Keep], list[Direction]]


def find(ground: Ground, wish: Wish, *, report: Report = lambda done, of, words: None, keep: Keep = NOWHERE) -> list[Direction]:
    """The directions that were asked for, of the model's workspace. What learns for minutes is kept when it is cancelled, and goes on from there.

    Raises:
        DataError: no such method, or labels, groups or codes that do not do.
        CapabilityError: the model lacks what the method needs.
    """
    if wish.method not in METHODS:
        raise DataError(f"No method '{wish.method}'. Known: {', '.join(METHODS)}.")
    if why := why_not(ground, wish.method):
        raise CapabilityError(why)
    found = METHODS[wish.method].find(ground, wish, report, keep)
    card = ground.model.card
    return [direction.but(model=card.name, weights=card.weights) for direction in found]


def why_not(ground: Ground, method: str) -> str | None:
    """Why a method cannot be used with a model, as a sentence, or None."""
    name = ground.model.card.name
    if ground.model.generator is None:
        return f"'{name}' draws no pictures, so nothing can be seen to change."
    for need in METHODS[method].needs:
        try:
            if need == "gradient" and not ground.differentiable:
                return f"'{name}' gives no gradients: it runs outside torch."
            if need == "first" and getattr(ground.model.generator, "first", None) is None:
                return f"'{name}' does not tell the first layer that acts on its code."
            if need == "atlas":
                _ = ground.codes
            if need == "labels":
                _ = ground.labels
        except ExplorerError as error:
            return str(error)
    return None


def _pca(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    codes = ground.sample(10_000, wish.seed) if ground.model.mapper is not None else ground.codes
    return principal.principal(codes, ground.space, count=min(wish.count, ground.space.size), seed=wish.seed)


def _sefa(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    return closed_form.sefa(ground.model.generator.first(), ground.space, count=min(wish.count, ground.space.size))


def _jacobian(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    matrix = closed_form.gram(ground.decode, ground.sample(64, wish.seed), report=lambda done, of: report(done, of, "Measuring derivatives"))
    return closed_form.of_gram(matrix, ground.space, min(wish.count, ground.space.size), "jacobian", {"codes": 64, "seed": wish.seed})


def _hessian(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    return hessian.learned(
        ground.decode, ground.space, count=min(wish.count, ground.space.size), seed=wish.seed, steps=wish.updates or 300,
        report=lambda done, of: report(done, of, "Turning the frame"), keep=keep,
    )  # fmt: skip


def _random(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    return baseline.random(ground.space, min(wish.count, ground.space.size), seed=wish.seed)


def _logistic(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    return [_bounded(ground, wish, "logistic")]


def _mean_difference(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    return [_bounded(ground, wish, "mean difference")]


def _bounded(ground: Ground, wish: Wish, method: boundary.Method) -> Direction:
    codes, labels, target = groups(ground, wish)
    return boundary.between(codes, labels, ground.space, name=wish.name or target or "two groups", target=target, method=method, seed=wish.seed)


def groups(ground: Ground, wish: Wish) -> tuple[Tensor, Tensor, str]:
    """Codes `(N, D)`, which of the two groups each is in, and the target in words. Raises DataError as `Wish` says."""
    if wish.ones or wish.zeros:
        n = len(ground.codes)
        if wrong := [row for row in (*wish.ones, *wish.zeros) if not 0 <= row < n]:
            raise DataError(f"The atlas has codes 0 to {n - 1}, a group names {wrong[0]}.")
        if both := set(wish.ones) & set(wish.zeros):
            raise DataError(f"{len(both)} codes are in both groups, as row {min(both)}; each must be in one.")
        rows = torch.tensor([*wish.ones, *wish.zeros])
        return ground.codes[rows].float(), torch.cat([torch.ones(len(wish.ones)), torch.zeros(len(wish.zeros))]), ""
    values, goal = _class(ground, wish.attribute, wish.toward)
    known = values >= 0
    if wish.against:
        known &= (values == goal) | (values == _class(ground, wish.attribute, wish.against)[1])
    return ground.codes[known].float(), (values[known] == goal).float(), f"{wish.attribute}: {wish.toward}"


def _class(ground: Ground, attribute: str, name: str) -> tuple[Tensor, int]:
    """The labels of an attribute and the index of one of its classes. Raises DataError naming what there is."""
    if attribute not in ground.labels:
        raise DataError(f"Nothing is labelled '{attribute}'. Known: {', '.join(ground.labels)}.")
    classes = ground.atlas.classes[attribute]
    if name not in classes:
        raise DataError(f"'{attribute}' has no class '{name}'. It has: {', '.join(classes)}.")
    return ground.labels[attribute], classes.index(name)


def _gradient(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    _, goal = _class(ground, wish.attribute, wish.toward)
    names = [wish.attribute, *(name for name in (wish.protect or tuple(ground.labels)) if name != wish.attribute)]
    heads: dict[str, Head] = {}
    for i, name in enumerate(names):
        report(i, len(names), f"Learning to read '{name}' from codes")
        if name not in ground.labels:
            raise DataError(f"Nothing is labelled '{name}'. Known: {', '.join(ground.labels)}.")
        heads[name] = ground.head(name, seed=wish.seed)
    head = heads.pop(wish.attribute)
    source = _class(ground, wish.attribute, wish.against)[1] if wish.against else None
    quotas = dict.fromkeys(heads, QUOTA) if wish.guard == "mask" else {}
    stride, softness = 0.05 * ground.spread * ground.space.size**0.5, 0.1 / ground.spread**2
    field = GradientField(head, goal, source, heads, wish.guard, quotas, stride=stride, softness=softness)
    target = f"{wish.attribute}: {wish.toward}"
    settings = {
        "seed": wish.seed, "accuracy": head.accuracy, "accuracy_middle": head.middle, "protects": list(heads), "guard": wish.guard,
        "settled": expected(int((ground.labels[wish.attribute] == goal).sum()), ground.space.size) >= ENOUGH,
    }  # fmt: skip
    return [Direction(wish.name or target, "gradient", ground.space, field, target=target, settings=settings)]


def expected(labels: int, size: int) -> float:
    """The cosine with the truth that as many labels of a class, and as many of others, can give in `size` dimensions if a fifth are wrong."""
    return 0.48 / math.sqrt(0.48**2 + (size - 1) / max(1, 2 * labels))


def _warped(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    return warped.learned(
        ground.decode, ground.space, channels=ground.model.generator.picture_shape[0], count=wish.count, seed=wish.seed, sample=ground.sample,
        updates=wish.updates or 1500, report=lambda done, of, figures: report(done, of, f"{figures['right']:.0%} of the paths named"), keep=keep,
    )[0]  # fmt: skip


def _linear(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    return linear.learned(
        ground.decode, ground.space, channels=ground.model.generator.picture_shape[0], count=min(wish.count, ground.space.size), seed=wish.seed,
        sample=ground.sample, updates=wish.updates or 1500, report=lambda done, of, figures: report(done, of, f"{figures['right']:.0%} of the directions named"), keep=keep,
    )[0]  # fmt: skip


def flow_settings(wish: Wish) -> learn.Settings:
    """What a wish for a potential flow is learned with."""
    return learn.Settings(count=wish.count, kind=wish.equation, seed=wish.seed, updates=wish.updates or learn.Settings.updates)


def _flow(ground: Ground, wish: Wish, report: Report, keep: Keep) -> list[Direction]:
    made = learn.course(
        learn.quick(ground.decode), ground.sample, flow_settings(wish), size=ground.space.size, channels=ground.model.generator.picture_shape[0],
        report=lambda done, of, figures: report(done, of, f"{figures['right']:.0%} of the flows named"),
    )  # fmt: skip
    return flows(ground, made)


def flows(ground: Ground, made: learn.Course) -> list[Direction]:
    """A learned course as directions, with what was measured of it."""
    told, s = learn.figures(made, ground.decode, ground.sample), made.settings
    settings = {**s.told, "accuracy": told["accuracy"]}
    fields = [PotentialField(made.net, k, told["paces"][k], s.steps) for k in range(s.count)]
    return [
        Direction(f"flow {k + 1}", "flow", ground.space, field, settings=settings | {"change_over_median": told["change_over_median"][k]})
        for k, field in enumerate(fields)
    ]


METHODS: dict[str, Method] = {
    "pca": Method("Principal components", "The ways in which codes vary most (GANSpace).", (), "unsupervised", _pca),
    "sefa": Method("Closed-form factors", "What the first layer stretches most; needs only the weights (SeFa).", ("first",), "unsupervised", _sefa),
    "jacobian": Method("Strongest effects", "What changes the whole picture most, on average over codes.", ("gradient",), "unsupervised", _jacobian),
    "hessian": Method(
        "Independent effects", "A frame whose directions change the picture without depending on each other (Hessian penalty).", ("gradient",), "trained", _hessian
    ),
    "linear": Method("Told apart", "Straight directions that a small network can tell apart (Voynov and Babenko).", ("gradient",), "trained", _linear),
    "warped": Method("RBF paths", "Bent paths that a small network can tell apart (WarpedGANSpace).", ("gradient",), "trained", _warped),
    "flow": Method("Potential flows", "Slopes of learned landscapes that a small network can tell apart (PoFlow).", ("gradient",), "trained", _flow),
    "logistic": Method("Boundary", "Across the boundary between two groups of codes (InterFaceGAN, by logistic regression).", ("atlas",), "supervised", _logistic),
    "mean difference": Method("Difference of means", "From the middle of one group to the middle of another.", ("atlas",), "supervised", _mean_difference),
    "gradient": Method(
        "Gradient walk", "Up the slope of a small classifier of codes, away from what must stay (GradCtrl).", ("atlas", "labels"), "supervised", _gradient
    ),
    "random": Method("Random", "Drawn by lot: what every method has to beat.", (), "baseline", _random),
}  # fmt: skip
