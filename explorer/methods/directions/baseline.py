"""The controls that every method is compared with: random directions, and the coordinates themselves."""

import torch

from explorer.core.direction import Direction, Straight
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace

__all__ = ["coordinates", "random"]


def random(space: LatentSpace, count: int, *, seed: int) -> list[Direction]:
    """`count` directions drawn evenly from the sphere, orthogonal to each other. Raises DataError for more than there are coordinates."""
    if not 1 <= count <= space.size:
        raise DataError(f"Space '{space.name}' has room for 1 to {space.size} orthogonal directions, got {count}.")
    drawn = torch.linalg.qr(torch.randn(space.size, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q.T.float()
    return [Direction(f"random {k + 1}", "random", space, Straight(vector), settings={"seed": seed}) for k, vector in enumerate(drawn)]


def coordinates(space: LatentSpace) -> list[Direction]:
    """One direction an axis."""
    return [Direction(name, "coordinate", space, Straight(vector)) for name, vector in zip(space.axes, torch.eye(space.size))]
