"""The figures of a prototype classifier on pictures it has not seen, for its card."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer import render
from explorer.core.errors import DataError
from explorer.core.model import Model
from explorer.core.prototypes import matches
from explorer.data.catalogue import dataset
from explorer.data.evidence import column_of, location
from explorer.data.store import pictures
from explorer.methods.prototypes import quality

__all__ = ["of", "purity_of"]

TOGETHER = 100


def of(model: Model, question: str, *, compared: Model | None, told: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Accuracy beside that of the black box; of prototypes how many there are, how many count, and how pure they are where that is known."""
    name = model.card.data["name"]
    data = dataset(name)
    rows, pixels = pictures(name, "held-out")
    column = column_of(data, question)
    seen = data.visible(rows)[:, column].nonzero()[0]
    labels = torch.from_numpy(rows[seen, column])
    totals = _answers(model, question, pixels, seen)
    found: dict[str, Any] = {"accuracy": _right(totals, labels), "held_out_pictures": len(seen)}
    how = f"accuracy: share of right answers about '{question}' on {len(seen)} held-out pictures of '{name}'."
    if compared is not None:
        found["accuracy_black_box"] = _right(_answers(compared, question, pixels, seen), labels)
        how += f" accuracy_black_box: of '{compared.card.name}' on the same."
    parts = model.prototypes
    if parts is not None:
        found |= {
            "prototypes": len(parts.prototypes),
            "compactness": quality.compactness(parts.head),
            "stages": {k: dict(v) for k, v in told.items()},
        }
        how += " compactness: how many prototypes have a weight, in all and a class. stages: what each stage had to say, on training pictures."
        if parts.local:
            scores, cells, grid = _matched(parts, pixels, seen)
            try:
                found["purity"] = purity_of(data, rows[seen], question, scores=scores, cells=cells, grid=grid)
                how += f" purity: {quality.HOW_PURE}"
            except DataError:
                how += " purity: nobody knows where the evidence is."
    return {**found, "how": how}


@torch.inference_mode()
def _answers(model: Model, question: str, pixels: np.ndarray, seen: np.ndarray) -> Tensor:
    pieces = np.array_split(seen, max(1, len(seen) // TOGETHER))
    return torch.cat([model.classifier.logits(render.from_pixels(pixels[piece]))[question] for piece in pieces])


def _right(totals: Tensor, labels: Tensor) -> float:
    return float((totals.argmax(dim=1) == labels).float().mean())


@torch.inference_mode()
def _matched(parts: Any, pixels: np.ndarray, seen: np.ndarray) -> tuple[Tensor, Tensor, tuple[int, int]]:
    scores, cells = [], []
    for piece in np.array_split(seen, max(1, len(seen) // TOGETHER)):
        found = matches(parts.similarities(parts.described(render.from_pixels(pixels[piece]))))
        scores, cells = [*scores, found.scores], [*cells, found.cells]
    return torch.cat(scores), torch.cat(cells), tuple(found.maps.shape[2:])


def purity_of(data: Any, rows: np.ndarray, question: str, *, scores: Tensor, cells: Tensor, grid: tuple[int, int]) -> dict[str, Any]:
    """The purity of every prototype on pictures of `rows`, and that of patches anywhere; only the most similar pictures are drawn again."""
    top = scores.topk(min(quality.TOP, len(scores)), dim=0).indices.T  # (P, k)
    needed, place = np.unique(top.numpy(), return_inverse=True)
    masks = torch.from_numpy(location(data, rows[needed], question))
    place = torch.from_numpy(place.reshape(top.shape))
    best = cells[top, torch.arange(len(top))[:, None]]  # (P, k, 2)
    purities = [float(quality.hits(masks[place[j]], best[j], grid).float().mean()) for j in range(len(top))]
    return {
        "median": float(np.median(purities)), "mean": float(np.mean(purities)), "least": float(np.min(purities)),
        "anywhere": quality.purity_anywhere(masks, grid), "each": [round(p, 3) for p in purities],
    }  # fmt: skip
