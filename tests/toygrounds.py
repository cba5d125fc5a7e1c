"""A ground whose directions are known: eight coordinates colour eight patches, a judge reads three of them off."""

from collections.abc import Mapping

import torch
from torch import Tensor

from explorer.core.atlas import Atlas
from explorer.core.model import Card, Decoder, Model
from explorer.core.space import LatentSpace
from explorer.methods.directions.ground import Ground
from explorer.methods.measure.evidence import Scene
from tests.toys import normal

SIZE = 8
SPACE = LatentSpace("z", (SIZE,))
QUESTIONS: Mapping[str, tuple[str, ...]] = {"first": ("dark", "light"), "second": ("dark", "light"), "mixed": ("dark", "light")}


def patches(z: Tensor) -> Tensor:
    """Each coordinate colours a patch of its own: 8 patches of 8 x 4 pixels."""
    return torch.tanh(z / 2).view(-1, 1, 4, 2).repeat_interleave(4, dim=2).repeat_interleave(8, dim=3)


class Eye:
    """Names the sign of the first patch, of the second, and of a mixture of the first and the third."""

    questions = QUESTIONS

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        first, second, third = (40 * x[:, 0, row, column] for row, column in ((0, 0), (0, 8), (4, 0)))
        return {name: torch.stack([-v, v], dim=1) for name, v in {"first": first, "second": second, "mixed": first + 2 * third}.items()}


def labelled(n: int = 600, *, seed: int = 0) -> Atlas:
    """An atlas of codes that spread unevenly, labelled by the eye."""
    codes = normal(n, SIZE, seed=seed) * torch.linspace(1.5, 0.7, SIZE)
    labels = {name: scores.argmax(dim=1) for name, scores in Eye().logits(patches(codes)).items()}
    return Atlas("patches", "ab", "z", codes, None, labels, dict(QUESTIONS), {})


def ground(*, judged: bool = True, atlas: bool = True) -> Ground:
    """The whole."""
    model = Model(Card("patches", "Patches", "toy", {}, weights="ab"), (SPACE,), generator=Decoder("patches", (1, 16, 16), {SPACE: patches}))
    scene = Scene(patches, SPACE, Eye()) if judged else Scene(patches, SPACE)
    return Ground(model, labelled() if atlas else None, scene)
