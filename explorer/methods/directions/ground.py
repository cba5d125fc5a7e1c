"""What a search for directions stands on: a model's workspace, how its codes become pictures, and what is known of its codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from explorer.core.atlas import Atlas
from explorer.core.direction import Direction
from explorer.core.errors import CapabilityError
from explorer.core.model import Model, differentiable
from explorer.core.space import LatentSpace
from explorer.methods.directions import units
from explorer.methods.directions.heads import Head, fit
from explorer.methods.measure.evidence import AMOUNTS, Scene, drawn, evidence, said

__all__ = ["Ground"]

STARTS_SEED = 77
CALIBRATED = 12  # starts by which the length of a unit is found
HIDDEN, EPOCHS = 48, 24  # of the heads that are walked by
BLUR, FARTHEST_BLUR = 0.6, 3.4  # over the spread of the codes: the noise of a coordinate, and at most of a whole code
JUDGED = 5_000  # draws of the prior that heads learn from beside the atlas


@dataclass(frozen=True, eq=False)
class Ground:
    """A model, its atlas where it has one, and the scene its directions are measured on."""

    model: Model
    atlas: Atlas | None
    scene: Scene
    kept: dict[Any, Any] = field(default_factory=dict)

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

    def resampled(self, seed: int) -> "Ground":
        """The same ground with a bootstrap sample of its atlas: as many rows, drawn with replacement."""
        if self.atlas is None or self.atlas.nothing:
            return self
        if ("resampled", seed) not in self.kept:
            rows = torch.randint(len(self.atlas), (len(self.atlas),), generator=torch.Generator().manual_seed(seed))
            variance = None if self.atlas.variance is None else self.atlas.variance[rows]
            labels = {name: values[rows] for name, values in self.atlas.labels.items()}
            kept = {key: value for key, value in self.kept.items() if key in ("unit", "judged")}  # what does not depend on the atlas
            other = replace(self.atlas, codes=self.atlas.codes[rows], variance=variance, labels=labels, layouts={})
            self.kept["resampled", seed] = replace(self, atlas=other, kept=kept)
        return self.kept["resampled", seed]

    @property
    def spread(self) -> float:
        """The standard deviation of the atlas' codes along a coordinate, the root mean square over coordinates."""
        return float(self.codes.float().var(dim=0).mean().sqrt())

    def head(self, attribute: str, *, seed: int = 0) -> Head:
        """A classifier of codes for a labelled attribute, learned when first asked for.

        It learns from the atlas and, where a judge can tell, from as many draws of the prior as `JUDGED`: a walk soon leaves the places
        of training pictures, and what has only seen those is a poor guide from there on.
        """
        if (attribute, seed) not in self.kept:
            codes, labels = self.codes.float(), self.labels[attribute]
            if attribute in self._judged[1]:
                codes, labels = torch.cat([codes, self._judged[0]]), torch.cat([labels, self._judged[1][attribute]])
            self.kept[attribute, seed] = fit(
                codes,
                labels,
                self.atlas.classes[attribute],
                hidden=HIDDEN,
                epochs=EPOCHS,
                batch=256,
                rate=5e-3,
                decay=0.01,
                blur=self.spread * min(BLUR, FARTHEST_BLUR / self.space.size**0.5),
                seed=seed,
            )
        return self.kept[attribute, seed]

    @property
    def _judged(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Draws of the prior, and for each attribute that the judge and the atlas name alike the class of each, -1 where it cannot be seen."""
        if "judged" not in self.kept:
            self.kept["judged"] = self._judge() if self.scene.judge is not None else (torch.empty(0, self.space.size), {})
        return self.kept["judged"]

    @torch.no_grad()
    def _judge(self) -> tuple[Tensor, dict[str, Tensor]]:
        codes, known = self.sample(JUDGED, STARTS_SEED + 2), dict(self.labels)
        rows = torch.cat([said(self.scene, drawn(self.scene, z)) for z in codes.split(256)])  # (N, K), -1 where it cannot be seen
        alike = [q for q, names in self.scene.judge.questions.items() if q in known and tuple(names) == tuple(self.atlas.classes[q])]
        questions = list(self.scene.judge.questions)
        return codes, {q: rows[:, questions.index(q)] for q in alike}

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

    def measured(self, direction: Direction, *, starts: int, amounts: Sequence[float] = AMOUNTS) -> Direction:
        """The direction in units of equal image change, of this model, with its evidence from that many starts."""
        whole = direction.but(model=self.model.card.name, weights=self.model.card.weights)
        if direction.unit != units.UNIT:
            whole = units.calibrated(whole, self.decode, self.starts(CALIBRATED), self.unit)
        lasting = {key: value for key, value in direction.evidence.items() if key == "agreement"}
        return whole.but(evidence=lasting | evidence(whole, self.scene, self.starts(starts), amounts=amounts))
