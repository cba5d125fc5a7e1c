"""A picture in words: what the judge sees in it, and the training picture nearest to its code."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from explorer.core.model import Model
from explorer.core.space import Code
from explorer.data.catalogue import DATASETS
from explorer.render import from_pixels
from explorer.studio.studio import Studio

__all__ = ["Description", "attributes", "describe"]


@dataclass(frozen=True)
class Description:
    """What can be said of one picture.

    Args:
        text: one sentence, the picture's text alternative.
        attributes: the judge's class for each of its questions that can be seen; empty without a judge.
        nearest: row, latent distance and labels of the nearest atlas code, or None without an atlas.
        strangeness: the share of atlas codes that lie closer to their own nearest neighbour, in [0, 1], or None.
    """

    text: str
    attributes: dict[str, str]
    nearest: dict[str, Any] | None
    strangeness: float | None


def describe(studio: Studio, name: str, code: Code, pixels: np.ndarray) -> Description:
    """Describes the picture `(H, W, C)` that model `name` drew for `code` (a batch of one)."""
    judge, data = studio.judge(name), studio.model(name).card.data.get("name", "")
    seen = attributes(judge, pixels[None], data)[0] if judge is not None else {}
    atlas = studio.atlas(name)
    if atlas is None or atlas.nothing:
        return Description(_sentence(seen), seen, None, None)
    flat = code.values.flatten(1).cpu()
    row, distance = atlas.nearest(flat[0])
    nearest = {"row": row, "distance": distance, "labels": atlas.described(row)}
    strangeness = float(next(iter(atlas.layouts.values())).strangeness(flat)[0]) if atlas.layouts else None
    return Description(_sentence(seen), seen, nearest, strangeness)


@torch.inference_mode()
def attributes(judge: Model, pixels: np.ndarray, data: str) -> list[dict[str, str]]:
    """For pictures `(B, H, W, C)`, the judge's class for each question that the dataset says can be seen."""
    classifier = judge.need("classifier")
    answers = {question: scores.argmax(dim=1).tolist() for question, scores in classifier.logits(from_pixels(pixels)).items()}
    rows = np.array(list(answers.values())).T
    dataset = DATASETS.get(data)
    seen = dataset.visible(rows) if dataset is not None else np.ones(rows.shape, dtype=bool)
    names = list(answers)
    return [{q: classifier.questions[q][int(row[k])] for k, q in enumerate(names) if shown[k]} for row, shown in zip(rows, seen)]


def _sentence(seen: dict[str, str]) -> str:
    """As in "Generated picture: skin pale, hair color red." """
    if not seen:
        return "Generated picture."
    return "Generated picture: " + ", ".join(f"{question.replace('_', ' ')} {answer}" for question, answer in seen.items()) + "."
