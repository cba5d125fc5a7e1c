"""What a visitor wants to take home of a path: which kind of file, how many frames, how large, how fast."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from explorer.core.errors import DataError
from explorer.export import film, sheet
from explorer.export.png import CHUNK
from explorer.studio.describe import attributes
from explorer.studio.outbox import Made
from explorer.studio.recipe import Recipe
from explorer.studio.session import Session
from explorer.studio.studio import Studio
from explorer.studio.walk import MOST, Report, walk

__all__ = ["CAPTIONS", "KINDS", "Wish", "make", "read"]

KINDS = (*film.KINDS, "strip", "sheet")
CAPTIONS = ("none", "share", "words")
MOST_SCALE = 8
MOST_WORDS = 3  # attributes in a caption
LIMITS = {"count": (2, MOST), "scale": (1, MOST_SCALE), "fps": (1, 60), "columns": (1, MOST)}


@dataclass(frozen=True)
class Wish:
    """A file of a path.

    Args:
        kind: "mp4", "gif" and "webp" move; "strip" is one row of pictures, "sheet" a contact sheet, both PNG.
        count: frames from one end to the other, 2 to 240.
        scale: how many times as large, 1 to 8; `smooth` or in sharp squares.
        fps: frames a second; `back`: a film that returns the same way.
        columns: of a contact sheet; `captions` below its pictures: "none", how far along ("share"), or what changes ("words").
    """

    kind: str = "mp4"
    count: int = 60
    scale: int = 4
    smooth: bool = True
    fps: int = 24
    back: bool = False
    columns: int = 8
    captions: str = "share"


def read(values: Any) -> Wish:
    """A wish from plain JSON. Raises DataError naming what is wrong with it."""
    known = {field.name: field.default for field in fields(Wish)}
    if not isinstance(values, dict) or set(values) - set(known):
        raise DataError(f"A film is described by {', '.join(known)}; got {str(values)[:80]}.")
    for name, value in values.items():
        if isinstance(value, bool) is not isinstance(known[name], bool) or not isinstance(value, type(known[name])):
            raise DataError(f"'{name}' of a film must be like {known[name]!r}, got {str(value)[:40]!r}.")
    wish = Wish(**values)
    for name, (least, most) in LIMITS.items():
        if not least <= getattr(wish, name) <= most:
            raise DataError(f"'{name}' of a film must be from {least} to {most}, got {getattr(wish, name)}.")
    for name, among in (("kind", KINDS), ("captions", CAPTIONS)):
        if getattr(wish, name) not in among:
            raise DataError(f"'{name}' of a film must be one of {', '.join(among)}, got '{getattr(wish, name)[:40]}'.")
    return wish


def make(studio: Studio, session: Session, wish: Wish, *, report: Report = lambda done, of: None) -> Made:
    """The file of a session's path; PNG and MP4 files carry the recipe of its beginning, from which the whole path can be replayed.

    `report` hears of the work, of which drawing and writing are a half each, and may raise to end it.
    """
    steps = 2 * wish.count
    pixels, code = walk(studio, session, count=wish.count, report=lambda done, of: report(done, steps))
    film.enlarged(pixels[0], wish.scale, smooth=wish.smooth)  # too large is refused before anything is written
    writing = lambda done, of: report(wish.count + wish.count * done // max(of, 1), steps)  # noqa: E731
    beginning = replace(session, journey=replace(session.journey, t=0.0))
    recipe = Recipe.of(studio.model(session.model), beginning, code[:1], pixels[0]).text
    name = f"{session.model}-path"
    if wish.kind in film.KINDS:
        about = {"about": recipe} if wish.kind == "mp4" else {}
        options = about | {"fps": wish.fps, "back": wish.back, "scale": wish.scale, "smooth": wish.smooth, "report": writing}
        return Made(f"{name}.{wish.kind}", film.KINDS[wish.kind][0], film.encode(wish.kind, pixels, **options))
    if wish.kind == "strip":
        image = sheet.strip(pixels, scale=wish.scale, smooth=wish.smooth)
    else:
        said = captions(studio, session.model, pixels, wish.captions)
        image = sheet.sheet(pixels, columns=min(wish.columns, wish.count), captions=said, scale=wish.scale, smooth=wish.smooth)
    return Made(f"{name}-{wish.kind}.png", "image/png", sheet.png(image, {CHUNK: recipe}))


def captions(studio: Studio, model: str, pixels: np.ndarray, kind: str) -> list[str]:
    """A caption for each frame `(N, H, W, C)` of a path: how far along it is, and with "words" the attributes that change on the way."""
    if kind == "none":
        return []
    shares = [f"{100 * i / (len(pixels) - 1):.0f} %" for i in range(len(pixels))]
    judge = studio.judge(model) if kind == "words" else None
    if judge is None:
        return shares
    seen = attributes(judge, pixels, studio.model(model).card.data.get("name", ""))
    changing = [question for question in seen[0] if len({frame.get(question) for frame in seen}) > 1][:MOST_WORDS]
    return [
        "\n".join([share, *(f"{q.replace('_', ' ')}: {frame.get(q, '–')}".replace("_", " ") for q in changing)]) for share, frame in zip(shares, seen)
    ]


def options() -> dict[str, Any]:
    """What there is to choose from here, ready for JSON: kinds, captions, limits, and what is chosen to begin with."""
    kinds = [kind for kind in KINDS if kind not in film.KINDS or kind in film.possible()]
    return {"kinds": kinds, "captions": list(CAPTIONS), "limits": {name: list(ends) for name, ends in LIMITS.items()}, "side": film.MOST_SIDE,
            "first": asdict(Wish(kind=kinds[0]))}  # fmt: skip
