"""Curves through a latent space: a time in [0, 1] to a code, at constant speed in latent distance.

A path goes through points in their order. What is curved is drawn as a fine polyline, so that its length is known and equal times
cover equal lengths. A mean of long codes is shorter than they are, and pictures of short codes are bland; where a kind of path
would cut short in that way, it gets back the length interpolated between its points (see `Arc`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import SpaceError

__all__ = ["KINDS", "Arc", "Chord", "Path", "Polyline", "Retimed", "between", "cubic", "rounded", "smoothed", "through"]

SPIRAL = 1025  # points at which the length of a spiral is measured
FINE = 64  # pieces from one point of a curve to the next
STRETCH = 4.0  # the most that a code is lengthened to keep its length
WIDTH = 0.04  # of a drawn line, over which it is smoothed


class Path(ABC):
    """A curve `t -> z`, at constant speed in latent distance."""

    @abstractmethod
    def __call__(self, t: Tensor) -> Tensor:
        """The codes `(T, D)` at times `(T,)` in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Chord(Path):
    """The straight path from `start` to `end`, both `(D,)`."""

    start: Tensor
    end: Tensor

    def __call__(self, t: Tensor) -> Tensor:
        t = t[:, None].to(self.start.dtype)
        return (1 - t) * self.start + t * self.end


@dataclass(frozen=True, eq=False)
class Arc(Path):
    """The path from `start` to `end`, both `(D,)`, whose direction follows the great circle and whose length changes evenly.

    Half-way between two independent Gaussian codes a chord has dipped to about 0.7 of their length, where the prior has almost
    no mass and pictures go bland. The arc does not dip. Between ends of unequal length it is a piece of a spiral; times are
    spread so that the speed is constant on that too. Opposite codes have no single arc, and the centre no direction: there it
    is the chord.

    References: Shoemake, Animating Rotation with Quaternion Curves (1985).
    """

    start: Tensor
    end: Tensor

    def __call__(self, t: Tensor) -> Tensor:
        start, end = self.start.double(), self.end.double()
        lengths = start.norm(), end.norm()
        angle = torch.acos(F.cosine_similarity(start, end, dim=0).clamp(-1, 1))
        if angle.sin() < 1e-4 or min(lengths) < 1e-6:
            return Chord(self.start, self.end)(t)
        t = _evenly(t.double(), angle, *lengths)[:, None]
        turned = (((1 - t) * angle).sin() * start / lengths[0] + (t * angle).sin() * end / lengths[1]) / angle.sin()
        return (turned * torch.lerp(*lengths, t)).to(self.start.dtype)


@dataclass(frozen=True, eq=False)
class Polyline(Path):
    """The path through `corners` `(N, D)`, straight from one to the next. One corner, or many at one spot, is a path that stays."""

    corners: Tensor

    def __call__(self, t: Tensor) -> Tensor:
        return _along(self.corners, _covered(self.corners.double()), t)


@dataclass(frozen=True, eq=False)
class Retimed(Path):
    """Another path at another speed: `covered` `(N,)`, from 0 to 1 and never falling, is what shall pass evenly, at N evenly spaced times."""

    path: Path
    covered: Tensor

    def __call__(self, t: Tensor) -> Tensor:
        times = torch.linspace(0, 1, len(self.covered), dtype=torch.float64)[:, None]
        return self.path(_along(times, self.covered.double(), t)[:, 0].to(t.dtype))


