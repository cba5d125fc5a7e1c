"""How honest a map is: what it keeps of the neighbourhoods and of the large distances.

With U_k(i) the k nearest points of i in the latent space, V_k(i) those on the map, r and q the ranks there:

    trustworthiness  T(k)    = 1 - 2/(n k (2n-3k-1)) sum_i sum_{j in V_k(i) \\ U_k(i)} (r(i,j) - k)      no false neighbours
    continuity       C(k)    = the same with U, V and r, q exchanged                                    no torn ones
    recall           Q_NX(k) = 1/(n k) sum_i |U_k(i) n V_k(i)|
                     R_NX(k) = ((n-1) Q_NX(k) - k) / (n-1-k)                                            0 for a random map
                     LCMC(k) = Q_NX(k) - k/(n-1)

All are means over the points i, so for a large map they are estimated from some points, the *anchors*, each against *all*
others: unbiased, while thinning out the points themselves would change k/n and with it the measure. The interval is a
bootstrap over the anchors (a jackknife below 200 points). T is optimistic: a random map scores about 0.5. R_NX is not, and
is what to look at first. Every figure stands beside those of a random map and of PCA.

References: Venna and Kaski, Local multidimensional scaling (2006); Chen and Buja, Local multidimensional scaling for nonlinear
dimension reduction (2009); Lee, Peluffo-Ordóñez and Verleysen, Multi-scale similarities in stochastic neighbour embedding (2015).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import SpaceError
from explorer.methods.maps.neighbours import blocks, distances, measured, nearest, neighbours, rank_of, ranks

__all__ = [
    "MEASURES",
    "Agreement",
    "Curve",
    "Estimate",
    "agreement",
    "anchors",
    "around",
    "curve",
    "estimate",
    "honesty",
    "local_recall",
    "random_layout",
    "spearman",
    "triplets",
]

NEIGHBOURS = 15
MEASURES = ("r_nx", "trustworthiness", "continuity", "recall")  # each a property of an Agreement
RESAMPLES = 200
FEW = 200  # points, below which the interval is a jackknife
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A measured figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Plain values, ready for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class Agreement:
    """What the neighbourhoods of `M` anchors, among `n` points, have in common in the latent space and on a map.

    Args:
        n, k: how many points, how many neighbours.
        kept: how many neighbours each anchor keeps, `(M,)`.
        false: by how much the ranks of its false neighbours exceed k, summed, `(M,)`; `torn`: of the neighbours it lost.
    """

    n: int
    k: int
    kept: Tensor
    false: Tensor
    torn: Tensor

    @property
    def recall(self) -> Tensor:
        """The share of the neighbours each anchor keeps, `(M,)` in [0, 1]; its mean is Q_NX."""
        return self.kept.double() / self.k

    @property
    def r_nx(self) -> Tensor:
        """Recall beyond chance, `(M,)`; its mean is R_NX."""
        return ((self.n - 1) * self.recall - self.k) / (self.n - 1 - self.k)

    @property
    def lcmc(self) -> Tensor:
        """Recall less what chance gives, `(M,)`."""
        return self.recall - self.k / (self.n - 1)

    @property
    def trustworthiness(self) -> Tensor:
        """One where an anchor has no false neighbour on the map, `(M,)`. Raises SpaceError for too few points."""
        return self._unless(self.false)

    @property
    def continuity(self) -> Tensor:
        """One where an anchor loses no neighbour on the map, `(M,)`. Raises SpaceError for too few points."""
        return self._unless(self.torn)

    def _unless(self, excess: Tensor) -> Tensor:
        if 2 * self.k >= self.n:
            raise SpaceError(f"Trustworthiness and continuity with {self.k} neighbours need more than {2 * self.k} points, got {self.n}.")
        return 1 - 2 * excess.double() / (self.k * (2 * self.n - 3 * self.k - 1))


@dataclass(frozen=True, eq=False)
class Curve:
    """Recall at every number of neighbours: `q_nx` `(n - 1,)` for k = 1 to n - 1."""

    q_nx: Tensor

    @cached_property
    def r_nx(self) -> Tensor:
        """R_NX for k = 1 to n - 2, `(n - 2,)`."""
        n = len(self.q_nx) + 1
        k = torch.arange(1, n - 1)
        return ((n - 1) * self.q_nx[:-1] - k) / (n - 1 - k)

    @property
    def auc(self) -> float:
        """The area under R_NX over log k: one number over all scales, the small ones weighted."""
        weight = 1 / torch.arange(1, len(self.r_nx) + 1).double()
        return float((self.r_nx * weight).sum() / weight.sum())


def anchors(n: int, most: int, *, seed: int = 0) -> Tensor:
    """At most `most` rows out of `n`, drawn without repetition, in order; all of them if there are no more."""
    if n <= most:
        return torch.arange(n)
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:most].sort().values


def agreement(codes: Tensor, xy: Tensor, *, k: int = NEIGHBOURS, rows: Tensor | None = None, metric: str = "euclidean") -> Agreement:
    """What the neighbourhoods of anchors `rows` `(M,)` (of all points without them) in codes `(N, D)` and places `(N, 2)` share.

    Raises:
        SpaceError: for unequal numbers of codes and places, an unknown metric, or fewer points than k + 2.
    """
    return _agreements(codes, {"": xy}, k=k, rows=rows, metric=metric)[""]


def curve(codes: Tensor, xy: Tensor, *, rows: Tensor | None = None, metric: str = "euclidean") -> Curve:
    """Recall at every k, over the anchors. Needs all ranks, hence a sort an anchor; `agreement` is far cheaper for one k."""
    n = _checked(codes, xy, k=1)
    codes, xy = measured(codes, metric), xy.double()
    rows = torch.arange(n) if rows is None else rows
    within = torch.zeros(n + 1, dtype=torch.long)  # pairs whose larger rank is k
    for some in blocks(rows, 4 * n):
        larger = torch.maximum(ranks(distances(codes, some)), ranks(distances(xy, some)))
        within += torch.bincount(larger.flatten(), minlength=n + 1)
    k = torch.arange(1, n)
    return Curve(within.cumsum(0)[1:n].double() / (len(rows) * k))


def local_recall(codes: Tensor, xy: Tensor, *, k: int = NEIGHBOURS, metric: str = "euclidean") -> Tensor:
    """For every point, the share of its `k` latent neighbours that are its neighbours on the map, `(N,)` in [0, 1]."""
    _checked(codes, xy, k=k)
    near, shown = neighbours(codes, k, metric=metric).rows, neighbours(xy, k).rows
    return torch.cat([_common(a, b) for a, b in zip(near.split(4096), shown.split(4096), strict=True)]).double() / k


def around(codes: Tensor, xy: Tensor, row: int, *, k: int = 5, metric: str = "euclidean") -> tuple[Tensor, Tensor]:
    """The rows of the `k` nearest points of one point in the latent space, and on the map; the second not in the first are false."""
    one = torch.tensor([row])
    return neighbours(codes, k, rows=one, metric=metric).rows[0], neighbours(xy, k, rows=one).rows[0]


def triplets(codes: Tensor, xy: Tensor, *, rows: Tensor | None = None, each: int = 50, seed: int = 0, metric: str = "euclidean") -> Tensor:
    """For each anchor, the share `(M,)` of `each` random pairs of others whose order of distance the map keeps; 0.5 is chance.

    Pairs that are equally far in either space count half.
    """
    n = _checked(codes, xy, k=1)
    codes, xy = measured(codes, metric), xy.double()
    rows = torch.arange(n) if rows is None else rows
    others = _pairs(rows, n, each, seed)
    wide, flat = (_between(points, rows[:, None, None], others).diff(dim=2)[..., 0].sign() for points in (codes, xy))
    return ((wide * flat).sign().mean(dim=1) + 1) / 2


def spearman(codes: Tensor, xy: Tensor, *, pairs: int = 20_000, seed: int = 0, metric: str = "euclidean") -> float:
    """The rank correlation of distances in the latent space and on the map, over random pairs (all pairs, if they are no more)."""
    n = _checked(codes, xy, k=1)
    codes, xy = measured(codes, metric), xy.double()
    if n * (n - 1) // 2 <= pairs:
        first, second = torch.triu_indices(n, n, 1)
    else:
        first = torch.randint(n, (pairs,), generator=torch.Generator().manual_seed(seed))
        second = _others(first, n, 1, seed + 1)[:, 0]
    return _correlation(_mean_ranks(_between(codes, first, second)), _mean_ranks(_between(xy, first, second)))


def estimate(values: Tensor, *, n: int, seed: int = 0) -> Estimate:
    """The mean of the anchors' values `(M,)` with its 95 % interval; `n` is the number of points they were drawn from.

    Bootstrap over anchors (200 resamples); below 200 points a jackknife with the normal quantile.
    """
    values = values.double()
    mean = float(values.mean())
    if n < FEW:
        spread = 1.96 * float(values.var() / len(values)) ** 0.5 if len(values) > 1 else float("inf")
        return Estimate(mean, mean - spread, mean + spread)
    draws = torch.randint(len(values), (RESAMPLES, len(values)), generator=torch.Generator().manual_seed(seed))
    low, high = values[draws].mean(dim=1).quantile(torch.tensor([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], dtype=torch.float64))
    return Estimate(mean, float(low), float(high))


def random_layout(n: int, *, seed: int = 0) -> Tensor:
    """Places `(n, 2)` that know nothing of the codes: the baseline of every measure."""
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))


def honesty(codes: Tensor, xy: Tensor, *, baselines: Mapping[str, Tensor], most: int, seed: int = 0, metric: str = "euclidean") -> dict[str, Any]:
    """How far a map `(N, 2)` of the codes can be trusted, the same of some baselines and of a random map, ready for JSON.

    k is 15, or a third of the other points if those are few; below four points nothing can be said, and nothing is. `most`
    is the number of anchors.
    """
    n = len(codes)
    k = min(NEIGHBOURS, (n - 1) // 3)
    if k < 1:
        return {"n": n, "k": 0, "anchors": 0, "metric": metric, "seed": seed}
    rows = anchors(n, most, seed=seed)
    maps = {"": xy, **baselines, "random": random_layout(n, seed=seed)}
    measures = {name: _measures(one, seed=seed) for name, one in _agreements(codes, maps, k=k, rows=rows, metric=metric).items()}
    return {"n": n, "k": k, "anchors": len(rows), "metric": metric, "seed": seed, **measures.pop(""), **measures}


def _measures(one: Agreement, *, seed: int) -> dict[str, dict[str, float]]:
    return {name: estimate(getattr(one, name), n=one.n, seed=seed).to_dict() for name in MEASURES}


def _agreements(codes: Tensor, maps: Mapping[str, Tensor], *, k: int, rows: Tensor | None, metric: str) -> dict[str, Agreement]:
    """The agreement of several maps with the same codes, whose distances are computed once."""
    for xy in maps.values():
        n = _checked(codes, xy, k=k)
    codes = measured(codes, metric)
    rows = torch.arange(n) if rows is None else rows
    parts: dict[str, list[tuple[Tensor, Tensor, Tensor]]] = {name: [] for name in maps}
    for some in blocks(rows, 2 * n):
        wide = distances(codes, some)
        for name, xy in maps.items():
            parts[name].append(_compared(wide, distances(xy.double(), some), k))
    return {name: Agreement(n, k, *(torch.cat(column) for column in zip(*some, strict=True))) for name, some in parts.items()}


def _compared(wide: Tensor, flat: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Kept, false and torn, each `(M,)`, of some anchors, from their distances `(M, N)` to all points in both spaces."""
    near, shown = nearest(wide, k)[0], nearest(flat, k)[0]
    false = (rank_of(wide, shown) - k).clamp_min(0).sum(dim=1)
    torn = (rank_of(flat, near) - k).clamp_min(0).sum(dim=1)
    return _common(near, shown), false, torn


