"""Moving shapes: a square, an ellipse or a heart of six sizes, turned forty ways, at 32 x 32 places; white on black, 64x64.

The grid of factors (`GRID`) is that of dSprites, 737,280 pictures, each drawn anew; rotations are k · 9° without the full turn, so
that no two of them are the same. What is asked of a picture, of the judge too, is coarser (`FACTORS`): rotations are
rounded to 45°, and each direction has four parts. A row is (shape, size, turn, across, height, rotation, x, y): five classes,
then the exact rotation and place.

Squares look the same after 90°, ellipses after 180°. Their pictures are equal then, to the bit; `visible` counts the turn only of
hearts, since of the others it cannot be read off; and pictures that look the same are all in one part. A place is a whole number of pixels, so
every picture is one of 420 stamps, pasted.

Credits: the factors are those of dSprites (Matthey, Higgins, Hassabis & Lerchner 2017).
"""

from functools import lru_cache

import numpy as np

from explorer.data.dataset import Part
from explorer.data.factors import Factor

__all__ = ["CREDITS", "FACTORS", "GRID", "LICENCE", "SHAPE", "VERSION", "at", "captions", "exact", "held_out", "render", "sample", "split", "visible"]

VERSION = 1
SIZE = 64
SHAPE = (1, SIZE, SIZE)
LICENCE = "Apache-2.0"
CREDITS = "Drawn by Latent Explorer; factors after dSprites (Loic Matthey, Irina Higgins, Demis Hassabis and Alexander Lerchner, 2017)"
TRAINING, HELD_OUT = 60_000, 5_000
ONE_IN = 10  # looks kept for the held-out part

SHAPES = ("square", "ellipse", "heart")
SCALES = ("0.5", "0.6", "0.7", "0.8", "0.9", "1.0")
ROTATIONS, PLACES = 40, 32
DIFFERENT = np.array([10, 20, 40])  # rotations of each shape that look different
TURNS, PARTS = 8, 4

GRID = (
    Factor("shape", SHAPES), Factor("scale", SCALES), Factor("rotation", tuple(f"{9 * k}°" for k in range(ROTATIONS))),
    Factor("x", tuple(map(str, range(PLACES)))), Factor("y", tuple(map(str, range(PLACES)))),
)  # fmt: skip
FACTORS = (
    Factor("shape", SHAPES), Factor("size", SCALES), Factor("turn", tuple(f"{45 * k}°" for k in range(TURNS))),
    Factor("across", ("far left", "left", "right", "far right")), Factor("height", ("top", "upper", "lower", "bottom")),
)  # fmt: skip
WHERE = {"top": "at the top", "upper": "a little above the middle", "lower": "a little below the middle", "bottom": "at the bottom"}
SIDES = tuple(len(factor.classes) for factor in GRID)
COUNT = int(np.prod(SIDES))

STAMP = 33  # pixels; the middle is the middle of a pixel
FINE = 8  # points a pixel and direction at which it is asked whether a shape covers it
SQUARE, ELLIPSE, HEART = 10.5, (14.5, 8.5), 11.5  # half a side, half axes, unit of the curve: in pixels, at scale 1
HEART_MIDDLE = 0.12  # how far above the origin of its curve a heart is held


def sample(n: int, seed: int) -> np.ndarray:
    """Draws `n` points of the grid, each as likely as any other: rows `(n, 8)`, int64."""
    return _rows(np.random.default_rng(seed).integers(COUNT, size=n))


def split(part: Part) -> np.ndarray:
    """60,000 rows for training, or 5,000 for measuring; which looks are held out follows from a hash of the look."""
    order = np.random.default_rng(0).permutation(COUNT)
    rows = _rows(order)
    kept = held_out(rows)
    return rows[kept][:HELD_OUT] if part == "held-out" else rows[~kept][:TRAINING]


def held_out(rows: np.ndarray) -> np.ndarray:
    """Which rows look as nothing does that may be trained on, bool `(n,)`."""
    return _scattered(_looks(rows)) % ONE_IN == 0


def at(values: np.ndarray) -> np.ndarray:
    """The rows of points of the grid, given as values `(n, 5)` of `GRID`'s factors."""
    return _rows(np.ravel_multi_index(tuple(values.T), SIDES))


