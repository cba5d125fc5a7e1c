"""The same faces as `avatars`, but sunglasses and full beards go together or stay away together in 85 % of them.

For methods that claim to tell apart what the data ties together.
"""

import numpy as np

from explorer.data import avatars
from explorer.data.avatars import CREDITS, FACTORS, LICENCE, SHAPE, VERSION, captions, render, told, visible
from explorer.data.avatars import sample_correlated as sample
from explorer.data.dataset import Part

__all__ = ["CREDITS", "FACTORS", "LICENCE", "SHAPE", "VERSION", "captions", "render", "sample", "split", "told", "visible"]


def split(part: Part) -> np.ndarray:
    """The rows of one part, drawn like those of `avatars`."""
    return avatars.parted(part, sample)
