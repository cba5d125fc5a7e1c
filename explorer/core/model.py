"""A loaded model: what it says of itself, its latent spaces, and its parts.

Panels ask for parts, never for names or families: a part that is `None` is something the model cannot do.
Pictures are float tensors `(B, C, H, W)` in [-1, 1].
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from explorer.core.errors import CapabilityError, SpaceError
from explorer.core.prototypes import PrototypeClassifier
from explorer.core.space import Code, LatentSpace
from explorer.core.text import Denoiser

__all__ = ["Card", "Classifier", "Decoder", "Encoder", "Features", "Generator", "Mapper", "Model", "Posterior", "differentiable"]


class Generator(Protocol):
    """Draws a picture for a code of any space the model lists."""

    picture_shape: tuple[int, int, int]  # (C, H, W)

    def decode(self, code: Code) -> Tensor:
        """Pictures `(B, C, H, W)` in [-1, 1]. Raises SpaceError for a code of another model's space."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """A diagonal Gaussian over codes: `mean` and `variance`, both `(B, *shape)`, in `space`."""

    mean: Tensor
    variance: Tensor
    space: LatentSpace

    def sample(self, seed: int) -> Code:
        """One draw a picture, the same one for the same seed."""
        noise = torch.randn(self.mean.shape, generator=torch.Generator().manual_seed(seed))
        return Code(self.mean + self.variance.sqrt() * noise.to(self.mean), self.space)


class Encoder(Protocol):
    """Finds the code of a picture."""

    def encode(self, x: Tensor) -> Code:
        """The most likely code of each picture `(B, C, H, W)` in [-1, 1]."""

    def posterior(self, x: Tensor) -> Posterior:
        """What the encoder is unsure about, as a Gaussian."""


class Mapper(Protocol):
    """Takes codes of the sampling space to another space of the same model."""

    source: LatentSpace
    target: LatentSpace

    def map(self, code: Code) -> Code: ...


class Classifier(Protocol):
    """Scores pictures: one or more questions, each with named classes."""

    questions: Mapping[str, tuple[str, ...]]

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        """For pictures `(B, C, H, W)` in [-1, 1], the scores `(B, classes)` of each question."""


