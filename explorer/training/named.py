"""One door to every recipe: `train` finds it by its name."""

from collections.abc import Callable
from pathlib import Path

from explorer.core.errors import DataError
from explorer.core.progress import Progress
from explorer.training import prototypes, recipes

__all__ = ["train"]


def train(
    name: str,
    *,
    folder: Path,
    report: Callable[[Progress], None],
    stop: Callable[[], bool] = lambda: False,
    steps: int | None = None,
    seed: int = 0,
) -> Path:
    """Makes the checkpoint of that name in `folder`; see `recipes.train`, or `prototypes.train` for prototype classifiers.

    Raises:
        DataError: there is no recipe of that name, or its data cannot be had.
        Stopped: as asked.
    """
    for known in (recipes, prototypes):
        if name in known.RECIPES:
            return known.train(name, folder=folder, report=report, stop=stop, steps=steps, seed=seed)
    raise DataError(f"No recipe '{name}'. Known: {', '.join([*recipes.RECIPES, *prototypes.RECIPES])}.")
