"""Which coordinates of a VAE carry something: active, passive and mixed ones, by detectors that may disagree.

A trained VAE polarises: for each picture a coordinate is either precise (posterior variance near 0) or prior-like (near 1).
With m the mean and s the variance, over pictures, of the posterior variance of a coordinate:

    active   s < 0.1 and m <= 0.1      precise for every picture
    passive  s < 0.1 and 0.9 <= m <= 1.1   never used
    mixed    everything else: used for some pictures; or a little for all (a "weak" one: s < 0.1 with m in between);
             or wider than the prior ("wide": m > 1.1), as before training has settled

Beside that rule: KL to the prior (passive below 0.01 nat), active units (the mean varies by more than 0.01), and what the
decoder does with the coordinate (passive below 1 % of the strongest). Where they disagree is a finding.

References: Bonheme & Grzes, Be More Active!, JMLR 24 (2023), arXiv 2109.12679; Burda et al. 2016 for active units.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from explorer.core.errors import DataError

__all__ = ["AxisReport", "PERCENTS", "activity", "effects"]

State = Literal["active", "passive", "mixed"]

PRECISE, STEADY = 0.1, 0.1  # the rule's thresholds of m and of s
LEAST_KL = 0.01  # nats
LEAST_SPREAD = 0.01  # variance of the mean
LEAST_EFFECT = 0.01  # of the strongest coordinate's
RESAMPLES, DOUBT = 200, 0.05
PERCENTS = (0.5, 5.0, 50.0, 95.0, 99.5)


@dataclass(frozen=True)
class AxisReport:
    """What was measured of one coordinate.

    Args:
        axis: its index.
        state, note: by the rule above; the note says which kind of mixed: "weak", "wide", "sometimes", or nothing.
        unsure: the state changes in more than 5 % of bootstrap resamples; shown as "?".
        variance, wavering: m and s.
        kl: mean KL to the prior in nats.
        spread: variance over pictures of the posterior mean; `unit` whether it exceeds 0.01.
        effect: mean squared change of the picture when this coordinate alone is drawn anew from the prior, over the average
            of that over coordinates; None without a decoder.
        disagree: the detectors that call it used where the rule says passive, or the other way round.
        mean_quantiles, sampled_quantiles: 0.5, 5, 50, 95 and 99.5 % of the posterior means, and of draws from the
            posteriors: where the data ends.
    """

    axis: int
    state: State
    note: str
    unsure: bool
    variance: float
    wavering: float
    kl: float
    spread: float
    unit: bool
    effect: float | None
    disagree: tuple[str, ...]
    mean_quantiles: tuple[float, ...]
    sampled_quantiles: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in ("disagree", "mean_quantiles", "sampled_quantiles")}}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "AxisReport":
        """Reads what `to_dict` wrote. Raises TypeError or ValueError for anything else."""
        report = AxisReport(**values)
        if len(report.mean_quantiles) != len(PERCENTS) or len(report.sampled_quantiles) != len(PERCENTS):
            raise ValueError(f"an axis needs {len(PERCENTS)} quantiles, got {len(report.mean_quantiles)} and {len(report.sampled_quantiles)}")
        return report


def activity(mean: Tensor, variance: Tensor, *, decode: Callable[[Tensor], Tensor] | None = None, seed: int = 0) -> tuple[AxisReport, ...]:
    """One report a coordinate, from posterior means and *variances* (not their logarithms) of many pictures, both `(N, D)`.

    The prior is the standard normal. `decode` takes codes `(B, D)` to pictures and adds the decoder's side.

    Raises:
        DataError: fewer than two pictures, unequal shapes, or variances that are not positive numbers.
    """
    _check(mean, variance)
    mean, variance = mean.double(), variance.double()
    m, s = variance.mean(dim=0), variance.var(dim=0)
    states = [_state(a, b) for a, b in zip(m.tolist(), s.tolist())]
    doubts = _doubts(variance, states, seed)
    costs = 0.5 * (mean.square() + variance - 1 - variance.log()).mean(dim=0)
    spreads = mean.var(dim=0)
    strengths = [None] * len(states) if decode is None else effects(mean.float(), variance.float(), decode=decode, seed=seed)
    drawn = mean + variance.sqrt() * torch.randn(mean.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    strongest = max((e for e in strengths if e is not None), default=0.0)
    return tuple(
        AxisReport(
            axis=j, state=state, note=_note(state, float(m[j]), float(s[j])), unsure=doubts[j] > DOUBT, variance=float(m[j]), wavering=float(s[j]),
            kl=float(costs[j]), spread=float(spreads[j]), unit=bool(spreads[j] > LEAST_SPREAD), effect=strengths[j],
            disagree=_disagreeing(state, float(costs[j]), float(spreads[j]), strengths[j], strongest),
            mean_quantiles=_quantiles(mean[:, j]), sampled_quantiles=_quantiles(drawn[:, j]),
        )
        for j, state in enumerate(states)
    )  # fmt: skip


def effects(mean: Tensor, variance: Tensor, *, decode: Callable[[Tensor], Tensor], seed: int = 0, starts: int = 64) -> list[float]:
    """How much each coordinate moves the picture: |f(z) - f(z with z_j drawn from the prior)|^2, over its average over j."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(mean), generator=generator)[:starts]
    z = mean[rows] + variance[rows].sqrt() * torch.randn(mean[rows].shape, generator=generator)
    anew = torch.randn(z.shape, generator=generator)
    with torch.inference_mode():
        still = decode(z)
        moved = [float((decode(_replaced(z, anew, j)) - still).square().mean()) for j in range(z.shape[1])]
    average = max(sum(moved) / len(moved), 1e-12)
    return [change / average for change in moved]


