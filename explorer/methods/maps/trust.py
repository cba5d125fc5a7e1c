"""What is measured of every single place of a map, by name: what it keeps of its neighbourhood, and whether another seed shows the same."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from explorer.core.errors import CapabilityError
from explorer.core.layout import Layout
from explorer.methods.maps import local

__all__ = ["MEASURES", "Found", "judged", "measure"]

MEASURES = ("kept", "stays")

Report = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Found:
    """A measure of every place: `share` `(N,)` uint8 in 255ths, and `about` it, plain values ready for JSON: at least `k` and `n`, the points measured."""

    share: Tensor
    about: dict[str, Any]


def measure(
    layout: Layout,
    name: str,
    *,
    worker: Any = None,
    report: Report = lambda step, steps, words: None,
    stop: Callable[[], bool] = lambda: False,
) -> Found:
    """Measures every place of a map; "kept" takes seconds, "stays" draws the map again with other seeds, about ten seconds each.

    Args:
        worker: an `umap.Worker` that is kept for several maps.
        report: told how many steps of how many are done, and what is going on; may raise to stop.
        stop: whether it should end as soon as it can; only drawing maps asks.

    Raises:
        CapabilityError: for a measure that is not known or that this map cannot have.
    """
    if name == "kept":
        found = local.kept(layout.codes, layout.xy, report=lambda step, steps: report(step, steps, "comparing neighbours"))
        return Found(found.share, {"k": found.k, "n": found.anchors})
    if name == "stays":
        from explorer.methods.maps import seeds

        stability = seeds.stability(layout, worker=worker, report=report, stop=stop)
        return Found(stability.measured.share, stability.summary)
    raise CapabilityError(f"No measure '{name}' of a map. Known: {', '.join(MEASURES)}.")


def judged(layout: Layout, *, worker: Any = None, report: Report = lambda step, steps, words: None) -> Layout:
    """The same map with every measure that it can have and lacks; what there is about them goes into its honesty, under "local"."""
    if not local.width(len(layout.xy)):
        return layout
    lacking = [name for name in MEASURES if name not in layout.local and (name != "stays" or layout.honesty.get("method") == "umap")]
    found = {name: measure(layout, name, worker=worker, report=report) for name in lacking}
    about = layout.honesty.get("local", {}) | {name: one.about for name, one in found.items()}
    return replace(layout, honesty=layout.honesty | {"local": about}, local=dict(layout.local) | {name: one.share for name, one in found.items()})
