"""Manipulate: text and picture moved together, by amounts that are chosen when it is looked at.

    caption = before + a (after - before), rows and pooled vector alike;   z' = z + b (1 - level) d;   then the flow, down to the picture

a and b are linked unless said otherwise. Guidance and what the inversion lost grow and fade with the amount, so that 0 is the picture itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from explorer.core.direction import Direction, Straight, normalised
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.core.text import Condition
from explorer.methods.text.edited import checked_amounts
from explorer.methods.text.encode import Encoded

__all__ = ["Joint", "averaged"]


@dataclass(frozen=True, eq=False)
class Joint:
    """An edit in the joint latent space.

    Args:
        encoded: the picture. vector: d `(C, H, W)`, or zeros to move the text alone.
        guidance: at amounts of 1 and more.
        rows, pooled: which parts of the caption move.
        held: the share of the steps, from the noisy end, that are still drawn under the first caption, which locks the layout.
        cost, figures: see `Edited`.
    """

    encoded: Encoded
    vector: Tensor
    guidance: float = 2.0
    rows: bool = True
    pooled: bool = True
    held: float = 0.0
    cost: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    reach = (-1.5, 2.5)

    def strip(self, amounts: Sequence[float]) -> Tensor:
        return self.at([(amount, amount) for amount in checked_amounts(amounts, self.reach)])

    def at(self, strengths: Sequence[tuple[float, float]], *, steps: int | None = None) -> Tensor:
        """Pictures `(T, C, H, W)` for strengths of text and of picture; fewer `steps` are a preview."""
        text, picture = (checked_amounts(each, self.reach) for each in zip(*strengths))
        some = self.encoded.picture.new_tensor
        wide = (-1, *[1] * (self.encoded.picture.ndim - 1))
        z = self.encoded.found.z + some(picture).view(wide) * (1 - self.encoded.level) * self.vector
        share = some([max(abs(a), abs(b)) for a, b in zip(text, picture)]).clamp(max=1)
        drawn = self._drawn(z, text, 1 + (self.guidance - 1) * share, steps)
        lost = self.encoded.found.residual if steps is None else self.encoded.picture - self._drawn(self.encoded.found.z, [0.0], 1.0, steps)
        return (drawn + (1 - share).view(wide) * lost).clamp(-1, 1)

    def _drawn(self, z: Tensor, text: Sequence[float], guidance: float | Tensor, steps: int | None) -> Tensor:
        captions = self.caption(text)
        if not self.held:
            return self.encoded.drawn(z, captions, guidance=guidance, steps=steps)
        falling = self.encoded.falling(steps)
        turn = min(max(round(self.held * (len(falling) - 1)), 0), len(falling) - 1)
        halfway = self.encoded.along(z, self.encoded.before.repeated(len(z)), falling[: turn + 1], guidance)
        return self.encoded.along(halfway, captions, falling[turn:], guidance)

    def caption(self, amounts: Sequence[float]) -> Condition:
        """The captions at amounts, in the joint latent space."""
        target = self.encoded.before.to(self.encoded.after, rows=self.rows, pooled=self.pooled)
        moved = [self.encoded.before.towards(target, amount) for amount in amounts]
        whole = moved[0]
        for each in moved[1:]:
            whole = whole.joined(each)
        return whole

    def direction(self, name: str, *, model: str = "", weights: str = "") -> Direction:
        """The picture's part as an ordinary direction of the space of noisy pictures at this level: one unit is an amount of 1.

        Raises:
            DataError: only the text moves.
        """
        flat = self.vector.flatten()
        if float(flat.norm()) < 1e-8:
            raise DataError(f"'{name}' moves only the text: there is no direction of the picture in it.")
        space = LatentSpace(f"noisy-{self.encoded.level:g}", tuple(self.vector.shape))
        length = (1 - self.encoded.level) * float(flat.norm())
        settings = {"level": self.encoded.level, "guidance": self.guidance, **self.figures}
        return Direction(
            name, "text", space, Straight(normalised(flat)), length=length, unit="the whole edit", model=model, weights=weights, settings=settings
        )

    def but(self, **changes: object) -> "Joint":
        """The same edit with some fields replaced."""
        return replace(self, **changes)


def averaged(found: Sequence[Joint]) -> tuple[Tensor, float]:
    """One direction for many pictures, and how stable it is: the mean cosine of each picture's own direction with that of the others, in [-1, 1].

    Raises:
        DataError: fewer than two edits, or edits of unlike pictures.
    """
    if len(found) < 2 or len({tuple(each.vector.shape) for each in found}) > 1:
        raise DataError(f"A common direction needs the edits of at least two pictures of one shape, got {len(found)}.")
    each = torch.stack([edit.vector.flatten() for edit in found])
    others = (each.sum(dim=0) - each) / (len(each) - 1)
    return each.mean(dim=0).view(found[0].vector.shape), float(torch.nn.functional.cosine_similarity(each, others, dim=1).mean())
