"""Making, writing and reading atlases: `NAME.atlas.safetensors` and `NAME.thumbs.webp` beside a checkpoint.

The file is a safetensors file like a checkpoint, with the same checks before anything is read. It holds codes and variances
(float16; the codes of large atlases float32, so that they are mapped into memory and not copied), labels (uint8, 255 where
something cannot be seen), the places of each map and what was measured of each place, and in its header what they are.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer import checkpoints, render
from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError, CheckpointError, ExplorerError
from explorer.core.layout import Layout
from explorer.core.model import Card, Model
from explorer.core.progress import Progress
from explorer.data.catalogue import dataset
from explorer.data.dataset import Dataset
from explorer.data.store import pictures
from explorer.methods.maps import trust
from explorer.methods.measure import attributes
from explorer.methods.measure.activity import AxisReport, activity
from explorer.methods.measure.correlation import gaussian_total_correlation

__all__ = ["SUFFIX", "atlas", "beside", "build", "file_of", "read", "write"]

SUFFIX = ".atlas.safetensors"
THUMBS = ".thumbs.webp"
ABOUT = "latent-explorer-atlas"  # the key of the description among the header's metadata
KINDS = {"model": str, "weights": str, "space": str, "classes": dict, "layouts": dict, "axes": list, "about": dict}
MAPPED = 100_000  # codes, above which they are stored as they are computed with
HIDDEN = 255  # the label of what cannot be seen
THUMB, THUMBS_A_ROW = 32, 100
THUMB_QUALITY = 60
MOST_THUMBS = THUMBS_A_ROW * (16_383 // THUMB)  # a WebP picture has at most 16,383 rows
BATCH = 256


def file_of(checkpoint: Path) -> Path:
    """Where the atlas of a checkpoint's file is expected: beside it."""
    return checkpoint.with_name(checkpoint.name.removesuffix(checkpoints.SUFFIX) + SUFFIX)


def beside(checkpoint: Path, model: Model) -> Atlas | None:
    """The atlas of a model that was loaded from that file, or None where there is no atlas. Raises CheckpointError as `read` does."""
    file = file_of(checkpoint)
    return read(file, model.card) if file.is_file() else None


def atlas(name_or_path: str | Path) -> Atlas:
    """The atlas of a bundled model's name, or of a checkpoint's path. Raises CheckpointError where there is none."""
    return read(file_of(checkpoints.find(name_or_path)), checkpoints.read(name_or_path))