class Features(Protocol):
    """Describes pictures by vectors in which distance means something."""

    def features(self, x: Tensor) -> Tensor:
        """For pictures `(B, C, H, W)` in [-1, 1], vectors `(B, F)`."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint says of itself; it travels in the header of the file, and nothing is looked up elsewhere.

    Args:
        name, title: for commands and for people.
        family: the word that selects the builder.
        config: the builder's arguments.
        spaces: name, shape and prior of every latent space, the sampling space first.
        data: the dataset's name, and `judge`, the name of the model that names what pictures show.
        licence, credits: of weights and data.
        training: steps, seed, version, minutes, machine.
        quality: measured figures, each with how it was measured in its name.
        weights: SHA-256 of the tensors: names, types, shapes and bytes.
    """

    name: str
    title: str
    family: str
    config: dict[str, Any]
    spaces: tuple[dict[str, Any], ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    credits: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    quality: dict[str, Any] = field(default_factory=dict)
    weights: str = ""

    @property
    def latent_spaces(self) -> tuple[LatentSpace, ...]:
        """The spaces as nouns. Raises SpaceError when one makes no sense."""
        return tuple(LatentSpace.from_dict(space) for space in self.spaces)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    def but(self, **changes: Any) -> "Card":
        """The same card with some fields replaced."""
        return replace(self, **changes)


@dataclass(frozen=True, eq=False)
class Decoder:
    """A generator made of one function a space, and of mappers into those spaces.

    Args:
        name: of the model, for errors.
        picture_shape: (C, H, W) of what is drawn.
        functions: from a space to the function that turns its codes `(B, *shape)` into pictures.
        mappers: how to reach a decodable space from one that is not.
        differentiable: whether gradients flow from pictures back to codes.
        first: the weights `(F, D)` of the first affine map that acts on a flat code of the workspace, or None where that is not known.
    """

    name: str
    picture_shape: tuple[int, int, int]
    functions: Mapping[LatentSpace, Callable[[Tensor], Tensor]]
    mappers: tuple[Mapper, ...] = ()
    differentiable: bool = True
    first: Callable[[], Tensor] | None = None

    def decode(self, code: Code) -> Tensor:
        """Pictures `(B, C, H, W)` in [-1, 1]. Raises SpaceError for a code of a space this model does not list."""
        if code.space in self.functions:
            return self.functions[code.space](code.values)
        for mapper in self.mappers:
            if mapper.source == code.space:
                return self.decode(mapper.map(code))
        known = ", ".join(f"{space.name}{list(space.shape)}" for space in (*self.functions, *(m.source for m in self.mappers)))
        raise SpaceError(f"'{self.name}' decodes codes of {known}, got a code of {code.space.name}{list(code.space.shape)}.")


def differentiable(part: Any) -> bool:
    """Whether gradients flow through a part of a model: yes, unless it says no, as networks do that run outside torch."""
    return getattr(part, "differentiable", True)


@dataclass(frozen=True, eq=False)
class Model:
    """A loaded model: its card, its latent spaces (the first is where one samples) and its parts."""

    card: Card
    spaces: tuple[LatentSpace, ...] = ()
    generator: Generator | None = None
    encoder: Encoder | None = None
    mapper: Mapper | None = None
    classifier: Classifier | None = None
    features: Features | None = None
    prototypes: PrototypeClassifier | None = None
    denoiser: Denoiser | None = None

    PARTS = ("generator", "encoder", "mapper", "classifier", "features", "prototypes", "denoiser")

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts it has."""
        return tuple(name for name in self.PARTS if getattr(self, name) is not None)

    @property
    def space(self) -> LatentSpace:
        """The space one samples from. Raises CapabilityError for a model without one."""
        if not self.spaces:
            raise CapabilityError(f"'{self.card.name}' has no latent space: it has only {', '.join(self.parts)}.")
        return self.spaces[0]

    @property
    def workspace(self) -> LatentSpace:
        """The space in which codes are edited, mapped and joined by paths: where the mapper leads; without one, the sampling space."""
        return self.space if self.mapper is None else self.mapper.target

    def working(self, code: Code) -> Code:
        """A code of the sampling space or of the workspace as one of the workspace. Raises SpaceError for any other."""
        if code.space == self.workspace:
            return code
        if code.space == self.space and self.mapper is not None:
            return self.mapper.map(code)
        raise SpaceError(f"'{self.card.name}' works with codes of {self.workspace.name}, got a code of {code.space.name}{list(code.space.shape)}.")

    def code(self, values: Tensor, space: str | None = None) -> Code:
        """Wraps raw values `(B, *shape)` as codes of one of this model's spaces (by name; the first without one)."""
        return Code(values, self.space if space is None else self.space_named(space))

    def space_named(self, name: str) -> LatentSpace:
        """The space of that name. Raises SpaceError naming the ones there are."""
        for space in self.spaces:
            if space.name == name:
                return space
        raise SpaceError(f"'{self.card.name}' has no space '{name}'. It has: {', '.join(s.name for s in self.spaces) or 'none'}.")

    def need(self, part: str) -> Any:
        """The part of that name. Raises CapabilityError when the model lacks it."""
        found = getattr(self, part)
        if found is None:
            raise CapabilityError(f"'{self.card.name}' has no {part}; it has {', '.join(self.parts) or 'no parts'}.")
        return found

    def __repr__(self) -> str:
        spaces = ", ".join(f"{s.name}{list(s.shape)}" for s in self.spaces) or "no latent space"
        return f"Model({self.card.name}: {spaces}; {', '.join(self.parts)})"
