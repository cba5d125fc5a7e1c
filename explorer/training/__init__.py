"""Making the bundled checkpoints."""

from explorer.training.named import train
from explorer.training.recipes import RECIPES

__all__ = ["RECIPES", "train"]