def _replaced(z: Tensor, other: Tensor, j: int) -> Tensor:
    """`z` with coordinate `j` of `other`."""
    mixed = z.clone()
    mixed[:, j] = other[:, j]
    return mixed


def _check(mean: Tensor, variance: Tensor) -> None:
    if mean.ndim != 2 or mean.shape != variance.shape or len(mean) < 2:
        raise DataError(f"Activity needs means and variances (N, D) of at least two pictures, got {tuple(mean.shape)} and {tuple(variance.shape)}.")
    if not torch.isfinite(mean).all() or not torch.isfinite(variance).all() or not (variance > 0).all():
        raise DataError("Activity needs finite means and positive variances; log-variances have to be exponentiated first.")


def _state(m: float, s: float) -> State:
    if s >= STEADY:
        return "mixed"
    if m <= PRECISE:
        return "active"
    return "passive" if 0.9 <= m <= 1.1 else "mixed"


def _note(state: State, m: float, s: float) -> str:
    if state != "mixed":
        return ""
    if m > 1.1:
        return "wide"
    return "sometimes" if s >= STEADY else "weak"


def _doubts(variance: Tensor, states: list[State], seed: int) -> list[float]:
    """For each coordinate the share of bootstrap resamples of the pictures in which its state is another."""
    n = len(variance)
    generator = torch.Generator().manual_seed(seed)
    flips = torch.zeros(variance.shape[1])
    squares = variance.square()
    for _ in range(RESAMPLES):
        weights = torch.bincount(torch.randint(n, (n,), generator=generator), minlength=n).double() / n
        m = weights @ variance
        s = (weights @ squares - m.square()) * n / (n - 1)
        flips += torch.tensor([_state(a, b) != state for a, b, state in zip(m.tolist(), s.tolist(), states)])
    return (flips / RESAMPLES).tolist()


def _disagreeing(state: State, cost: float, spread: float, effect: float | None, strongest: float) -> tuple[str, ...]:
    """The detectors whose used-or-not differs from the rule's."""
    used = {"kl": cost >= LEAST_KL, "spread": spread > LEAST_SPREAD}
    if effect is not None:
        used["decoder"] = effect >= LEAST_EFFECT * strongest
    return tuple(name for name, says in used.items() if says != (state != "passive"))


def _quantiles(values: Tensor) -> tuple[float, ...]:
    return tuple(torch.quantile(values, torch.tensor(PERCENTS, dtype=values.dtype) / 100).tolist())
