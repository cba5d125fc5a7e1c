"""Measures a trained model on pictures it has not seen; the figures go into its card."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from explorer import render
from explorer.core.model import Generator, Model
from explorer.core.space import Code
from explorer.data.dataset import Dataset, Grid
from explorer.methods.measure import attributes, frechet, mig
from explorer.methods.measure.activity import activity
from explorer.training.vae import psnr

__all__ = ["decoded", "multiply_adds", "of_autoencoder", "of_gan", "of_grid", "of_judge", "of_vae"]

BATCH = 256
SAMPLES = 5_000
SAMPLE_SEED = 1
POINTS, POINT_SEED = 10_000, 2  # of a grid
HOW_OWN = (
    "psnr_db: reconstruction from the posterior mean. axes: by the posterior variances (JMLR 24(324)). active_units: axes whose mean varies "
    "by more than 0.01. kl_nats: mean KL to the prior."
)


def of_judge(model: Model, data: Dataset, *, rows: np.ndarray, x: Tensor) -> dict[str, Any]:
    """A judge's accuracy, a question, on pictures `x` `(B, C, H, W)` of dataset `data` and their `rows`."""
    classifier = model.need("classifier")
    accuracy = attributes.agreement(attributes.named(classifier, x), rows, data.visible(rows), classifier.questions)
    return {
        "accuracy": accuracy,
        "accuracy_least": min(accuracy.values()),
        "how": f"share of right answers on {len(x)} held-out pictures of '{model.card.data['name']}', among those that show what is asked",
    }


def of_vae(model: Model, judge: Model, data: Dataset, *, rows: np.ndarray, x: Tensor, samples: int = SAMPLES) -> dict[str, Any]:
    """An autoencoder's figures on pictures `x` of dataset `data` and their `rows`, and on samples of its prior, as `judge` sees them."""
    mean, variance = _posteriors(model, x)
    again = decoded(model, Code(mean, model.space))
    drawn = decoded(model, model.space.sample(samples, SAMPLE_SEED))
    return {
        **_own(model, x, again, mean=mean, variance=variance),
        **_agreement(again, judge, rows, data),
        **_rarity(drawn, judge, data),
        "frechet": _distances(judge, x, samples=drawn, reconstructions=again),
        "how": _how(model.card.data["name"], judge.card.name, len(x), samples),
    }


def of_autoencoder(model: Model, *, x: Tensor) -> dict[str, Any]:
    """An autoencoder's figures on pictures `x` of which nobody says what they show."""
    mean, variance = _posteriors(model, x)
    how = f"On {len(x)} held-out pictures of '{model.card.data['name']}', weights as stored. {HOW_OWN}"
    return {**_own(model, x, decoded(model, Code(mean, model.space)), mean=mean, variance=variance), "how": how}


def of_grid(model: Model, grid: Grid, *, points: int = POINTS) -> dict[str, Any]:
    """Whether single coordinates of an encoder tell the factors of a grid, on that many pictures drawn from it."""
    rows = grid.sample(points, POINT_SEED)
    codes = torch.cat([_posteriors(model, render.from_pixels(grid.render(rows[i : i + BATCH])))[0] for i in range(0, points, BATCH)])
    found = mig.gap(codes, grid.exact(rows), sizes={factor.name: len(factor.classes) for factor in grid.GRID})
    how = (
        f"Mutual information gap of the posterior means of {points} pictures drawn evenly from the grid, {mig.BINS} equally wide bins a coordinate, "
        "factors as they are. ceiling: of a code that is the factors. low, high: 95 % interval. chance: the highest of 20 with shuffled factors. "
        "gaps: by factor. told: the share of each factor that its best coordinate tells."
    )
    return {"mig": {**found.to_dict(), "how": how}}


