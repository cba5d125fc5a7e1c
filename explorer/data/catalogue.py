"""The one table from a dataset's name to its module."""

from explorer.core.errors import DataError
from explorer.data import avatars, avatars_correlated, digits
from explorer.data.dataset import Dataset

__all__ = ["DATASETS", "dataset"]

DATASETS: dict[str, Dataset] = {"avatars": avatars, "avatars-correlated": avatars_correlated, "digits": digits}


def dataset(name: str) -> Dataset:
    """The dataset of that name. Raises DataError naming the ones there are."""
    if name not in DATASETS:
        raise DataError(f"No dataset '{name}'. Known: {', '.join(DATASETS)}.")
    return DATASETS[name]
