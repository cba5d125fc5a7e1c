"""From noise to pictures along the rectified flow, dz/dt = (z - x^(z, t)) / t, with as few evaluations as may be.

All of them are exact where x^ does not change from one time to the next. With m the predictions, l = log((1 - t) / t) and h its steps:

    Euler            z_s = (s/t) z + (1 - s/t) m_t                                                     (which is DDIM)
    Heun             the mean of the velocities at both ends of a step: two evaluations
    DPM-Solver++(2M) Euler with m_t + h / (2 h_before) (m_t - m_before) instead of m_t
    EVODiff          a second-order multistep method whose weights follow the predictions; never for going back

References: Song et al. 2021, DDIM (arXiv 2010.02502); Karras et al. 2022 (arXiv 2206.00364); Lu et al. 2022 (arXiv 2211.01095); Li, Chen &
Zeng 2025, EVODiff (arXiv 2509.26096), as in the released code, whose last weight divides where the paper multiplies.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from explorer.core.errors import DataError, ModelError
from explorer.core.text import Clean

__all__ = ["SOLVERS", "SPACINGS", "Report", "log_ratio", "moved", "solve", "times"]

Report = Callable[[int, int], None]  # how many steps of how many are done; may raise to stop
EDGE = 1e-3  # log-ratios are taken no nearer than this to the two ends
FARTHEST = 1e3  # standard deviations: a solution that gets there has diverged


def log_ratio(t: float) -> float:
    """Half the log signal-to-noise ratio, log((1 - t) / t)."""
    t = min(max(t, EDGE), 1 - EDGE)
    return math.log1p(-t) - math.log(t)


def _even(steps: int, start: float, end: float) -> list[float]:
    return [start + (end - start) * i / steps for i in range(steps + 1)]


def _even_ratios(steps: int, start: float, end: float) -> list[float]:
    inner = [1 / (1 + math.exp(ratio)) for ratio in _even(steps, log_ratio(start), log_ratio(end))]
    return [start, *inner[1:-1], end]


def _rho(steps: int, start: float, end: float, rho: float = 7.0) -> list[float]:
    ends = (math.exp(-log_ratio(time) / rho) for time in (start, end))
    noise = [root**rho for root in _even(steps, *ends)]
    return [start, *(kappa / (1 + kappa) for kappa in noise[1:-1]), end]


SPACINGS: dict[str, Callable[[int, float, float], list[float]]] = {"even": _even, "log-snr": _even_ratios, "rho": _rho}


def times(steps: int, *, start: float = 1.0, end: float = 0.0, spacing: str = "even") -> list[float]:
    """The `steps + 1` times of a solution. Raises DataError for times outside [0, 1], no steps, or an unknown spacing."""
    if spacing not in SPACINGS:
        raise DataError(f"No spacing of times '{spacing}'. Known: {', '.join(SPACINGS)}.")
    if steps < 1 or not (0 <= end <= 1 and 0 <= start <= 1) or start == end:
        raise DataError(f"A solution needs at least 1 step between two different times in [0, 1], got {steps} from {start:g} to {end:g}.")
    return SPACINGS[spacing](steps, start, end)


def moved(z: Tensor, clean: Tensor, t: float, s: float) -> Tensor:
    """From time `t` to `s` if the clean picture behind `z` is `clean`."""
    return (s / t) * z + (1 - s / t) * clean


def solve(clean: Clean, z: Tensor, at: list[float], *, solver: str = "dpm++", report: Report = lambda done, steps: None) -> Tensor:
    """Takes noisy pictures `z` `(B, C, ...)` through falling times.

    Raises:
        DataError: an unknown solver, or times that do not fall.
        ModelError: the solution diverges.
    """
    if solver not in SOLVERS:
        raise DataError(f"No solver '{solver}'. Known: {', '.join(SOLVERS)}.")
    if any(s >= t for t, s in zip(at, at[1:])):
        raise DataError(f"A solution goes from noise to picture: its times must fall, got {', '.join(f'{t:.3g}' for t in at[:6])}.")
    return SOLVERS[solver](clean, z, at, report)


def checked(z: Tensor, t: float) -> Tensor:
    """`z` as it came. Raises ModelError when it is no longer near anything."""
    most = float(z.detach().abs().max()) if z.numel() else 0.0
    if not most < FARTHEST:
        raise ModelError(f"The solution diverges: at time {t:.3f} a pixel is at {most:.3g}. Use more steps, less guidance, or another solver.")
    return z


def _evaluated(clean: Clean, z: Tensor, t: float) -> Tensor:
    return clean(z, z.new_full((len(z),), t))


def _euler(clean: Clean, z: Tensor, at: list[float], report: Report) -> Tensor:
    for i, (t, s) in enumerate(zip(at, at[1:])):
        z = checked(moved(z, _evaluated(clean, z, t), t, s), s)
        report(i + 1, len(at) - 1)
    return z


def _heun(clean: Clean, z: Tensor, at: list[float], report: Report) -> Tensor:
    for i, (t, s) in enumerate(zip(at, at[1:])):
        here = _evaluated(clean, z, t)
        there = moved(z, here, t, s)
        if s > 0:  # at the picture itself the velocity is not known
            speeds = (z - here) / t + (there - _evaluated(clean, there, s)) / s
            there = z + (s - t) / 2 * speeds
        z = checked(there, s)
        report(i + 1, len(at) - 1)
    return z


def _dpm(clean: Clean, z: Tensor, at: list[float], report: Report) -> Tensor:
    before, step_before = None, 0.0
    for i, (t, s) in enumerate(zip(at, at[1:])):
        m, step = _evaluated(clean, z, t), log_ratio(s) - log_ratio(t)
        ahead = m if before is None or s == 0 else m + step / (2 * step_before) * (m - before)
        z = checked(moved(z, ahead, t, s), s)
        before, step_before = m, step
        report(i + 1, len(at) - 1)
    return z


def _evodiff(clean: Clean, z: Tensor, at: list[float], report: Report) -> Tensor:
    steps = len(at) - 1
    before, m = None, _evaluated(clean, z, at[0])
    for i, (t, s) in enumerate(zip(at, at[1:])):
        if before is None or s == 0:
            z = moved(z, m, t, s)
            before, m = m, _evaluated(clean, z, s) if i + 1 < steps else m
        elif i + 1 == steps:
            z = _last(z, m, before, t, s)
        else:
            z, before, m = _varied(clean, z, m, before, (at[i - 1], t, s), (at[0], at[-1]), steps)
        checked(z, s)
        report(i + 1, steps)
    return z


def _last(z: Tensor, m: Tensor, before: Tensor, t: float, s: float) -> Tensor:
    q = s / t
    share = 1 - 0.5 * math.sqrt(q if q < 0.5 else q - 0.5)
    return (1 - math.sqrt(s * t)) * moved(z, m, t, s) + 0.5 * (1 - q) * (m - share * before) if s * t < 1e-2 else moved(z, m, t, s)


def _varied(
    clean: Clean, z: Tensor, m: Tensor, before: Tensor, at: tuple[float, float, float], ends: tuple[float, float], steps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of EVODiff: where it leads, `m` as the next step's `before`, and the prediction there."""
    last, t, s = at
    start, end = ends
    h = (1 - s) / s - (1 - t) / t
    straight, sh = moved(z, m, t, s), s * h
    ratio = (log_ratio(t) - log_ratio(last)) / (log_ratio(s) - log_ratio(t))
    trust = 0.5 * (1 - ((s + end) / (start + end)) ** 2)
    base = math.sqrt((s / t) / (t / last))
    r1 = (1 - trust) * base + trust * _share(m, before)
    d1 = m - r1 * before
    damped = (torch.sigmoid(0.25 * r1.abs()) * ratio).clamp(0.25 * ratio, 1.5 * ratio)
    predicted = straight + 0.5 * sh * d1 / damped
    there = _evaluated(clean, predicted, s)
    d2 = there - ((1 - trust) * base + trust * _share(there, m)) * m
    past, ahead = d1 / (ratio * h), ratio * d2 / h
    eta = 0.5 * torch.sigmoid((0.5 * _share(ahead + past, ahead - past)).abs())
    bend = -eta * d1 / ratio + ratio * (1 - eta) * d2
    zeta = _share(predicted - straight - 0.5 * sh * bend / damped, d1) / sh
    if steps <= 20:
        weight = torch.sigmoid(zeta.abs() - 0.5)
    else:
        slope = torch.sigmoid(_share(m, (m - before) / h) * (2 - (s / t) ** 2))
        weight = torch.sigmoid(-(zeta.abs() - 0.5) * slope)
    return straight + 0.5 * sh * bend / weight, m, there


def _share(first: Tensor, second: Tensor) -> Tensor:
    """<first, second> / <second, second> per picture and channel, within [-2, 2]."""
    places = tuple(range(2, first.ndim))
    shared = (first * second).sum(dim=places, keepdim=True) / second.square().sum(dim=places, keepdim=True).clamp_min(1e-20)
    return shared.clamp(-2, 2)


SOLVERS: dict[str, Callable[[Clean, Tensor, list[float], Report], Tensor]] = {"euler": _euler, "heun": _heun, "dpm++": _dpm, "evodiff": _evodiff}
