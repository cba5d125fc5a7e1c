"""Making the bundled checkpoints."""

from explorer.training.recipes import RECIPES, train

__all__ = ["RECIPES", "train"]