def _own(model: Model, x: Tensor, again: Tensor, *, mean: Tensor, variance: Tensor) -> dict[str, Any]:
    """What needs no judge: of pictures `x`, their codes and their reconstructions."""
    axes = activity(mean, variance)
    return {
        "psnr_db": psnr(float((again - x).square().mean())),
        "multiply_adds": multiply_adds(model.need("generator"), model.space.sample(1, 0)),
        "axes": {state: sum(report.state == state for report in axes) for state in ("active", "mixed", "passive")},
        "active_units": sum(report.unit for report in axes),
        "kl_nats": sum(report.kl for report in axes),
    }


def of_gan(model: Model, judge: Model, data: Dataset, *, x: Tensor, samples: int = SAMPLES) -> dict[str, Any]:
    """The figures of a generator without an encoder: on samples of its prior, against held-out pictures `x` of dataset `data`, as `judge` sees them."""
    drawn = decoded(model, model.space.sample(samples, SAMPLE_SEED))
    return {
        **_rarity(drawn, judge, data),
        "frechet": _distances(judge, x, samples=drawn),
        "multiply_adds": multiply_adds(model.need("generator"), model.space.sample(1, 0)),
        "how": (
            f"On {samples} samples of the prior (truncation 1) and {len(x)} held-out pictures of '{model.card.data['name']}', weights as stored. "
            + _how_judged(judge.card.name)
        ),
    }


def _agreement(again: Tensor, judge: Model, rows: np.ndarray, data: Dataset) -> dict[str, Any]:
    classifier = judge.need("classifier")
    shares = attributes.agreement(attributes.named(classifier, again), rows, data.visible(rows), classifier.questions)
    return {"agreement": shares, "agreement_mean": sum(shares.values()) / len(shares)}


def _rarity(drawn: Tensor, judge: Model, data: Dataset) -> dict[str, Any]:
    classifier, true = judge.need("classifier"), data.split("train")
    said = attributes.named(classifier, drawn)
    ratios = attributes.rarity(said, data.visible(said), true, data.visible(true), classes=classifier.questions)
    rarest = {question: min(by_class.values()) for question, by_class in ratios.items()}
    return {"rarest_class": rarest, "rarest_class_least": min(rarest.values())}


def _distances(judge: Model, x: Tensor, **others: Tensor) -> dict[str, float]:
    """How far other pictures, by name, are from real ones `x`, and two halves of `x` from each other."""
    features = judge.need("features")
    real = frechet.described(features, x)
    distances = {name: frechet.distance(frechet.described(features, pictures), real) for name, pictures in others.items()}
    return {**distances, "real_halves": frechet.distance(real[::2], real[1::2])}


def _how(name: str, judge: str, held_out: int, samples: int) -> str:
    return (
        f"On {held_out} held-out pictures of '{name}' and {samples} samples of the prior, weights as stored. {HOW_OWN} agreement: share in which '{judge}' finds the original's true attribute on the reconstruction, where it can be "
        f"seen. {_how_judged(judge)}"
    )


def _how_judged(judge: str) -> str:
    return (
        f"rarest_class: '{judge}' on the samples; of each attribute the class that is rarest against its frequency in the training "
        f"data, as a ratio (1 is as in the data). frechet: in the features of '{judge}', against the held-out pictures; real_halves is the "
        f"same between two halves of them."
    )


@torch.inference_mode()
def _posteriors(model: Model, x: Tensor) -> tuple[Tensor, Tensor]:
    """Means and variances `(B, D)` of the codes of pictures."""
    found = [model.need("encoder").posterior(piece) for piece in x.split(BATCH)]
    return torch.cat([p.mean for p in found]), torch.cat([p.variance for p in found])


@torch.inference_mode()
def decoded(model: Model, code: Code) -> Tensor:
    """The pictures of many codes."""
    generator = model.need("generator")
    return torch.cat([generator.decode(code[i : i + BATCH]) for i in range(0, len(code), BATCH)])


def multiply_adds(generator: Generator, code: Code) -> int:
    """The multiply-adds of decoding these codes."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        generator.decode(code)
    return counter.get_total_flops() // 2