def _evenly(t: Tensor, angle: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """The shares `(T,)` of the angle at which a spiral from radius `first` to `last` has covered the shares `t` of its length."""
    share = torch.linspace(0, 1, SPIRAL, dtype=torch.float64)
    speed = torch.hypot(last - first, angle * torch.lerp(first, last, share))
    covered = torch.cat([torch.zeros(1, dtype=torch.float64), torch.cumulative_trapezoid(speed, share)])
    return _along(share[:, None], covered / covered[-1], t)[:, 0]


def _covered(corners: Tensor) -> Tensor:
    """The share `(N,)` of its length that a polyline has covered at each corner; even where there is no length."""
    length = torch.cat([corners.new_zeros(1), corners.diff(dim=0).norm(dim=1).cumsum(dim=0)])
    return length / length[-1] if length[-1] > 0 else torch.linspace(0, 1, len(corners), dtype=corners.dtype)


def _along(corners: Tensor, covered: Tensor, t: Tensor) -> Tensor:
    """The points `(T, D)` of a polyline where it has covered the shares `t`, given the shares `covered` at its corners."""
    if len(corners) == 1:
        return corners.expand(len(t), -1)
    t = t.double().clamp(0, 1).contiguous()
    after = torch.searchsorted(covered, t).clamp(1, len(corners) - 1)
    start, end = covered[after - 1], covered[after]
    within = ((t - start) / (end - start).clamp_min(1e-300)).clamp(0, 1)
    return torch.lerp(corners[after - 1], corners[after], within[:, None].to(corners.dtype))


def rounded(points: Tensor, *, pieces: int = FINE) -> Tensor:
    """A fine polyline through points `(P, D)` without a corner at any: centripetal Catmull-Rom, `((P - 1) * pieces + 1, D)`.

    Points at the spot of the one before are left out. At each point of the curve it has no cusps and does not overshoot.

    References: Yuksel, Schaefer and Keyser, Parameterization and applications of Catmull-Rom curves (2011).
    """
    return _rounded(points.double(), points.double(), pieces).to(points.dtype)


def _rounded(points: Tensor, values: Tensor, pieces: int) -> Tensor:
    """The same for `values` `(P, V)` that belong to the points."""
    apart = points.diff(dim=0).norm(dim=1)
    keep = torch.cat([torch.ones(1, dtype=torch.bool), apart > 1e-9 * (1 + points.abs().max())])
    values, gap = values[keep], apart[keep[1:]].sqrt()[:, None]
    if len(values) < 2:
        return values
    slope = values.diff(dim=0) / gap
    inner = (slope[:-1] * gap[1:] + slope[1:] * gap[:-1]) / (gap[:-1] + gap[1:])
    tangents = torch.cat([slope[:1], inner, slope[-1:]])
    u = torch.arange(pieces, dtype=torch.float64) / pieces
    u = u.view(1, -1, 1)
    a, b = values[:-1, None], values[1:, None]
    ma, mb = (gap * tangents[:-1])[:, None], (gap * tangents[1:])[:, None]
    curve = (1 + 2 * u) * (1 - u) ** 2 * a + u * (1 - u) ** 2 * ma + u**2 * (3 - 2 * u) * b + u**2 * (u - 1) * mb
    return torch.cat([curve.flatten(0, 1), values[-1:]])


def cubic(count: int, *, pieces: int = FINE) -> Tensor:
    """The weights `((count - 1) * pieces + 1, count)` that make of points a fine polyline of the natural cubic spline through them.

    References: de Boor, A Practical Guide to Splines (1978).
    """
    eye = torch.eye(count, dtype=torch.float64)
    bend = torch.zeros(count, count, dtype=torch.float64)  # from points to second derivatives
    if count > 2:
        inner = 4 * torch.eye(count - 2, dtype=torch.float64)
        inner += torch.diag(torch.ones(count - 3, dtype=torch.float64), 1) + torch.diag(torch.ones(count - 3, dtype=torch.float64), -1)
        bend[1:-1] = torch.linalg.solve(inner, 6 * (eye[:-2] - 2 * eye[1:-1] + eye[2:]))
    u = (torch.arange(pieces, dtype=torch.float64) / pieces).view(1, -1, 1)
    a, b, bend_a, bend_b = eye[:-1, None], eye[1:, None], bend[:-1, None], bend[1:, None]
    rows = (1 - u) * a + u * b + ((1 - u) ** 3 - (1 - u)) * bend_a / 6 + (u**3 - u) * bend_b / 6
    return torch.cat([rows.flatten(0, 1), eye[-1:]])


def smoothed(corners: Tensor, *, width: float = WIDTH) -> Tensor:
    """A polyline `(N, D)` of evenly spaced corners with what is shorter than `width` of it ironed out; its ends and the lengths of its codes stay."""
    values = torch.cat([corners, corners.norm(dim=1, keepdim=True)], dim=1).double()
    n = len(values)
    reach = min(n - 1, round(3 * width * n))
    if reach < 1:
        return corners
    before, after = 2 * values[:1] - values[1 : reach + 1].flip(0), 2 * values[-1:] - values[-reach - 1 : -1].flip(0)
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64) / (width * n)
    weights = torch.exp(-steps.square() / 2)
    windows = torch.cat([before, values, after]).unfold(0, 2 * reach + 1, 1)  # (N, D + 1, 2 reach + 1)
    ironed = (windows * (weights / weights.sum())).sum(dim=2)
    return _lengthened(ironed[:, :-1], ironed[:, -1]).to(corners.dtype)


