"""Identify: the direction of a picture that gains what is wanted and leaves the rest: HSDS, our reading of it.

    g  = mean_i [ x^(z_i, t_i, wanted) - x^(z_i, t_i, said) ]            what the wanted caption asks for (delta denoising)
    d  = argmax g.d - 1/2 d.(I + l S / s) d,   (I + l S / s) d = g        l = `care`, s = tr(S) / D, S from `curvature`

S is large along everything that the source caption leaves free: the features to be preserved. l = 0 is delta denoising itself. d is
brought to the length of g, so that `care` changes where to go, never how far. Other readings of "Hessian", to compare with:

    "jacobian"  d = mean_i J_i^T [ x^(z_i, wanted) - x^(z_i, said) ]: score distillation without dropping the network's derivative
    "penalty"   d = argmin |d - g|^2 / 2 + m penalty: the spread of second differences of d -> x^ over random vectors

References: EIM (arXiv 2411.08196) and EMS (arXiv 2408.13335), of which only the abstracts could be read; Hertz et al. 2023, DDS (arXiv
2304.07090); Poole et al. 2023, SDS (arXiv 2209.14988); Peebles et al. 2020, Hessian Penalty (arXiv 2008.10599).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.text import Condition, Denoiser, led
from explorer.methods.text.curvature import Covariance, Looks, damped, looks
from explorer.models.solvers import Report

__all__ = ["Identified", "Settings", "identify"]

MODES = ("covariance", "jacobian", "penalty")
PENALISED = 6  # steps of descent in the mode "penalty"


@dataclass(frozen=True)
class Settings:
    """How a direction is looked for.

    Args:
        care: l, how much the rest counts. mode: one of the readings.
        count, low, high: how many noisy versions of the picture, between which times.
        rounds: of conjugate gradients. exact: derivatives rather than differences.
        penalty, probes, reach: weight, random vectors and step of the mode "penalty".
    """

    care: float = 4.0
    mode: str = "covariance"
    count: int = 8
    low: float = 0.3
    high: float = 0.9
    rounds: int = 8
    exact: bool = True
    penalty: float = 1.0
    probes: int = 2
    reach: float = 0.1
    seed: int = 0

    def __post_init__(self):
        if self.mode not in MODES:
            raise DataError(f"No mode '{self.mode}'. Known: {', '.join(MODES)}.")
        if not (self.care >= 0 and self.penalty >= 0 and self.count >= 1 and self.rounds >= 1 and 0 < self.low < self.high < 1 and self.probes >= 2):
            raise DataError(f"A direction is looked for with a care of at least 0, at least one look, and times between 0 and 1; got {self}.")


@dataclass(frozen=True, eq=False)
class Identified:
    """A direction `(C, H, W)` in units of pictures, and the plain one before anything was preserved; `figures` says how it was found."""

    vector: Tensor
    plain: Tensor
    figures: dict[str, float]


def identify(
    denoiser: Denoiser,
    picture: Tensor,
    before: Condition,
    after: Condition,
    *,
    settings: Settings = Settings(),
    report: Report = lambda done, steps: None,
) -> Identified:
    """The direction that leads a picture `(1, C, H, W)` from one embedded caption to another."""
    seen = looks(picture, settings.count, low=settings.low, high=settings.high, seed=settings.seed)
    said, wanted = led(denoiser, before), led(denoiser, after)
    with torch.no_grad():
        gain = wanted(seen.z, seen.t) - said(seen.z, seen.t)
    plain = gain.mean(dim=0)
    report(1, settings.rounds + 1)
    if not plain.abs().any() or (settings.mode == "covariance" and settings.care == 0):
        return Identified(plain, plain, {})
    if settings.mode == "covariance":
        found, figures = _preserving(Covariance(said, seen, settings.exact, settings.seed), plain, settings, report)
    elif settings.mode == "jacobian":
        found, figures = _through(wanted, seen, gain), {}
    else:
        found, figures = _penalised(wanted, seen, plain, settings, report)
    alike = torch.nn.functional.cosine_similarity(found.flatten(), plain.flatten(), dim=0)
    return Identified(found * plain.norm() / found.norm().clamp_min(1e-12), plain, {**figures, "cosine_to_plain": float(alike)})


def _preserving(covariance: Covariance, plain: Tensor, settings: Settings, report: Report) -> tuple[Tensor, dict[str, float]]:
    scale = covariance.mean_variance
    figures = {"mean_variance": scale} | ({"skew": covariance.skew} if settings.exact else {})
    if scale <= 0:  # not what a covariance is like: the network says nothing of what is free
        return plain, figures
    done = [1]

    def product(v: Tensor) -> Tensor:
        done[0] += 1
        report(done[0], settings.rounds + 1)
        return covariance(v)

    with torch.no_grad():
        found = damped(product, plain, settings.care / scale, steps=settings.rounds)
    return found.solution, {**figures, "unsolved": found.unsolved, "negative": found.negative}


def _through(wanted, seen: Looks, gain: Tensor) -> Tensor:
    """The mean of J^T gain, down to the picture itself."""
    with torch.enable_grad():
        point = seen.z.detach().requires_grad_()
        (found,) = torch.autograd.grad(wanted(point, seen.t), point, gain)
    return ((1 - seen.t).view(-1, *[1] * (found.ndim - 1)) * found).mean(dim=0)


def _penalised(wanted, seen: Looks, plain: Tensor, settings: Settings, report: Report) -> tuple[Tensor, dict[str, float]]:
    weight = (1 - seen.t).view(-1, *[1] * (seen.z.ndim - 1))
    scale = settings.reach * float(plain.norm()) / plain.numel() ** 0.5
    probes = (torch.randint(2, (settings.probes, *plain.shape), generator=torch.Generator().manual_seed(settings.seed)) * 2 - 1).to(plain) * scale
    whole = float(plain.square().sum())

    def penalty(d: Tensor) -> Tensor:
        """How much the second differences around d spread: nothing where the curvature is diagonal."""
        middle = wanted(seen.z + weight * d, seen.t)
        bends = [
            (wanted(seen.z + weight * (d + p), seen.t) - 2 * middle + wanted(seen.z + weight * (d - p), seen.t)).mean(dim=0) / scale**2
            for p in probes
        ]
        return torch.stack(bends).var(dim=0).mean()

    d, tried = plain, []
    for step in range(PENALISED + 1):
        with torch.enable_grad():
            at = d.detach().requires_grad_()
            found = penalty(at)
            (slope,) = torch.autograd.grad(found, at)
        tried.append((float(found.detach()), d))
        first = max(tried[0][0], 1e-12)
        if tried[0][0] <= 1e-12:  # nothing to penalise
            break
        pull = settings.penalty * whole * slope / first
        pull = pull * (plain.norm() / pull.norm().clamp_min(1e-12)).clamp(max=1)
        d = d - (d - plain + pull) / (step + 2)
        report(step + 1, PENALISED + 1)
    after, d = min(tried, key=lambda one: float((one[1] - plain).square().sum()) / (2 * whole) + settings.penalty * one[0] / first)
    return d, {"penalty_before": tried[0][0], "penalty_after": after}
