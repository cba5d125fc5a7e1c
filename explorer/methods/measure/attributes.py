"""What a judge reads off pictures, and how that compares with the truth and with how common each class should be."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from explorer.core.model import Classifier

__all__ = ["agreement", "named", "rarity"]

BATCH = 256


@torch.inference_mode()
def named(judge: Classifier, pictures: Tensor) -> np.ndarray:
    """The class the judge names for each of its K questions: `(B, C, H, W)` in [-1, 1] to `(B, K)` int64."""
    scores = [judge.logits(x) for x in pictures.split(BATCH)]
    return np.stack([torch.cat([s[question] for s in scores]).argmax(dim=1).numpy() for question in judge.questions], axis=1)


def agreement(said: np.ndarray, true: np.ndarray, seen: np.ndarray, questions: Iterable[str]) -> dict[str, float]:
    """For each question the share of pictures that show it in which the judge is right; all arrays `(B, K)`."""
    return {question: float((said[:, k] == true[:, k])[seen[:, k]].mean()) for k, question in enumerate(questions)}


def rarity(
    said: np.ndarray, said_seen: np.ndarray, true: np.ndarray, true_seen: np.ndarray, *, classes: Mapping[str, tuple[str, ...]]
) -> dict[str, dict[str, float]]:
    """For each question and class: its frequency among pictures, over its frequency in the data; 1 is as it should be.

    Args:
        said, true: class indices `(B, K)` of the pictures and `(N, K)` of the data.
        said_seen, true_seen: which of them can be seen, by the same rule. What is hidden is left out of both frequencies.
    """
    ratios = {}
    for k, (question, names) in enumerate(classes.items()):
        shown = _frequencies(said[said_seen[:, k], k], len(names))
        expected = _frequencies(true[true_seen[:, k], k], len(names))
        ratios[question] = {name: float(a / b) for name, a, b in zip(names, shown, expected) if b > 0}
    return ratios


def _frequencies(values: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(values, minlength=classes) / max(1, len(values))
