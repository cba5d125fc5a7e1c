"""What a model says of itself before anything runs, as plain values for screens and for `explorer inspect --json`."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from explorer import atlases
from explorer.core.atlas import Atlas
from explorer.core.model import Card, Model, differentiable
from explorer.core.space import LatentSpace
from explorer.devices import free_memory
from explorer.studio import measured
from explorer.studio.blueprint import Blueprint, blueprint
from explorer.studio.studio import Studio

__all__ = ["about", "cover", "models", "passport", "why_not"]

PRIORS = {
    "normal": "standard normal: codes lie around zero, most of them about {radius:.2g} from it",
    "sphere": "evenly on a sphere of radius {radius:.2g}",
    "uniform": "evenly between -1 and 1 on every axis",
}
QUANTILES = ("low", "q05", "median", "q95", "high")  # 0.5, 5, 50, 95 and 99.5 %


def models(studio: Studio) -> list[dict[str, Any]]:
    """One line a model that can be opened; `why` says what keeps one from being traversed."""
    known = [
        {
            "name": name,
            "title": card.title,
            "family": card.family,
            "data": card.data.get("name", ""),
            "summary": _summary(card),
            "traversable": not why_not(card),
            "why": why_not(card),
        }
        for name, card in studio.cards.items()
    ]
    lost = [
        {"name": name, "title": name, "family": "unreadable", "data": "", "summary": "", "traversable": False, "why": why}
        for name, why in studio.unreadable.items()
    ]
    return sorted(known, key=lambda row: not row["traversable"]) + lost  # what can be opened comes first


def why_not(card: Card) -> str | None:
    """Why a model cannot be traversed, or None when it can."""
    if card.spaces and card.data.get("draws") is False:
        return "It finds codes of pictures and draws none."
    return None if card.spaces else "It judges pictures and draws none: there is no latent space to traverse."


def passport(studio: Studio, name: str) -> dict[str, Any]:
    """Everything the views need to know of a model: parts, space, axes, atlas, picture, and what the card tells."""
    model, atlas = studio.model(name), studio.atlas(name)
    card = model.card
    return {
        "name": name, "title": card.title, "family": card.family, "parts": list(model.parts), "space": _space(model),
        "axes": [_axis(axis) for axis in atlas.axes] if atlas else [], "atlas": _atlas(atlas) if atlas else None, "without_atlas": studio.open(name).without,
        "picture": _picture(model), "gradients": model.generator is not None and differentiable(model.generator), "licence": card.licence, "credits": card.credits, "quality": card.quality,
        "training": card.training, "data": card.data, "weights": card.weights,
    }  # fmt: skip


def about(studio: Studio, name: str) -> dict[str, Any]:
    """The passport of a model that need not be open: what its file says before any weight is read, and what is known of it here.

    Raises CheckpointError for an unknown name or a file that is broken.
    """
    file, card = studio.file(name), studio.cards[name]
    plan = _known(studio, name) if studio.holds(name) else blueprint(file, card)
    return {
        "name": name, "title": card.title, "family": card.family, "file": file.name, "why": why_not(card), "open": studio.holds(name),
        "parts": None if plan.parts is None else list(plan.parts), "picture": _sides(plan), "spaces": [_told(space) for space in card.latent_spaces],
        "parameters": plan.parameters, "memory": plan.memory or studio.weight(name), "free": free_memory(studio.device), "bytes": _bytes(file) if card.family != "class" or file.is_file() else None,
        "work": card.quality.get("multiply_adds", plan.work), "milliseconds": studio.engine.milliseconds(name),
        "licence": card.licence, "credits": card.credits, "weights": card.weights, "data": card.data, "training": card.training,
        "quality": measured.rows(card.quality), "conditions": measured.conditions(card.quality),
    }  # fmt: skip


def cover(studio: Studio, name: str) -> np.ndarray | None:
    """A small picture `(H, W, C)` of a model's own world, without loading it; None where there is none."""
    map_of = atlases.file_of(studio.file(name))
    thumbs = map_of.with_name(map_of.name.removesuffix(atlases.SUFFIX) + atlases.THUMBS)
    if not thumbs.is_file():
        return None
    return np.asarray(Image.open(thumbs).convert("RGB").crop((0, 0, 32, 32)))


def _known(studio: Studio, name: str) -> Blueprint:
    """What there is to know of a model in memory, whatever kind of file it came from."""
    model = studio.model(name)
    file = blueprint(studio.file(name), model.card)
    picture = model.generator.picture_shape if model.generator is not None else None
    return replace(file, parts=model.parts, picture=picture)


def _told(space: LatentSpace) -> dict[str, Any]:
    return {"name": space.name, "shape": list(space.shape), "size": space.size, "prior": space.prior, "words": _words(space)}


def _words(space: LatentSpace) -> str:
    return PRIORS.get(space.prior, space.prior).format(radius=math.sqrt(space.size))


def _sides(plan: Blueprint) -> dict[str, int] | None:
    return None if plan.picture is None else dict(zip(("channels", "height", "width"), plan.picture))


def _bytes(file: Path) -> int:
    """The size of a file, or of all files in a folder."""
    return sum(inner.stat().st_size for inner in file.rglob("*") if inner.is_file()) if file.is_dir() else file.stat().st_size


def _summary(card: Card) -> str:
    spaces = ", ".join(f"{s['name']} of {'×'.join(map(str, s['shape']))}" for s in card.spaces)
    return f"{card.data.get('name', 'data unknown')}; {spaces or 'no latent space'}"


def _space(model: Model) -> dict[str, Any] | None:
    if not model.spaces:
        return None
    space = model.workspace
    return {"name": space.name, "size": space.size, "shape": list(space.shape), "prior": space.prior, "axes": list(space.axes)}


def _axis(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a slider shows of one coordinate's report (`methods/measure/activity.py`)."""
    ends = {mode: dict(zip(QUANTILES, report[f"{mode}_quantiles"])) for mode in ("mean", "sampled")}
    return {
        "axis": report["axis"], "label": report["state"], "note": report["note"], "unsure": report["unsure"], "m": report["variance"],
        "s": report["wavering"], "kl": report["kl"], "activity": report["effect"], "disagree": report["disagree"], **ends,
    }  # fmt: skip


def _atlas(atlas: Atlas) -> dict[str, Any]:
    return {
        "n": len(atlas), "variance": atlas.variance is not None, "about": dict(atlas.about),
        "labels": [{"name": name, "classes": list(classes)} for name, classes in atlas.classes.items()],
        "layouts": [{"name": layout.name, "honesty": layout.honesty} for layout in atlas.layouts.values()],
    }  # fmt: skip


def _picture(model: Model) -> dict[str, int] | None:
    if model.generator is None:
        return None
    channels, height, width = model.generator.picture_shape
    return {"width": width, "height": height, "channels": channels}
