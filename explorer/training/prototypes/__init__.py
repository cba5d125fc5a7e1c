"""Training of prototype classifiers: stages, projection, and the recipes."""

from explorer.training.prototypes.recipes import RECIPES, PrototypeRecipe, follow, train

__all__ = ["RECIPES", "PrototypeRecipe", "follow", "train"]
