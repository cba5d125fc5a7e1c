"""What a set of directions is worth, in the figures of the field, at equal image change.

- VP: how well a fresh network tells the directions apart from few pairs of pictures (`measure/variation.py`);
- leak: the share in which other attributes have changed when 80 % of the starts have reached the class that a direction leads to;
- share: of all that a direction moves, how much goes into the attribute that it moves most (`measure/effects.py`);
- PPL: how evenly the picture moves along it (the same).
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch

from explorer.core.direction import Direction
from explorer.methods.directions.ground import Ground
from explorer.methods.measure import variation
from explorer.methods.measure.effects import attribute_matrix, path_length, shares

__all__ = ["leaked", "moved", "scored"]

LOOKED = 32  # starts of shares and path lengths


def scored(ground: Ground, found: Sequence[Direction], *, pairs: int = 2000, epochs: int = 30, seeds: int = 3) -> dict[str, Any]:
    """The variation-predictability score of directions in units of equal image change; nothing for fewer than two.

    "VP last" and "VP highest" are means over the seeds of the network, of which "range" and "VP by seed" tell more; chance is 1 / "K".
    """
    if len(found) < 2:
        return {}
    x, which = variation.pairs(found, ground.decode, ground.sample, n=pairs)
    told = variation.predictability(x, which, count=len(found), epochs=epochs, seeds=seeds)
    return {
        "K": len(found), "VP last": fmean(told.last), "VP highest": fmean(told.highest), "range": [min(told.last), max(told.last)],
        "VP by seed": list(told.last),
    }  # fmt: skip


def leaked(found: Sequence[Direction]) -> dict[str, Any]:
    """The mean leakage of measured directions that reach a class, how many do ("reached"), and how far they get at most ("most")."""
    matched = [direction.evidence["matched"] for direction in found if direction.evidence.get("matched")]
    if not matched:
        return {}
    leaks = [m["leakage_mean"] for m in matched if m["matched"] and m["leakage_mean"] is not None]
    return {
        "leak": fmean(leaks) if leaks else None,
        "reached": f"{len(leaks)} of {len(matched)}",
        "most": fmean([m.get("most", 0.0) for m in matched]),
    }


@torch.no_grad()
def moved(ground: Ground, found: Sequence[Direction], *, starts: int = LOOKED, looks: int = 9) -> dict[str, Any]:
    """How evenly the picture moves ("PPL", at `looks` amounts) and, where there is a judge, how much of what moves is one attribute's.

    That is "share", and "matrix" tells it of every attribute.
    """
    z = ground.starts(starts)
    even = fmean([path_length(direction, ground.scene, z, unit=ground.unit, looks=looks) for direction in found])
    if ground.scene.judge is None:
        return {"PPL": even}
    matrix = attribute_matrix(found, ground.scene, z)
    return {"share": float(shares(matrix).amax(dim=1).mean()), "PPL": even, "matrix": [[round(v, 4) for v in line] for line in matrix.tolist()]}
