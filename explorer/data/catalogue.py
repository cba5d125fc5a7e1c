"""The one table from a dataset's name to its module."""

from explorer.core.errors import DataError
from explorer.data import avatars, avatars_correlated, digits, sprites
from explorer.data.dataset import Captioned, Dataset, Grid

__all__ = ["CAPTIONED", "DATASETS", "GRIDS", "dataset"]

DATASETS: dict[str, Dataset] = {"avatars": avatars, "avatars-correlated": avatars_correlated, "digits": digits, "sprites": sprites}
GRIDS: dict[str, Grid] = {"sprites": sprites}
CAPTIONED: dict[str, Captioned] = {"avatars": avatars, "avatars-correlated": avatars_correlated}


def dataset(name: str | Dataset) -> Dataset:
    """The dataset of that name; one that is handed in comes back. Raises DataError naming the ones there are."""
    if not isinstance(name, str):
        return name
    if name not in DATASETS:
        raise DataError(f"No dataset '{name}'. Known: {', '.join(DATASETS)}.")
    return DATASETS[name]
