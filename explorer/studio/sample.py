"""Draws from the prior, many at a time."""

import torch

from explorer.core.errors import SessionError
from explorer.core.model import Model
from explorer.core.space import Code

__all__ = ["MOST", "seeds"]

MOST = 64


def seeds(model: Model, first: int, count: int, *, truncation: float = 1.0) -> Code:
    """The codes of the seeds `first, first + 1, …` in the workspace: each is what that seed alone gives, whatever its neighbours.

    Raises:
        SessionError: for fewer than 1 or more than 64 codes, or seeds outside [0, 2^32).
    """
    if not 1 <= count <= MOST:
        raise SessionError(f"A grid shows 1 to {MOST} draws, got {count}.")
    if not 0 <= first <= 2**32 - count:
        raise SessionError(f"Seeds are whole numbers from 0 to {2**32 - 1}, got {first}.")
    draws = [model.space.sample(1, first + i, truncation=truncation).values for i in range(count)]
    return model.working(Code(torch.cat(draws), model.space))
