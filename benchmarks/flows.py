"""The bundled potential flow of a model against random directions of three seeds: how well a fresh network tells each set apart.

    python benchmarks/flows.py avatars-vae [--pairs 4000]

Eight directions a set, at equal image change. A network learns from a tenth of the pairs at 32 pixels, three times (variation
predictability, `explorer/methods/measure/variation.py`); accuracies on the others after the last of 30 epochs, and the highest of every tenth.
"""

import argparse
from pathlib import Path

import torch

from explorer import atlases, checkpoints, directions
from explorer.core.direction import Direction
from explorer.methods.directions import units
from explorer.methods.directions.find import Wish, find
from explorer.methods.directions.ground import Ground
from explorer.methods.measure.variation import Variation, pairs, predictability

SEEDS = 3


def score(ground: Ground, found: list[Direction], n: int) -> Variation:
    """The score of directions, brought to equal image change."""
    even = [units.calibrated(direction, ground.decode, ground.starts(24), ground.unit) for direction in found]
    differences, which = pairs(even, ground.decode, ground.sample, n=n)
    return predictability(differences, which, count=len(even), epochs=30, seeds=SEEDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--pairs", type=int, default=2000)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    file = checkpoints.find(asked.model)
    model = checkpoints.load(file)
    ground = Ground(model, atlases.atlas(file), None)
    flow = [each for each in directions.read(directions.file_of(Path(file)), model) if each.method == "flow"]
    sets = {"flow": flow} | {f"random, seed {seed}": find(ground, Wish("random", count=len(flow), seed=seed)) for seed in range(SEEDS)}
    print(f"{asked.model}, {asked.pairs} pairs, {len(flow)} directions a set, chance {1 / len(flow):.1%}")
    for name, found in sets.items():
        told = score(ground, found, asked.pairs)
        by_seed = " ".join(f"{value:.1%}" for value in told.last)
        print(f"{name:16s} last {sum(told.last) / SEEDS:6.1%} ({by_seed})  highest {sum(told.highest) / SEEDS:6.1%}", flush=True)


if __name__ == "__main__":
    main()
