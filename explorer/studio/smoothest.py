"""The way between a path's two ends on which the picture changes least, and by how much less than on the others."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from explorer.core.errors import CapabilityError, SessionError
from explorer.core.model import differentiable
from explorer.core.path import between
from explorer.methods import geodesic
from explorer.methods.measure.change import Draw
from explorer.studio.codes import as_code, path_of, spot_code
from explorer.studio.session import Journey, Session, Spot, Values
from explorer.studio.shelf import Opened

__all__ = ["lengths", "smoothest"]

PLAIN = ("chord", "arc")  # the kinds that a path is compared with

Report = Callable[[int, int], None]  # rounds done, of how many at most; may raise to stop


def smoothest(opened: Opened, session: Session, *, report: Report = lambda done, of: None) -> Journey:
    """The journey from the first point of a session's path to its last on which pixels change least in all.

    Its stops are the knots that were found, as numbers, so that it is replayed without being searched for again.

    Raises:
        SessionError: a path without two points.
        CapabilityError: no gradients flow through the generator.
    """
    generator = opened.model.need("generator")
    if not differentiable(generator):
        raise CapabilityError(
            f"'{opened.model.card.name}' draws outside torch, where no gradients flow, so the way of least change cannot be searched for."
        )
    first, last = _ends(session.journey)
    start, end = (_code(opened, session, spot) for spot in (first, last))
    found = geodesic.solve(_draw(opened), start, end, report=lambda step, steps, energy: report(step, steps))
    knots = tuple(Spot(Values(tuple(knot.tolist()))) for knot in found.points[1:-1])
    return replace(session.journey, kind="geodesic", start=first, stops=knots, end=last, t=None)


def lengths(opened: Opened, session: Session) -> dict[str, float]:
    """How much the picture changes along a session's path in all, and along the straight and the round way between its ends, by kind."""
    draw, first_last = _draw(opened), _ends(session.journey)
    start, end = (_code(opened, session, spot) for spot in first_last)
    plain = {kind: geodesic.length(draw, between(start, end, kind)) for kind in PLAIN}
    own = session.journey.kind
    return plain if own in PLAIN and len(session.journey.points) == 2 else plain | {own: geodesic.length(draw, path_of(opened, session))}


def _ends(journey: Journey) -> tuple[Spot, Spot]:
    if not journey.whole:
        raise SessionError("A path needs both its ends: pick A and B first.")
    return journey.points[0], journey.points[-1]


def _code(opened: Opened, session: Session, spot: Spot) -> Tensor:
    flat = spot_code(opened, spot, sampled=session.sampled, protect=session.protect)
    return as_code(opened.model, flat[None]).values.flatten()


def _draw(opened: Opened) -> Draw:
    generator = opened.model.need("generator")
    return lambda flat: torch.as_tensor(generator.decode(as_code(opened.model, flat)))
