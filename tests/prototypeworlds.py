"""Small worlds of pictures in which it is known what tells the classes apart, and where it is.

A world is a dataset: rows of class indices, one a factor, which `render` draws at 32 px. The first factor is the class; the others are
its place, and whatever is to make no difference.
"""

import colorsys
from types import SimpleNamespace

import numpy as np

from explorer.data.factors import Factor

SIZE, SIDE = 32, 12
PLACES = 5
LOOKS = 4096  # how many random looks there are


def _factors(classes: tuple[str, ...]) -> tuple[Factor, ...]:
    numbers = tuple(str(k) for k in range(PLACES))
    return Factor("kind", classes), Factor("down", numbers), Factor("across", numbers), Factor("look", tuple(str(k) for k in range(LOOKS)))


def _disk(side: int) -> np.ndarray:
    place = np.arange(side) - (side - 1) / 2
    return place[:, None] ** 2 + place[None] ** 2 <= (side / 2) ** 2


def _noise(random: np.random.Generator, block: int) -> np.ndarray:
    """Noise of the same histogram, in blocks of so many pixels."""
    cells = -(-SIDE // block)
    values = np.resize([-1.0, 1.0], cells * cells)
    random.shuffle(values)
    return np.kron(values.reshape(cells, cells), np.ones((block, block)))[:SIDE, :SIDE]


def _glyph(kind: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A cross, a ring, or a striped square."""
    mask = np.zeros((SIDE, SIDE), bool)
    if kind == 0:
        mask[4:8] = mask[:, 4:8] = True
    elif kind == 1:
        mask = _disk(SIDE).copy()
        mask[4:8, 4:8] = False
    else:
        mask[::4] = mask[1::4] = True
    return mask, np.array([1.0, 0.8, 0.2]) * np.ones((SIDE, SIDE, 1))


SHAPES = ("disk", "square", "cross")


def _outline(name: str, random: np.random.Generator) -> np.ndarray:
    mask = _disk(SIDE).copy()
    if name != "disk":
        mask = np.zeros((SIDE, SIDE), bool)
    if name == "square":
        mask[2:10, 2:10] = True
    if name == "cross":
        mask[4:8] = mask[:, 4:8] = True
    return mask


def _thing(differs: str, kind: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mask and colours of a thing whose hue, shape or texture is its class; everything else about it is random."""
    turn = (0.02, 0.22)[kind] + random.uniform(-0.03, 0.03) if differs == "hue" else random.uniform()
    mask = _outline(("disk", "cross")[kind] if differs == "shape" else SHAPES[random.integers(3)], random)
    if differs != "shape":  # bent a little
        mask = np.stack([np.roll(line, random.integers(-1, 2)) for line in mask])
    block = (1, 4)[kind] if differs == "texture" else (1, 2, 4)[random.integers(3)]
    colour = np.array(colorsys.hsv_to_rgb(turn % 1.0, random.uniform(0.35, 0.9), random.uniform(0.5, 0.85)))
    strength = random.uniform(0.06, 0.15) if differs == "texture" else random.uniform(0.0, 0.12)
    return mask, (colour + strength * _noise(random, block)[..., None]).clip(0, 1)


def render_of(differs: str):
    def render(rows: np.ndarray, *, workers: int = 1) -> np.ndarray:
        pictures = np.zeros((len(rows), SIZE, SIZE, 3), np.uint8)
        for picture, (kind, down, across, look) in zip(pictures, rows):
            random = np.random.default_rng(int(look))
            canvas = np.full((SIZE, SIZE, 3), 0.35 if differs == "glyph" else random.uniform(0.15, 0.45))
            if differs == "glyph":
                for _ in range(3):  # distractors
                    y, x = random.integers(0, SIZE - 3, 2)
                    canvas[y : y + 3, x : x + 3] = random.random(3)
            mask, colours = _glyph(kind, random) if differs == "glyph" else _thing(differs, kind, random)
            part = canvas[4 * down : 4 * down + SIDE, 4 * across : 4 * across + SIDE]
            part[mask] = colours[mask]
            if differs != "glyph":
                canvas = canvas.mean() + random.uniform(0.45, 1.0) * (canvas - canvas.mean())
            picture[:] = (canvas.clip(0, 1) * 255).round()
        return pictures

    return render


def world(differs: str, *, n: int = 1500, moving: bool = True):
    """A dataset whose classes differ in "glyph", "hue", "shape" or "texture"; one that does not move is always in the middle."""
    classes = ("cross", "ring", "stripes") if differs == "glyph" else ("one", "other")

    def sample(count: int, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        rows = np.stack([random.integers(len(factor.classes), size=count) for factor in _factors(classes)], axis=1)
        return rows if moving else np.concatenate([rows[:, :1], np.full((count, 2), 2), rows[:, 3:]], axis=1)

    return SimpleNamespace(
        FACTORS=_factors(classes), SHAPE=(3, SIZE, SIZE), VERSION=1, LICENCE="none", CREDITS="nobody", render=render_of(differs), sample=sample,
        split=lambda part: sample(n, 0) if part == "train" else sample(300, 1),
        visible=lambda rows: np.ones((len(rows), 4), bool), captions=lambda rows, seed: ["a thing"] * len(rows),
    )  # fmt: skip
