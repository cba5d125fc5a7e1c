"""One door to every recipe: `train` finds it by its name."""

from pathlib import Path
from typing import Any

from explorer.core.errors import DataError
from explorer.training import prototypes, recipes

__all__ = ["train"]


def train(name: str, **options: Any) -> Path:
    """Makes the checkpoint of that name; the options are those of `recipes.train`, or for prototype classifiers of `prototypes.train`.

    Raises:
        DataError: there is no recipe of that name, or its data cannot be had.
        Stopped: as asked.
    """
    for known in (recipes, prototypes):
        if name in known.RECIPES:
            return known.train(name, **options)
    raise DataError(f"No recipe '{name}'. Known: {', '.join([*recipes.RECIPES, *prototypes.RECIPES])}.")
