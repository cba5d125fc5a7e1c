"""What a model says of itself before anything runs, as plain values for screens and for `explorer inspect --json`."""

from collections.abc import Mapping
from typing import Any

from explorer.core.atlas import Atlas
from explorer.core.model import Card, Model
from explorer.studio.studio import Studio

__all__ = ["models", "passport", "why_not"]

QUANTILES = ("low", "q05", "median", "q95", "high")  # 0.5, 5, 50, 95 and 99.5 %


def models(studio: Studio) -> list[dict[str, Any]]:
    """One line a model that can be opened; `why` says what keeps one from being traversed."""
    known = [
        {"name": name, "title": card.title, "family": card.family, "summary": _summary(card), "traversable": not why_not(card), "why": why_not(card)}
        for name, card in studio.cards.items()
    ]
    lost = [
        {"name": name, "title": name, "family": "unreadable", "summary": "", "traversable": False, "why": why}
        for name, why in studio.unreadable.items()
    ]
    return sorted(known, key=lambda row: not row["traversable"]) + lost  # what can be opened comes first


def why_not(card: Card) -> str | None:
    """Why a model cannot be traversed, or None when it can."""
    return None if card.spaces else "It judges pictures and draws none: there is no latent space to traverse."


def passport(studio: Studio, name: str) -> dict[str, Any]:
    """Everything the views need to know of a model: parts, space, axes, atlas, picture, and what the card tells."""
    model, atlas = studio.model(name), studio.atlas(name)
    card = model.card
    return {
        "name": name, "title": card.title, "family": card.family, "parts": list(model.parts), "space": _space(model),
        "axes": [_axis(axis) for axis in atlas.axes] if atlas else [], "atlas": _atlas(atlas) if atlas else None, "without_atlas": studio.open(name).without,
        "picture": _picture(model), "licence": card.licence, "credits": card.credits, "quality": card.quality,
        "training": card.training, "data": card.data, "weights": card.weights,
    }  # fmt: skip


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