def build(
    model: Model,
    data: str | Dataset,
    *,
    folder: Path,
    n: int = 10_000,
    seed: int = 0,
    layouts: Sequence[str] = ("pca", "umap"),
    judge: Model | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Path:
    """Encodes `n` training pictures of a dataset (all, where there are fewer), fits the maps and writes the atlas; returns its file.

    For a model without an encoder the codes are `n` draws from its prior, brought to its workspace, and the labels are what the
    judge says of the pictures: `judge`, or without it the bundled one that the card names.
    """
    began, stages = time.monotonic(), len(layouts) + 2

    def tell(stage: int) -> None:
        report(Progress(stage, stages, {}, (time.monotonic() - began) / 60))

    known = _drawn(model, judge, data, n, seed) if model.encoder is None else _encoded(model, data, n, seed)
    tell(1)
    maps = {}
    for name in layouts:
        maps[name] = _fitted(name, known.codes, seed)
        tell(1 + len(maps))
    thumbs = _thumbnails(known.pixels, folder / f"{model.card.name}{THUMBS}")
    made = Atlas(
        model=model.card.name, weights=model.card.weights, space=known.space, codes=known.codes, variance=known.variance, labels=known.labels,
        classes=known.classes, layouts=maps, axes=known.axes, thumbnails=thumbs, about=known.about,
    )  # fmt: skip
    file = write(made, folder)
    tell(stages)
    return file


@dataclass(frozen=True, eq=False)
class _Known:
    """What an atlas says of its codes; the fields are those of `Atlas`, and the pictures `(n, H, W, C)` as pixels."""

    space: str
    codes: Tensor
    variance: Tensor | None
    pixels: np.ndarray
    labels: dict[str, Tensor]
    classes: dict[str, tuple[str, ...]]
    axes: tuple[dict[str, Any], ...]
    about: dict[str, Any]


def _encoded(model: Model, data: str | Dataset, n: int, seed: int) -> _Known:
    """Codes of training pictures, with the pictures' true labels."""
    rows, pixels = _chosen(data, n, seed)
    mean, variance = (values.half().float() for values in _posteriors(model, pixels))  # as they will be read back
    axes = activity(mean, variance.clamp_min(1e-7), decode=lambda z: model.need("generator").decode(model.code(z)), seed=seed)
    labels, classes = _labels(dataset(data), rows)
    about = _about(_name(model, data), len(rows), seed, mean=mean, used=[axis.state != "passive" for axis in axes])
    return _Known(model.space.name, mean, variance, pixels, labels, classes, tuple(axis.to_dict() for axis in axes), about)


@torch.inference_mode()
def _drawn(model: Model, judge: Model | None, data: str | Dataset, n: int, seed: int) -> _Known:
    """Codes of draws from the prior, labelled by the judge. Raises CapabilityError for a model whose card names no judge."""
    if judge is None and not model.card.data.get("judge"):
        raise CapabilityError(f"'{model.card.name}' has no encoder, and its card names no judge: nothing says what its pictures show.")
    judge = judge or checkpoints.load(model.card.data["judge"])
    codes = model.working(model.space.sample(n, seed)).values.half().float()  # as they will be read back
    pieces = [model.need("generator").decode(model.code(piece, model.workspace.name)) for piece in codes.split(BATCH)]
    said = attributes.named(judge.need("classifier"), torch.cat(pieces))
    seen = dataset(data).visible(said)
    classes = {question: tuple(names) for question, names in judge.need("classifier").questions.items()}
    labels = {question: torch.from_numpy(np.where(seen[:, k], said[:, k], -1)) for k, question in enumerate(classes)}
    about = {
        "codes": f"{model.workspace.name} of {n} draws from the prior; the labels are what '{judge.card.name}' says of the pictures drawn from them.",
        "data": _name(model, data),
        "seed": seed,
        "total_correlation_of_means_nats": gaussian_total_correlation(codes.flatten(1)),
    }
    return _Known(model.workspace.name, codes.flatten(1), None, np.concatenate([render.to_pixels(x) for x in pieces]), labels, classes, (), about)


def _name(model: Model, data: str | Dataset) -> str:
    return data if isinstance(data, str) else model.card.data["name"]


def _chosen(data: str | Dataset, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and pixels of `n` training pictures."""
    rows, pixels = pictures(data, "train")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:n])
    return rows[chosen], pixels[chosen]


@torch.inference_mode()
def _posteriors(model: Model, pixels: np.ndarray) -> tuple[Tensor, Tensor]:
    """Flat means and variances `(n, D)` of the codes of pictures `(n, H, W, C)`."""
    found = [model.need("encoder").posterior(render.from_pixels(pixels[i : i + BATCH])) for i in range(0, len(pixels), BATCH)]
    return torch.cat([p.mean.flatten(1) for p in found]), torch.cat([p.variance.flatten(1) for p in found])


def _fitted(name: str, codes: Tensor, seed: int) -> Layout:
    """The map of that name, every place of it measured. Raises CheckpointError for an unknown one."""
    if name == "pca":
        from explorer.methods.maps import pca

        return trust.judged(pca.fit(codes))
    if name == "umap":
        from explorer.methods.maps import umap  # slow to import

        with umap.Worker() as worker:
            return trust.judged(umap.fit(codes, seed=seed, worker=worker), worker=worker)
    raise CheckpointError(f"No map '{name}'. Known: pca, umap.")


def _thumbnails(pixels: np.ndarray, file: Path) -> Path | None:
    """Writes the sprite of pictures; none of more than one WebP picture can hold: those are then drawn one by one."""
    if len(pixels) > MOST_THUMBS:
        file.unlink(missing_ok=True)
        return None
    file.write_bytes(sprite(pixels))
    return file


def sprite(pixels: np.ndarray) -> bytes:
    """Pictures `(n, H, W, C)` shrunk to 32 px, 100 a row, as one WebP file."""
    batches = (render.from_pixels(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH))
    small = [render.to_pixels(F.adaptive_avg_pool2d(x, THUMB)) for x in batches]
    return render.encode(render.grid(np.concatenate(small), THUMBS_A_ROW), "webp", quality=THUMB_QUALITY)


def _labels(data: Dataset, rows: np.ndarray) -> tuple[dict[str, Tensor], dict[str, tuple[str, ...]]]:
    """The true classes of each factor, -1 where they cannot be seen, and the names of the classes."""
    factors, seen = data.FACTORS, data.visible(rows)
    labels = {factor.name: torch.from_numpy(np.where(seen[:, k], rows[:, k], -1)) for k, factor in enumerate(factors)}
    return labels, {factor.name: factor.classes for factor in factors}


def _about(name: str, n: int, seed: int, *, mean: Tensor, used: list[bool]) -> dict[str, Any]:
    """Where the codes are from, and how far from independent they are."""
    return {
        "codes": f"Means and variances of q(z|x) for {n} training pictures of '{name}'; the labels are the pictures' true attributes.",
        "data": name,
        "seed": seed,
        "total_correlation_of_means_nats": gaussian_total_correlation(mean),
        "total_correlation_of_means_without_passive_nats": gaussian_total_correlation(mean[:, torch.tensor(used)]),
    }


def write(atlas: Atlas, folder: Path) -> Path:
    """Writes an atlas into `folder` (not its thumbnails, which are a file of their own); returns the file."""
    file = folder / f"{atlas.model}{SUFFIX}"
    tensors = {"codes": atlas.codes.half() if len(atlas) <= MAPPED else atlas.codes.float().contiguous()}
    if atlas.variance is not None:
        tensors["variance"] = atlas.variance.half()
    for name, values in atlas.labels.items():
        tensors[f"labels.{name}"] = torch.where(values < 0, HIDDEN, values).to(torch.uint8)
    for name, layout in atlas.layouts.items():
        parts = {"xy": layout.xy, "axes": layout.axes, "centre": layout.centre}
        tensors |= {f"layouts.{name}.{part}": values.float().contiguous() for part, values in parts.items() if values is not None}
        tensors |= {f"layouts.{name}.local.{measure}": shares.contiguous() for measure, shares in layout.local.items()}
    described = {
        "model": atlas.model, "weights": atlas.weights, "space": atlas.space,
        "classes": {name: list(classes) for name, classes in atlas.classes.items()},
        "layouts": {name: layout.honesty for name, layout in atlas.layouts.items()}, "axes": list(atlas.axes), "about": dict(atlas.about),
    }  # fmt: skip
    checkpoints.write(file, tensors, {ABOUT: json.dumps(described)})
    return file


def read(file: Path, card: Card | None = None) -> Atlas:
    """Reads an atlas; the tensors are mapped into memory, not copied, where their type allows.

    Args:
        card: of the model it must belong to; its weights have to be those the codes were made with.

    Raises:
        CheckpointError: no such file, not an atlas, parts missing, or made with other weights.
    """
    if not file.is_file():
        raise CheckpointError(f"There is no atlas '{file.name}' in '{file.parent}'. `explorer atlas` makes one.")
    described = _described(file, checkpoints.read_header(file))
    if card is not None and described["weights"] != card.weights:
        raise CheckpointError(
            f"'{file.name}' was made with weights {described['weights'][:12]}…, but '{card.name}' has {card.weights[:12]}…. "
            f"`explorer atlas {card.name}` makes it again."
        )
    try:
        return _assembled(file, described, checkpoints.tensors(file))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ExplorerError) as error:
        raise CheckpointError(f"'{file.name}' does not hold what its header says: {error}.") from error


def _described(file: Path, header: checkpoints.Header) -> dict[str, Any]:
    """What the header says, with every part that an atlas needs."""
    if ABOUT not in header.metadata:
        found = ", ".join(header.metadata) or "no metadata"
        raise CheckpointError(f"'{file.name}' is not an atlas: expected '{ABOUT}' in its metadata, got {found}.")
    try:
        described = json.loads(header.metadata[ABOUT])
        missing = {"model", "weights", "space", "classes", "layouts", "axes", "about"} - set(described)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"The description in '{file.name}' cannot be read: {error}.") from error
    if not all(isinstance(described[name], kind) for name, kind in KINDS.items() if name in described):
        raise CheckpointError(f"The description in '{file.name}' has fields of the wrong kind.")
    if missing or "codes" not in header.tensors:
        raise CheckpointError(f"The atlas '{file.name}' lacks {', '.join(sorted(missing) or ['its codes'])}.")
    return described


def _assembled(file: Path, described: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Atlas:
    codes = tensors["codes"].float()
    axes = tuple(described["axes"])
    if axes and [AxisReport.from_dict(axis).axis for axis in axes] != list(range(codes.shape[1])):
        raise CheckpointError(f"'{file.name}' describes {len(axes)} axes, its codes have {codes.shape[1]}.")
    labels = {name: tensors[f"labels.{name}"].long() for name in described["classes"]}
    thumbs = file.with_name(file.name.removesuffix(SUFFIX) + THUMBS)
    for name, values in labels.items():
        if len(values) and int(torch.where(values == HIDDEN, 0, values).max()) >= len(described["classes"][name]):
            raise CheckpointError(f"'{file.name}' has labels of '{name}' without a class of that number.")
    return Atlas(
        model=described["model"], weights=described["weights"], space=described["space"], codes=codes,
        variance=tensors["variance"].float() if "variance" in tensors else None,
        labels={name: torch.where(values == HIDDEN, -1, values) for name, values in labels.items()},
        classes={name: tuple(classes) for name, classes in described["classes"].items()},
        layouts={name: _layout(name, codes, tensors, honesty) for name, honesty in described["layouts"].items()},
        axes=axes, thumbnails=thumbs if thumbs.exists() else None, about=described["about"],
    )  # fmt: skip


def _layout(name: str, codes: Tensor, tensors: Mapping[str, Tensor], honesty: dict[str, Any]) -> Layout:
    part = {part: tensors.get(f"layouts.{name}.{part}") for part in ("axes", "centre")}
    local = {measure: tensors[key] for measure in trust.MEASURES if (key := f"layouts.{name}.local.{measure}") in tensors}
    return Layout(name, tensors[f"layouts.{name}.xy"], codes, axes=part["axes"], centre=part["centre"], honesty=honesty, local=local)
