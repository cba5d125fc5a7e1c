"""Whether another seed shows the same: how much of a UMAP map is the codes', and how much the draw's.

With V_k(i) the k nearest points of i on the map shown, and V_k^s(i) on the map that UMAP makes of the same codes with the seed s,

    stays(i) = mean over s of |V_k(i) n V_k^s(i)| / k                          1: the same neighbours whatever the seed

and, for the arrangement of the whole, the Procrustes disparity of each two maps: what is left of the squared distances, as a
share of the map's own, after the best move, turn, mirroring and scaling; 0 for maps that look the same.

Maps of more than 20,000 codes are judged by 5,000 of them, mapped anew with every seed; the other points get what the nearest
of those on the map have. A linear map has no seed, and always comes out the same.

References: Gower, Generalized Procrustes analysis (1975).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import CapabilityError
from explorer.core.layout import Layout
from explorer.methods.maps import local, quality, umap
from explorer.methods.maps.neighbours import neighbours

__all__ = ["Stability", "disparity", "overlap", "stability"]

OTHERS = (1, 2)
SAMPLE = 5_000

Report = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Stability:
    """How the map shown compares with those of other seeds: `measured` at every point, `summary` in plain values, ready for JSON."""

    measured: local.Measured
    summary: dict[str, Any]


def stability(
    shown: Layout,
    *,
    others: Sequence[int] = OTHERS,
    worker: umap.Worker | None = None,
    report: Report = lambda step, steps, words: None,
    stop: umap.Stop = lambda: False,
) -> Stability:
    """Compares a UMAP map with those of some other seeds; the shown one's own is skipped among them.

    Args:
        worker: one that is kept for several maps; without, one is started and ended.
        report: told how many maps of how many are done, and what is going on.
        stop: asked ten times a second; when true, `umap.Cancelled` is raised.

    Raises:
        CapabilityError: for a map that no seed went into, or too small a one.
        umap.Cancelled, ExplorerError: see `umap.fit`.
    """
    if shown.honesty.get("method") != "umap":
        raise CapabilityError(f"The map '{shown.name}' was not drawn with a seed, so there is no other seed to compare it with.")
    k = local.width(len(shown.xy))
    if not k:
        raise CapabilityError(f"Neighbours on a map can be compared for four points or more, got {len(shown.xy)}.")
    own = shown.honesty.get("seed", 0)
    seeds = [seed for seed in (*others, *range(100)) if seed != own][: len(others)]
    small = len(shown.xy) <= local.EXACT
    rows = quality.anchors(len(shown.xy), len(shown.xy) if small else SAMPLE)
    steps = len(seeds) if small else len(seeds) + 1
    maps = [shown.xy] if small else []
    with umap.borrowed(worker) as running:
        for seed in seeds if small else [own, *seeds]:
            tell = _teller(report, len(maps) - small, steps, seed)
            maps.append(umap.fit(shown.codes[rows], seed=seed, report=tell, stop=stop, worker=running).xy)
    shares = torch.stack([overlap(maps[0], other, k=k) for other in maps[1:]]).mean(dim=0)
    report(steps, steps, "comparing")
    measured = local.Measured(local.spread(shares, rows, shown.xy), k, len(rows))
    apart = [disparity(a, b) for a, b in combinations(maps, 2)]
    stays = quality.estimate(shares, n=len(shown.xy)).to_dict()
    return Stability(measured, {"seeds": [own, *seeds], "k": k, "n": len(rows), "stays": stays, "disparity": sum(apart) / len(apart)})


def overlap(one: Tensor, other: Tensor, *, k: int) -> Tensor:
    """The share `(N,)` in [0, 1] of each point's `k` neighbours on one map `(N, 2)` that are its neighbours on another."""
    near, far = (neighbours(xy, k).rows for xy in (one, other))
    return (near[:, :, None] == far[:, None, :]).sum(dim=(1, 2)).double() / k


def disparity(one: Tensor, other: Tensor) -> float:
    """The Procrustes disparity of two maps `(N, 2)` of the same codes, in [0, 1]."""
    from scipy.spatial import procrustes  # slow to import

    return float(procrustes(one.double().numpy(), other.double().numpy())[2])


def _teller(report: Report, done: int, steps: int, seed: int) -> Callable[[str], None]:
    words = {"importing": "loading UMAP", "neighbours": "finding neighbours", "fitting": "drawing the map", "measuring": "measuring it"}
    return lambda word: report(done, steps, f"seed {seed}: {words.get(word, word)}")