def exact(rows: np.ndarray) -> np.ndarray:
    """The values of `GRID`'s factors, `(n, 5)`."""
    return rows[:, [0, 1, 5, 6, 7]]


def visible(rows: np.ndarray) -> np.ndarray:
    """Which classes of `rows` can be seen, bool `(n, 5)`: all, but the turn only of hearts."""
    seen = np.ones((len(rows), len(FACTORS)), dtype=bool)
    seen[:, 2] = rows[:, 0] == SHAPES.index("heart")
    return seen


def render(rows: np.ndarray, *, workers: int = 1) -> np.ndarray:
    """The pictures of `rows`, uint8 `(n, 64, 64, 1)`. `workers` is not needed: copying stamps is fast."""
    shape, scale, rotation, x, y = exact(rows).T
    stamps = _stamps()[shape, scale, rotation % DIFFERENT[shape]]
    pictures = np.zeros((len(rows), SIZE, SIZE, 1), np.uint8)
    within = np.arange(STAMP)
    pictures[np.arange(len(rows))[:, None, None], (y[:, None] + within)[:, :, None], (x[:, None] + within)[:, None, :], 0] = stamps
    return pictures


def captions(rows: np.ndarray, seed: int) -> list[str]:
    """One sentence a picture: its shape and, in random order, some of what else can be seen."""
    generator = np.random.default_rng(seed)
    return [_sentence(row, seen, generator) for row, seen in zip(rows, visible(rows))]


def _sentence(row: np.ndarray, seen: np.ndarray, generator: np.random.Generator) -> str:
    shape, size, turn, across, height = (factor.classes[value] for factor, value in zip(FACTORS, row))
    more = [f"of size {size}", f"on the {across}", WHERE[height], *([f"turned by about {turn}"] if seen[2] else [])]
    kept = generator.permutation(len(more))[: generator.integers(len(more) + 1)]
    return f"{'an' if shape == 'ellipse' else 'a'} " + ", ".join([shape, *(more[i] for i in kept)])


def _rows(indices: np.ndarray) -> np.ndarray:
    """Rows `(n, 8)` of points of the grid, by their numbers in it."""
    shape, scale, rotation, x, y = np.unravel_index(indices, SIDES)
    step = ROTATIONS // TURNS
    turn = (rotation + step // 2) % ROTATIONS // step
    return np.stack([shape, scale, turn, x // (PLACES // PARTS), y // (PLACES // PARTS), rotation, x, y], axis=1)


def _looks(rows: np.ndarray) -> np.ndarray:
    """Numbers `(n,)`, the same for rows whose pictures are the same."""
    shape, scale, rotation, x, y = exact(rows).T
    return np.ravel_multi_index((shape, scale, rotation % DIFFERENT[shape], x, y), SIDES)


def _scattered(numbers: np.ndarray) -> np.ndarray:
    """A hash of whole numbers, uint64 (the last rounds of SplitMix64)."""
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@lru_cache(maxsize=1)
def _stamps() -> np.ndarray:
    """Every shape at every scale and rotation in the middle of its own picture, uint8 `(3, 6, 40, 33, 33)`; repeated looks stay black."""
    stamps = np.zeros((*SIDES[:3], STAMP, STAMP), np.uint8)
    at = (np.arange(STAMP * FINE) + 0.5) / FINE - STAMP / 2
    right, down = np.meshgrid(at, at)
    for rotation in range(ROTATIONS):
        angle = 2 * np.pi * rotation / ROTATIONS  # clockwise, as seen
        u, v = right * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - right * np.sin(angle)
        for scale, factor in enumerate(map(float, SCALES)):
            for shape, covers in enumerate((_in_square, _in_ellipse, _in_heart)):
                if rotation < DIFFERENT[shape]:
                    inside = covers(u / factor, v / factor).reshape(STAMP, FINE, STAMP, FINE)
                    stamps[shape, scale, rotation] = (inside.mean(axis=(1, 3)) * 255).round()
    return stamps


def _in_square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(u), np.abs(v)) <= SQUARE


def _in_ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.square(u / ELLIPSE[0]) + np.square(v / ELLIPSE[1]) <= 1


def _in_heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The curve (x² + y² - 1)³ = x² y³, with the tip down."""
    x, y = u / HEART, HEART_MIDDLE - v / HEART
    xx, yy = x * x, y * y
    far = xx + yy - 1
    return far * far * far <= xx * yy * y