def _common(a: Tensor, b: Tensor) -> Tensor:
    """How many entries two rows of neighbours `(M, k)` share, `(M,)`."""
    return (a[:, :, None] == b[:, None, :]).sum(dim=(1, 2))


def _checked(codes: Tensor, xy: Tensor, *, k: int) -> int:
    if len(codes) != len(xy):
        raise SpaceError(f"A map needs one place for each code, got {len(codes)} codes and {len(xy)} places.")
    if len(codes) < k + 2:
        raise SpaceError(f"Measuring {k} neighbours needs at least {k + 2} points, got {len(codes)}.")
    return len(codes)


def _others(rows: Tensor, n: int, each: int, seed: int) -> Tensor:
    """For each row `(M,)`, `each` random other ones `(M, each)`."""
    drawn = torch.randint(n - 1, (len(rows), each), generator=torch.Generator().manual_seed(seed))
    return drawn + (drawn >= rows[:, None])


def _pairs(rows: Tensor, n: int, each: int, seed: int) -> Tensor:
    """For each row `(M,)`, `each` random pairs of two different other ones `(M, each, 2)`."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(n - 1, (len(rows), each), generator=generator)
    second = (first + 1 + torch.randint(n - 2, (len(rows), each), generator=generator)) % (n - 1)
    pairs = torch.stack([first, second], dim=2)
    return pairs + (pairs >= rows[:, None, None])


def _between(points: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return (points[a] - points[b]).norm(dim=-1)


def _mean_ranks(values: Tensor) -> Tensor:
    """Ranks `(N,)` of values, equal ones sharing their mean rank."""
    _, group, count = values.unique(return_inverse=True, return_counts=True)
    last = count.cumsum(0).double()
    return (last - (count - 1) / 2)[group]


def _correlation(a: Tensor, b: Tensor) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (a.norm() * b.norm()).clamp_min(1e-12))
