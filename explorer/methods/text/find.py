"""Every text-guided method under one name and one call, so that they can be compared on the same terms."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from explorer.core.errors import DataError
from explorer.core.text import Denoiser
from explorer.methods.text import activations, distillation, flowedit, identify, sliders
from explorer.methods.text.edited import Counted, Edited, Request
from explorer.methods.text.encode import encode
from explorer.methods.text.joint import Joint
from explorer.models.solvers import Report

__all__ = ["METHODS", "Method", "find"]


@dataclass(frozen=True)
class Moved:
    """How the joint latent space is used.

    Args:
        level, steps, solver, refine, worst: of the inversion, see `encode`. guidance: at full strength.
        rows, pooled: the parts of the caption that move. held: the share of steps under the first caption.
    """

    level: float = 0.65
    steps: int = 30
    solver: str = "euler"
    refine: int = 0
    worst: float = 15.0
    guidance: float = 2.0
    rows: bool = True
    pooled: bool = True
    held: float = 0.0


@dataclass(frozen=True)
class Searched(Moved, identify.Settings):
    """The same with a direction of the picture, and how that is looked for."""


def _encoded(denoiser: Denoiser, request: Request, settings: Moved, report: Report):
    return encode(
        denoiser,
        request,
        level=settings.level,
        steps=settings.steps,
        solver=settings.solver,
        refine=settings.refine,
        worst=settings.worst,
        report=report,
    )


def _joint(denoiser: Denoiser, request: Request, *, settings: Searched, report: Report) -> Joint:
    encoded = _encoded(denoiser, request, settings, report)
    found = identify.identify(denoiser, request.picture, encoded.before, encoded.after, settings=settings, report=report)
    return _shown(encoded, found.vector, settings).but(figures={**found.figures, "likeness": float(encoded.found.likeness[0])})


def _plain(denoiser: Denoiser, request: Request, *, settings: Moved, report: Report) -> Joint:
    encoded = _encoded(denoiser, request, settings, report)
    return _shown(encoded, torch.zeros_like(request.picture[0]), settings).but(figures={"likeness": float(encoded.found.likeness[0])})


def _shown(encoded, vector, settings: Moved) -> Joint:
    return Joint(encoded, vector, settings.guidance, settings.rows, settings.pooled, settings.held)


@dataclass(frozen=True)
class Method:
    """A method: what people call it, what it can be told, and how it works."""

    title: str
    settings: Any
    run: Callable[..., Any]


METHODS: dict[str, Method] = {
    "hsds": Method("Joint move with preservation: HSDS (our reading)", Searched(), _joint),
    "joint-dds": Method("Joint move along the plain difference", Searched(care=0.0), _joint),
    "words": Method("Difference of the captions alone", Moved(), _plain),
    "sds": Method("Score distillation", distillation.Settings(kind="sds"), distillation.distil),
    "dds": Method("Delta denoising", distillation.Settings(kind="dds"), distillation.distil),
    "pds": Method("Posterior distillation", distillation.Settings(kind="pds"), distillation.distil),
    "flowedit": Method("FlowEdit", flowedit.Settings(), flowedit.flow),
    "slider": Method("Concept slider", sliders.Settings(), sliders.slide),
    "activations": Method("Direction inside the network", activations.Settings(), activations.activate),
}


def find(
    name: str, denoiser: Denoiser, request: Request, *, settings: Mapping[str, Any] | None = None, report: Report = lambda done, steps: None
) -> Edited:
    """Finds an edit by the method of that name.

    Args:
        settings: what differs from the method's own; seeds among them.
        report: told how many steps of how many are done, for every part of the work; may raise to stop.

    Raises:
        DataError: an unknown method or setting, or a request that cannot be.
        ModelError: the picture cannot be held, or the work diverges. CapabilityError: the model lacks what the method needs.
    """
    if name not in METHODS:
        raise DataError(f"No text method '{name}'. Known: {', '.join(METHODS)}.")
    method, given = METHODS[name], dict(settings or {})
    known = asdict(method.settings)
    if unknown := [key for key in given if key not in known]:
        raise DataError(f"'{name}' has no setting '{unknown[0]}'. It has: {', '.join(known)}.")
    counted = Counted(denoiser)
    try:
        chosen = replace(method.settings, **given)
    except TypeError as error:
        raise DataError(f"The settings of '{name}' cannot be read: {error}.") from error
    found = method.run(counted, request.fitting(denoiser), settings=chosen, report=report)
    return replace(found, cost=counted.evaluations)
