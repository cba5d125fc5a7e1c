"""An atlas: codes of one model with what is known about each, and maps of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import CapabilityError, SpaceError
from explorer.core.layout import Layout

__all__ = ["Atlas"]


@dataclass(frozen=True, eq=False)
class Atlas:
    """Codes of one model.

    Args:
        model: the name of the model, `weights` the SHA-256 of its weights.
        space: the name of the space the codes live in.
        codes: flat codes `(N, D)`: the means, where an encoder made them.
        variance: the encoder's variances `(N, D)`, or None.
        labels: for each question, the class of each code `(N,)` int64, -1 where it cannot be seen.
        classes: for each question, the names of its classes.
        layouts: the maps, first the one to open with.
        axes: for each coordinate, what was measured of it (activity, KL, quantiles), ready for JSON.
        thumbnails: a WebP sprite of the originals, 32 px each, 100 a row.
        about: where the codes are from, in words, and how they were measured.
    """

    model: str
    weights: str
    space: str
    codes: Tensor
    variance: Tensor | None
    labels: Mapping[str, Tensor]
    classes: Mapping[str, tuple[str, ...]]
    layouts: Mapping[str, Layout]
    axes: tuple[Mapping[str, Any], ...] = ()
    thumbnails: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for name, values in self.labels.items():
            if len(values) != len(self.codes):
                raise SpaceError(
                    f"Labels '{name}' of the atlas of '{self.model}' number {len(values)}, expected one for each of {len(self.codes)} codes."
                )

    def __len__(self) -> int:
        return len(self.codes)

    def layout(self, name: str) -> Layout:
        """The map of that name. Raises CapabilityError naming the ones there are."""
        if name not in self.layouts:
            raise CapabilityError(f"The atlas of '{self.model}' has no map '{name}'. It has: {', '.join(self.layouts) or 'none'}.")
        return self.layouts[name]

    def code(self, row: int, *, noise: Tensor | None = None) -> Tensor:
        """The flat code `(D,)` of one row: its mean, or with `noise` `(D,)` a draw from its posterior.

        Raises:
            SpaceError: for a row that does not exist.
        """
        if not 0 <= row < len(self):
            raise SpaceError(f"The atlas of '{self.model}' has codes 0 to {len(self) - 1}, got {row}.")
        if noise is None or self.variance is None:
            return self.codes[row]
        return self.codes[row] + self.variance[row].sqrt() * noise

    def described(self, row: int) -> dict[str, str]:
        """The class names of one row, without what cannot be seen."""
        return {name: self.classes[name][int(values[row])] for name, values in self.labels.items() if int(values[row]) >= 0}

    @property
    def nothing(self) -> bool:
        """Whether the atlas holds no code at all."""
        return not len(self)

    def nearest(self, code: Tensor) -> tuple[int, float]:
        """The row nearest to a flat code `(D,)` in latent distance, and that distance. Raises SpaceError for an empty atlas."""
        if self.nothing:
            raise SpaceError(f"The atlas of '{self.model}' holds no codes.")
        distance, row = torch.cdist(code[None], self.codes)[0].min(dim=0)
        return int(row), float(distance)
