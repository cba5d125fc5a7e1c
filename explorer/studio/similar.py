"""The atlas pictures most like a code: the nearest in latent distance, over the axes that carry something."""

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError

__all__ = ["Similar", "similar"]


@dataclass(frozen=True)
class Similar:
    """Rows of an atlas, nearest first, how far each is, and over how many of its axes that was measured."""

    rows: tuple[int, ...]
    distances: tuple[float, ...]
    axes: int


def similar(atlas: Atlas, code: Tensor, count: int) -> Similar:
    """The `count` rows nearest to a flat code `(D,)`. Axes that were measured to be passive do not count. Raises CapabilityError for an empty atlas."""
    if atlas.nothing:
        raise CapabilityError(f"The atlas of '{atlas.model}' holds no codes.")
    passive = [axis["axis"] for axis in atlas.axes if axis.get("state") == "passive"]
    used = torch.ones(atlas.codes.shape[1], dtype=torch.bool)
    used[passive] = False
    if not used.any():
        used[:] = True
    found = torch.cdist(code.to(atlas.codes)[None, used], atlas.codes[:, used])[0].topk(min(count, len(atlas)), largest=False)
    return Similar(tuple(found.indices.tolist()), tuple(found.values.tolist()), int(used.sum()))
