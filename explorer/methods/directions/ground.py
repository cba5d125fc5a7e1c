"""What a search for directions stands on: a model's workspace, how its codes become pictures, and what is known of its codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from explorer.core.atlas import Atlas
from explorer.core.direction import Direction
from explorer.core.errors import CapabilityError
from explorer.core.model import Model, differentiable
from explorer.core.space import LatentSpace
from explorer.methods.directions import units
from explorer.methods.measure.evidence import Scene, evidence

__all__ = ["Ground"]

STARTS_SEED = 77


@dataclass(frozen=True, eq=False)
class Ground:
    """A model, its atlas where it has one, and the scene its directions are measured on."""

    model: Model
    atlas: Atlas | None
    scene: Scene
    kept: dict[str, float] = field(default_factory=dict)

    @property
    def space(self) -> LatentSpace:
        """The workspace."""
        return self.model.workspace

    def decode(self, z: Tensor) -> Tensor:
        """Pictures of flat codes `(B, D)` of the workspace."""
        return self.model.need("generator").decode(self.model.code(z.reshape(len(z), *self.space.shape), self.space.name))

    def sample(self, n: int, seed: int) -> Tensor:
        """Flat codes `(n, D)` drawn from the prior, in the workspace."""
        with torch.no_grad():
            return self.model.working(self.model.space.sample(n, seed)).values.flatten(1)

    @property
    def codes(self) -> Tensor:
        """The atlas' codes. Raises CapabilityError without an atlas."""
        if self.atlas is None or self.atlas.nothing:
            raise CapabilityError(f"'{self.model.card.name}' has no atlas, so nothing is known of its codes. `explorer atlas` makes one.")
        return self.atlas.codes

    @property
    def labels(self) -> Mapping[str, Tensor]:
        """The atlas' labels. Raises CapabilityError without any."""
        if not (self.atlas is not None and self.atlas.labels):
            raise CapabilityError(f"Nothing says what the codes of '{self.model.card.name}' show: its atlas has no labels.")
        return self.atlas.labels

    def starts(self, n: int) -> Tensor:
        """Flat codes to measure from: rows of the atlas where there is one, draws of the prior otherwise; the same for the same number."""
        if self.atlas is None or self.atlas.nothing:
            return self.sample(n, STARTS_SEED)
        rows = torch.randperm(len(self.atlas), generator=torch.Generator().manual_seed(STARTS_SEED))[:n]
        return self.atlas.codes[rows].float()

    @property
    def differentiable(self) -> bool:
        """Whether gradients flow from pictures back to codes."""
        return differentiable(self.model.need("generator"))

    @property
    def unit(self) -> float:
        """One unit of change of a picture; see `units`."""
        if "unit" not in self.kept:
            self.kept["unit"] = units.yardstick(self.decode, self.sample(128, STARTS_SEED + 1))
        return self.kept["unit"]

    def measured(self, direction: Direction, *, starts: int) -> Direction:
        """The direction in units of equal image change, of this model, with its evidence from that many starts."""
        whole = direction.but(model=self.model.card.name, weights=self.model.card.weights)
        if direction.unit != units.UNIT:
            whole = units.calibrated(whole, self.decode, self.starts(24), self.unit)
        return whole.but(evidence=evidence(whole, self.scene, self.starts(starts)))