def _lengthened(codes: Tensor, lengths: Tensor) -> Tensor:
    """Codes `(N, D)` brought to lengths `(N,)`; those near the centre only as far as their direction can be trusted."""
    return codes * (lengths.clamp_min(0) / codes.norm(dim=1).clamp_min(1e-12)).clamp(max=STRETCH)[:, None]


def _straight(points: Tensor) -> Path:
    return Chord(*points) if len(points) == 2 else Polyline(points)


def _round(points: Tensor) -> Path:
    if len(points) == 2:
        return Arc(*points)
    t = torch.linspace(0, 1, FINE + 1, dtype=torch.float64)
    return Polyline(torch.cat([Arc(a, b)(t)[bool(i) :] for i, (a, b) in enumerate(zip(points[:-1], points[1:], strict=True))]))


def _spline(points: Tensor) -> Path:
    values = torch.cat([points, points.norm(dim=1, keepdim=True)], dim=1).double()
    curve = _rounded(points.double(), values, FINE)
    corners = _lengthened(curve[:, :-1], curve[:, -1]).to(points.dtype)
    return Polyline(_exactly(corners, points))


def _geodesic(points: Tensor) -> Path:
    return Polyline(_exactly((cubic(len(points)) @ points.double()).to(points.dtype), points))


def _exactly(corners: Tensor, points: Tensor) -> Tensor:
    """The corners with the two ends as they are given, to the last bit."""
    return torch.cat([points[:1], corners[1:-1], points[-1:]])


KINDS: dict[str, Callable[[Tensor], Path]] = {"chord": _straight, "arc": _round, "spline": _spline, "drawn": Polyline, "geodesic": _geodesic}


def through(points: Tensor, kind: str) -> Path:
    """The path of that kind through points `(P, D)`, at least two.

    "chord" goes straight and "arc" round from each to the next; "spline" bends through all of them; "drawn" is a fine line already;
    "geodesic" is the natural spline through the knots that `methods/geodesic.py` finds.

    Raises:
        SpaceError: for an unknown kind, or fewer than two points.
    """
    if kind not in KINDS:
        raise SpaceError(f"No path of kind '{kind}'. Known: {', '.join(KINDS)}.")
    if points.ndim != 2 or len(points) < 2:
        raise SpaceError(f"A path needs at least two flat codes of one space, got shape {tuple(points.shape)}.")
    return KINDS[kind](points)


def between(start: Tensor, end: Tensor, kind: str) -> Path:
    """The path of that kind between two codes `(D,)`. Raises SpaceError for unequal shapes or an unknown kind."""
    if start.shape != end.shape or start.ndim != 1:
        raise SpaceError(f"A path needs two flat codes of one space, got shapes {tuple(start.shape)} and {tuple(end.shape)}.")
    return through(torch.stack([start, end]), kind)
