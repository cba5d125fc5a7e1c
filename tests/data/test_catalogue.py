import numpy as np
import pytest

from explorer.core.errors import DataError
from explorer.data.catalogue import DATASETS, dataset


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_offers_what_the_protocol_says(name):
    data = dataset(name)
    rows = data.sample(20, 0)
    assert rows.shape[0] == 20 and rows.shape[1] >= len(data.FACTORS) and np.issubdtype(rows.dtype, np.integer)
    assert data.visible(rows).shape == (20, len(data.FACTORS))
    assert all((rows[:, k] >= 0).all() and (rows[:, k] < len(factor.classes)).all() for k, factor in enumerate(data.FACTORS))
    assert len(data.captions(rows, 0)) == 20 and max(len(sentence.split()) for sentence in data.captions(rows, 0)) <= 28
    assert len(data.SHAPE) == 3 and data.VERSION >= 1 and data.LICENCE and data.CREDITS
    assert len(data.split("train")) > len(data.split("held-out")) > 1_000


def test_an_unknown_dataset_lists_the_known_ones():
    with pytest.raises(DataError, match="No dataset 'faces'. Known: avatars, avatars-correlated, digits, sprites."):
        dataset("faces")
