"""How well an edit by words keeps what it does not mean: SDE-ours, in its two parts.

    x_rec = Dec(Enc(x, c), c),   x_ed = Dec(Enc(x, c), c'),   x_rt = Dec(Enc(x_ed, c'), c),   d the root mean square difference
    effect = d(x, x_rec) / d(x_rec, x_ed)      small: faithful without an edit, visible with one
    return = d(x, x_rt) / d(x_rec, x_ed)       small: undoing the edit brings everything else back

Their sum is the score, lower is better. A model that ignores words has no visible edit and scores infinity. Large changes are flattered, so
compare only edits of the same attribute. This is not the published SDE, whose formula could not be read: never compare the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.text import Denoiser, led
from explorer.methods.diffusion.inversion import invert
from explorer.models.solvers import Report, solve

__all__ = ["Score", "interval", "sde"]

INVISIBLE = 1e-3  # root mean square of pictures in [-1, 1]: a smaller edit is none
DRAWS = 2_000


@dataclass(frozen=True, eq=False)
class Score:
    """The two parts of each picture `(B,)`; infinite where the edit cannot be seen."""

    effect: Tensor
    back: Tensor

    @property
    def total(self) -> Tensor:
        return self.effect + self.back

    def told(self, *, seed: int = 0) -> dict[str, float]:
        """Means with 95 % intervals; infinite as soon as one picture is."""
        parts = {"effect": self.effect, "return": self.back, "total": self.total}
        found = {}
        for name, values in parts.items():
            low, high = interval(values, seed=seed)
            found |= {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}
        return found | {"pictures": float(len(self.effect)), "unseen": float(self.effect.isinf().double().mean())}


def interval(values: Tensor, *, seed: int = 0, share: float = 0.95) -> tuple[float, float]:
    """The bootstrap interval of the mean of values `(B,)`. Raises DataError for none."""
    if not len(values):
        raise DataError("An interval needs at least one picture, got none.")
    chosen = torch.randint(len(values), (DRAWS, len(values)), generator=torch.Generator().manual_seed(seed))
    means = values.double().cpu()[chosen].mean(dim=1).sort().values
    edge = round((1 - share) / 2 * (DRAWS - 1))
    return float(means[edge]), float(means[DRAWS - 1 - edge])


@torch.no_grad()
def sde(
    denoiser: Denoiser,
    pictures: Tensor,
    said: Sequence[str],
    wanted: Sequence[str],
    *,
    level: float = 0.65,
    steps: int = 20,
    guidance: float = 1.0,
    report: Report = lambda done, steps: None,
) -> Score:
    """Scores edits of pictures `(B, C, H, W)`, each with its two captions.

    Raises:
        DataError: captions that are not as many as pictures. ModelError: an inversion diverges.
    """
    if not len(pictures) == len(said) == len(wanted):
        raise DataError(f"Every picture needs two captions, got {len(pictures)} pictures, {len(said)} and {len(wanted)} captions.")
    before, after = denoiser.embed(list(said)), denoiser.embed(list(wanted))
    here = invert(led(denoiser, before), pictures, until=level, steps=steps)
    report(1, 3)
    again = pictures - here.residual
    edited = solve(led(denoiser, after, guidance), here.z, here.at[::-1], solver=here.solver)
    report(2, 3)
    there = invert(led(denoiser, after), edited, until=level, steps=steps)
    returned = solve(led(denoiser, before, guidance), there.z, there.at[::-1], solver=there.solver)
    report(3, 3)
    seen = _apart(again, edited)
    unseen = torch.full_like(seen, torch.inf)
    return Score(*(torch.where(seen > INVISIBLE, _apart(pictures, other) / seen.clamp_min(INVISIBLE), unseen) for other in (again, returned)))


def _apart(first: Tensor, second: Tensor) -> Tensor:
    """The root mean square difference `(B,)` of pictures."""
    return (first - second).square().flatten(1).mean(dim=1).sqrt()
