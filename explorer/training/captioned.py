"""Measures a model that draws from captions: whether its pictures show what was said, and how near they are to the data."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.core.model import Model
from explorer.data.dataset import Captioned
from explorer.methods.measure import attributes, frechet
from explorer.models.told import Told

__all__ = ["GUIDANCES", "agreement", "best_guidance", "drawn", "of_captioned"]

BATCH = 64
CAPTIONS, SAMPLES = 1_000, 5_000
TRIED = 200  # captions on which guidance is chosen
SEED, TRIED_SEED, SAMPLE_SEED = 21, 22, 23
GUIDANCES = (1.0, 1.5, 2.0, 3.0, 4.0)


@torch.inference_mode()
def drawn(generator: Told, captions: list[str], *, seed: int) -> Tensor:
    """One picture a caption `(n, C, H, W)`, the noise of each from its place and the seed."""
    noise = generator.space.sample(len(captions), seed).values
    return torch.cat([generator.drawn(captions[i : i + BATCH], noise[i : i + BATCH]) for i in range(0, len(captions), BATCH)])


def agreement(generator: Told, judge: Model, data: Captioned, *, rows: np.ndarray, seed: int) -> dict[str, float]:
    """For each attribute, the share of captions naming it under which `judge` finds what was said; an attribute that none names is left out."""
    said, named = data.captions(rows, seed), data.told(rows, seed)
    found = attributes.named(judge.need("classifier"), drawn(generator, said, seed=seed))
    right = found == rows[:, : found.shape[1]]
    return {q: float(right[named[:, k], k].mean()) for k, q in enumerate(judge.need("classifier").questions) if named[:, k].any()}


def best_guidance(generator: Told, judge: Model, data: Captioned, *, captions: int = TRIED) -> tuple[float, dict[str, float]]:
    """The guidance under which most of what is said is drawn, on captions of its own, and the mean agreement at each that was tried."""
    rows = data.sample(captions, TRIED_SEED)
    found = {}
    for guidance in GUIDANCES:
        shares = agreement(generator.guided(guidance), judge, data, rows=rows, seed=TRIED_SEED)
        found[f"{guidance:g}"] = sum(shares.values()) / len(shares)
    best = max(found.values())
    return next(guidance for guidance in GUIDANCES if found[f"{guidance:g}"] >= best - 0.005), found


def of_captioned(model: Model, judge: Model, data: Captioned, *, x: Tensor, captions: int = CAPTIONS, samples: int = SAMPLES) -> dict[str, Any]:
    """The figures of a generator told by captions, beside held-out pictures `x`, at the guidance that its card names."""
    generator = model.need("generator")
    shares = agreement(generator, judge, data, rows=data.split("held-out")[:captions], seed=SEED)
    rows = data.sample(samples, SAMPLE_SEED)
    pictures = drawn(generator, data.captions(rows, SAMPLE_SEED), seed=SAMPLE_SEED)
    features = judge.need("features")
    real = frechet.described(features, x)
    return {
        "agreement": shares,
        "agreement_mean": sum(shares.values()) / len(shares),
        "frechet": {"samples": frechet.distance(frechet.described(features, pictures), real), "real_halves": frechet.distance(real[::2], real[1::2])},
        "how": (
            f"agreement: share of {captions} captions of held-out rows of '{model.card.data['name']}' naming an attribute under which "
            f"'{judge.card.name}' finds it in what is drawn, {generator.steps} steps of {generator.solver}, guidance {generator.guidance:g} (chosen on {TRIED} other captions), "
            f"weights as stored. frechet: {samples} pictures of captions, in the features of '{judge.card.name}', against {len(x)} held-out pictures; "
            "real_halves is the same between two halves of those."
        ),
    }
