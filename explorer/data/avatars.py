"""Cartoon faces with known attributes: the style *avataaars* by Pablo Stanley, through DiceBear.

Each face is a row of class indices, one a factor (`FACTORS`). `sample` draws rows, `render` draws faces, `captions` writes
sentences. Hats take the hair colour, so that `hair_color` can always be seen; what another part hides (eyes behind
sunglasses) is marked by `visible`, and nothing that cannot be seen is ever scored.

Credits: Avataaars, Pablo Stanley, https://avataaars.com, free for personal and commercial use; DiceBear 10.
"""

import io
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from importlib.resources import files

import numpy as np

from explorer.data.dataset import Part
from explorer.data.factors import Factor

__all__ = [
    "CREDITS", "FACTORS", "LICENCE", "SHAPE", "SIZE", "VERSION", "captions", "parted", "render", "sample", "sample_correlated", "split", "told", "visible",
]  # fmt: skip

SIZE = 64
SHAPE = (3, SIZE, SIZE)
VERSION = 1  # raise it when a face changes: caches are keyed by it
LICENCE = "free for personal and commercial use (Avataaars); MIT (DiceBear)"
CREDITS = "Avataaars by Pablo Stanley, through DiceBear"
TRAINING, HELD_OUT = 60_000, 5_000  # faces drawn for each part
CROP = 0.8  # share of the canvas that is kept, around the head

SKINS = {"pale": "ffdbb4", "light": "edb98a", "golden": "f8d25c", "tan": "d08b5b", "brown": "ae5d29", "dark": "614335"}
HAIR_COLORS = {"black": "2c1b18", "brown": "8d4a2b", "blonde": "d6b370", "red": "c93305", "silver": "e8e1e1", "pink": "f59797"}
TOPS = {
    "bob": "bob", "flower crown": "frida", "curly hair": "curly", "dreadlocks": "dreads", "afro": "fro", "long hair": "straight01",
    "short hair": "shortFlat", "wavy hair": "shortWaved", "side hair": "sides", "hijab": "hijab", "turban": "turban", "winter hat": "winterHat1",
}  # fmt: skip
CURTAINS = ("hijab", "dreadlocks")  # these hang over the clothes
ACCESSORIES = {"none": None, "glasses": "prescription02", "round glasses": "round", "sunglasses": "sunglasses"}
MOUTHS = {"smiling": "smile", "serious": "serious", "sad": "sad", "surprised": "screamOpen", "tongue out": "tongue"}
EYES = {"open": "default", "happy": "happy", "closed": "closed", "wide": "surprised", "hearts": "hearts"}
BEARDS = {"none": None, "stubble": "beardLight", "full beard": "beardMajestic", "moustache": "moustacheMagnum"}
CLOTHES_COLORS = {"black": "262e33", "blue": "5199e4", "white": "ffffff", "green": "a7ffc4", "yellow": "ffffb1", "red": "ff5c5c"}
CUTS = {"blazer": "blazerAndShirt", "hoodie": "hoodie", "overall": "overall", "T-shirt": "shirtCrewNeck"}
BACKGROUNDS = {"sky": "b6e3f4", "lavender": "c0aede", "rose": "ffd5dc", "mint": "c6f0d2"}

TABLES = {
    "skin": SKINS, "hair_color": HAIR_COLORS, "top": TOPS, "accessory": ACCESSORIES, "mouth": MOUTHS, "eyes": EYES,
    "beard": BEARDS, "clothes_color": CLOTHES_COLORS, "clothes": CUTS, "background": BACKGROUNDS,
}  # fmt: skip
FACTORS = tuple(Factor(name, tuple(table)) for name, table in TABLES.items())
COLUMN = {factor.name: column for column, factor in enumerate(FACTORS)}


