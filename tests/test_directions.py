"""Files of directions: every kind comes back as it was written, and lies are refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from explorer import checkpoints, directions
from explorer.core.direction import Direction, Field, Straight
from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.core.space import LatentSpace
from explorer.methods.directions.gradient import GradientField
from explorer.methods.directions.heads import fit
from explorer.methods.directions.warped import Bumps, WarpedField
from explorer.methods.flows.potentials import PotentialField, Potentials
from tests.toys import normal

SPACE = LatentSpace("z", (6,))


def every_kind() -> list[Direction]:
    flow, paths = Potentials(3, 6, hidden=8, turns=1).requires_grad_(False), Bumps(2, 6, dipoles=3).requires_grad_(False)
    head, guard = (fit(normal(60, 6, seed=s), torch.arange(60) % 3, ("a", "b", "c"), epochs=3, hidden=h) for s, h in ((0, 4), (1, None)))
    fields = [
        Straight(torch.nn.functional.normalize(normal(1, 6)[0], dim=0)), WarpedField(paths, 0, 0.3), WarpedField(paths, 1, 0.3, -1.0),
        PotentialField(flow, 0, 0.5, 4), PotentialField(flow, 2, 0.5, 4, -1.0),
        GradientField(head, 1, 2, {"other": guard}, "mask", {"other": 0.3}), GradientField(head, 0, guards={"other": guard}, mode="soft", softness=3.0),
    ]  # fmt: skip
    return [
        Direction(
            f"d{i}", "test", SPACE, f, length=0.7, unit="a unit", target="x: y", model="toy", weights="ab", settings={"seed": i}, evidence={"n": [1]}
        )
        for i, f in enumerate(fields)
    ]


def test_every_kind_of_direction_comes_back(tmp_path):
    made, file = every_kind(), tmp_path / "toy.directions.safetensors"
    directions.write(file, made)
    z = normal(4, 6, seed=9)
    for before, after in zip(made, directions.read(file), strict=True):
        assert torch.allclose(before.along(z, (-2, 0, 1.5)), after.along(z, (-2, 0, 1.5)), atol=1e-6), before.name
        for name in ("name", "method", "space", "length", "unit", "target", "model", "weights", "settings", "evidence"):
            assert getattr(before, name) == getattr(after, name)


def test_networks_are_stored_once(tmp_path):
    file = tmp_path / "toy.directions.safetensors"
    directions.write(file, every_kind())
    names = checkpoints.read_header(file).tensors
    assert sum(name.endswith(".u.out") for name in names) == 1 and sum(name.endswith(".supports") for name in names) == 1


def model(weights="ab", space=SPACE) -> Model:
    return Model(Card("toy", "Toy", "toy", {}, weights=weights), (space,))


@pytest.mark.parametrize(
    "other, why", [(model(weights="cd"), "was found for weights ab"), (model(space=LatentSpace("w", (6,))), r"moves codes of z\[6\]")]
)
def test_directions_of_another_model_are_refused(tmp_path, other, why):
    file = tmp_path / "toy.directions.safetensors"
    directions.write(file, every_kind())
    assert len(directions.read(file, model())) == len(every_kind())
    with pytest.raises(CheckpointError, match=why):
        directions.read(file, other)


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda e: e.pop("field"), "field"),
        (lambda e: e.update(kind="spell"), "no field of kind 'spell'"),
        (lambda e: e.update(length=-1), "positive"),
        (lambda e: e["space"].update(shape=[7]), "moves codes of 6"),
        (lambda e: e.update(settings=3), "objects"),
        (lambda e: e["field"].update(vector="nothing"), "nothing"),
    ],
)
def test_a_file_that_lies_is_refused(tmp_path, change, why):
    file = tmp_path / "toy.directions.safetensors"
    directions.write(file, every_kind()[:1])
    header = checkpoints.read_header(file)
    entries = json.loads(header.metadata[directions.ABOUT])
    change(entries[0])
    checkpoints.write(file, checkpoints.tensors(file), {directions.ABOUT: json.dumps(entries)})
    with pytest.raises(CheckpointError, match=why):
        directions.read(file)


def test_networks_of_absurd_size_are_refused(tmp_path):
    file = tmp_path / "toy.directions.safetensors"
    directions.write(file, every_kind()[3:4])
    entries = json.loads(checkpoints.read_header(file).metadata[directions.ABOUT])
    entries[0]["field"]["config"]["hidden"] = 10**9
    checkpoints.write(file, checkpoints.tensors(file), {directions.ABOUT: json.dumps(entries)})
    with pytest.raises(CheckpointError, match="a network of sizes .* with .* numbers"):
        directions.read(file)


def test_reading_networks_neither_draws_nor_imports_much(tmp_path):
    """Building on torch's meta device would import its decompositions, a second of waiting when a model is opened."""
    file = tmp_path / "toy.directions.safetensors"
    directions.write(file, every_kind())
    script = (
        "import sys, torch; from pathlib import Path; from explorer import directions; before, known = torch.get_rng_state(), set(sys.modules);"
        f"directions.read(Path({str(file)!r})); assert torch.equal(before, torch.get_rng_state());"
        "sys.exit(len(set(sys.modules) - known) > 50 and 3)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[1], timeout=120).returncode == 0


def test_a_checkpoint_is_no_file_of_directions(tmp_path):
    with pytest.raises(CheckpointError, match="no file of directions"):
        directions.read(tmp_path / "nothing.directions.safetensors")
    checkpoints.write(tmp_path / "a.safetensors", {"x": torch.zeros(1)}, {})
    with pytest.raises(CheckpointError, match="holds no directions"):
        directions.read(tmp_path / "a.safetensors")


def test_a_field_of_ones_own_cannot_be_written(tmp_path):
    class Own(Field):
        size, stride = 6, 1.0

        def velocity(self, z, t):
            return z

    with pytest.raises(CheckpointError, match="Own cannot be written"):
        directions.write(tmp_path / "a.directions.safetensors", [Direction("own", "test", SPACE, Own())])