def sample(n: int, seed: int) -> np.ndarray:
    """Draws `n` faces with independent, uniform attributes: class indices `(n, 10)`, int64."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.integers(len(factor.classes), size=n) for factor in FACTORS], axis=1)


def split(part: Part) -> np.ndarray:
    """The rows of one part: 60,000 faces for training, or 5,000 others without the few that look like a training face."""
    return parted(part, sample)


def parted(part: Part, draw: Callable[[int, int], np.ndarray]) -> np.ndarray:
    """`split` for faces drawn by `draw(n, seed)`."""
    training = draw(TRAINING, 0)
    if part == "train":
        return training
    held_out = draw(HELD_OUT, 1)
    known = set(map(tuple, _looks(training)))
    return held_out[[tuple(look) not in known for look in _looks(held_out)]]


def _looks(rows: np.ndarray) -> np.ndarray:
    """Rows with -1 for what cannot be seen: two faces that look the same have the same."""
    return np.where(visible(rows), rows, -1)


def sample_correlated(n: int, seed: int, *, share: float = 0.85) -> np.ndarray:
    """Like `sample`, but a share of the faces wears sunglasses and a full beard together, or neither.

    With probability `share` a face either has both (one time in four) or neither; otherwise the two are drawn as in `sample`.
    """
    rows = sample(n, seed)
    generator = np.random.default_rng([seed, 1])
    tied = generator.random(n) < share
    both = tied & (generator.random(n) < 0.25)
    rows[tied, COLUMN["accessory"]] = generator.integers(3, size=tied.sum())  # the first three: no sunglasses
    rows[tied, COLUMN["beard"]] = np.array([0, 1, 3])[generator.integers(3, size=tied.sum())]  # all but the full beard
    rows[both, COLUMN["accessory"]] = FACTORS[COLUMN["accessory"]].classes.index("sunglasses")
    rows[both, COLUMN["beard"]] = FACTORS[COLUMN["beard"]].classes.index("full beard")
    return rows


def visible(rows: np.ndarray) -> np.ndarray:
    """Which attributes of `rows` can be seen, bool `(n, 10)`: sunglasses hide eyes, a hijab or dreadlocks hide clothes."""
    seen = np.ones(rows.shape, dtype=bool)
    seen[_has(rows, "accessory", "sunglasses"), COLUMN["eyes"]] = False
    for top in CURTAINS:
        seen[_has(rows, "top", top), COLUMN["clothes"]] = False
        seen[_has(rows, "top", top), COLUMN["clothes_color"]] = False
    return seen


def _has(rows: np.ndarray, factor: str, name: str) -> np.ndarray:
    """Which rows have class `name` of a factor, bool `(n,)`."""
    return rows[:, COLUMN[factor]] == FACTORS[COLUMN[factor]].classes.index(name)


def render(rows: np.ndarray, *, size: int = SIZE, workers: int = 1) -> np.ndarray:
    """Draws the faces of `rows`, uint8 `(n, size, size, 3)`. The same row always gives the same pixels."""
    draw = _Draw(size)
    if workers == 1 or len(rows) < 256:
        return np.stack([draw(row) for row in rows]) if len(rows) else np.zeros((0, size, size, 3), np.uint8)
    with ProcessPoolExecutor(workers) as pool:
        return np.stack(list(pool.map(draw, rows, chunksize=64)))


def captions(rows: np.ndarray, seed: int) -> list[str]:
    """One sentence a face: a random subset of its visible attributes in random order, at most 28 words."""
    generator = np.random.default_rng(seed)
    return [_sentence(row, seen, generator) for row, seen in zip(rows, visible(rows))]


def told(rows: np.ndarray, seed: int) -> np.ndarray:
    """Which attributes the captions of the same rows and seed name, bool `(n, 10)`."""
    generator = np.random.default_rng(seed)
    named = np.zeros(rows.shape, dtype=bool)
    for which, row, seen in zip(named, rows, visible(rows)):
        which[[COLUMN[name] for names, _ in _chosen(row, seen, generator) for name in names]] = True
    return named


def _sentence(row: np.ndarray, seen: np.ndarray, generator: np.random.Generator) -> str:
    return "a face with " + ", ".join(phrase for _, phrase in _chosen(row, seen, generator))


def _chosen(row: np.ndarray, seen: np.ndarray, generator: np.random.Generator) -> list[tuple[tuple[str, ...], str]]:
    """A random subset, in random order, of what can be said of a face."""
    parts = _phrases({factor.name: factor.classes[value] for factor, value in zip(FACTORS, row)}, dict(zip(COLUMN, seen)))
    kept = generator.permutation(len(parts))[: generator.integers(2, len(parts) + 1)]
    return [parts[i] for i in kept]


def _phrases(face: dict[str, str], seen: dict[str, bool]) -> list[tuple[tuple[str, ...], str]]:
    """What can be said of a face: phrases, together at most 26 words, and the attributes that each names."""
    phrases = [
        (("skin",), f"{face['skin']} skin"),
        (("hair_color", "top"), f"{face['hair_color']} {face['top']}"),
        (("background",), f"{face['background']} background"),
        (("mouth",), {"tongue out": "tongue out", "surprised": "open mouth"}.get(face["mouth"], f"{face['mouth']} mouth")),
        (("accessory",), "no glasses" if face["accessory"] == "none" else face["accessory"]),
        (("beard",), "no beard" if face["beard"] == "none" else face["beard"]),
    ]
    if seen["clothes"]:
        phrases.append((("clothes_color", "clothes"), f"{face['clothes_color']} {face['clothes']}"))
    if seen["eyes"]:
        phrases.append((("eyes",), {"hearts": "heart eyes"}.get(face["eyes"], f"{face['eyes']} eyes")))
    return phrases


class _Draw:
    """Draws one row; a small picklable object, so that worker processes can be handed one."""

    def __init__(self, size: int):
        self.size = size

    def __call__(self, row: np.ndarray) -> np.ndarray:
        import resvg_py
        from PIL import Image

        png = resvg_py.svg_to_bytes(svg_string=svg(tuple(int(v) for v in row)), width=2 * self.size, height=2 * self.size, skip_system_fonts=True)
        picture = Image.open(io.BytesIO(bytes(png))).convert("RGB").resize((self.size, self.size), Image.Resampling.BOX)
        return np.asarray(picture)


@lru_cache(maxsize=1)
def _style():
    from dicebear import Style

    return Style(json.loads(files("dicebear_styles").joinpath("avataaars.json").read_text("utf-8")))


def svg(row: tuple[int, ...]) -> str:
    """The face of one row as SVG, cropped around the head."""
    from dicebear import Avatar

    part = {factor.name: TABLES[factor.name][factor.classes[value]] for factor, value in zip(FACTORS, row)}
    options = {
        "seed": "0", "topVariant": part["top"], "topProbability": 100, "hairColor": part["hair_color"], "hatColor": part["hair_color"],
        "skinColor": part["skin"], "eyesVariant": part["eyes"], "eyebrowsVariant": "defaultNatural", "mouthVariant": part["mouth"],
        "clothesVariant": part["clothes"], "clothesColor": part["clothes_color"], "backgroundColor": part["background"],
        "facialHairColor": part["hair_color"], "facialHairProbability": 100 if part["beard"] else 0,
        "accessoriesColor": "262e33", "accessoriesProbability": 100 if part["accessory"] else 0,
    }  # fmt: skip
    if part["beard"]:
        options["facialHairVariant"] = part["beard"]
    if part["accessory"]:
        options["accessoriesVariant"] = part["accessory"]
    drawing = Avatar(_style(), options).to_string()
    side = 280 * CROP
    return drawing.replace('viewBox="0 0 280 280"', f'viewBox="{(280 - side) / 2:g} {0.35 * (280 - side):g} {side:g} {side:g}"', 1)
