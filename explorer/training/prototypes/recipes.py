"""How each prototype classifier is made: `explorer train avatars-protopnet`, or `train` here.

A recipe first makes the black box whose backbone it begins with, when there is none in the folder yet, and names it in its card: it is
also what the accuracy is compared with. Weights are stored in full precision, because a projected prototype has to stay exactly what a
picture gives.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from explorer import checkpoints
from explorer.core.errors import DataError
from explorer.core.model import Card, Model
from explorer.core.progress import Progress
from explorer.data.cache import cache_folder
from explorer.data.catalogue import dataset
from explorer.data.evidence import column_of
from explorer.data.store import pictures
from explorer.models.prototypes import black_box, cbc, pipnet, prob_psenn, protopnet, st_protopnet
from explorer.training.loop import Course, Descent, walk
from explorer.training.prototypes import courses, measured
from explorer.training.prototypes.courses import COURSES, Plan
from explorer.training.prototypes.finishing import Shown
from explorer.training.prototypes.stages import Stages
from explorer.training.recipes import LICENCE, _version

__all__ = ["RECIPES", "PrototypeRecipe", "follow", "shown_of", "train"]

NETWORKS: Mapping[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "black-box": black_box.network, "protopnet": protopnet.network, "st-protopnet": st_protopnet.network,
    "cbc": cbc.network, "prob-psenn": prob_psenn.network, "pipnet": pipnet.network,
}  # fmt: skip
SMALL = {"widths": [32, 48, 64], "strides": [2, 1, 2], "depth": 64}  # a cell sees 11 pixels
STROKES = {"widths": [32, 48, 64, 64], "strides": [2, 1, 2, 1], "depth": 64}  # 19 pixels: strokes are longer than mouths
RATE = 3e-3  # of a black box


@dataclass(frozen=True)
class PrototypeRecipe:
    """What there is to know before training.

    Args:
        name, title: of the checkpoint.
        family: "black-box" or one of the prototype families.
        data, question: the dataset, and the factor whose class is asked for.
        net: what the network is built with; `prototypes` is how many, in all.
        plan: how long and how.
        start: the name of the black box with the same backbone, to begin with and to compare with; "" for none.
    """

    name: str
    title: str
    family: str
    data: str
    question: str
    net: Mapping[str, Any]
    plan: Plan
    start: str = ""


def _black_boxes() -> list[PrototypeRecipe]:
    asked = {"mouth": "Expressions of cartoon faces", "accessory": "Glasses of cartoon faces", "top": "Hair and hats of cartoon faces"}
    faces = [
        PrototypeRecipe(f"avatars-cnn-{question}", f"{title}, without prototypes", "black-box", "avatars", question, SMALL, Plan(0, 250))
        for question, title in asked.items()
    ]
    return [*faces, PrototypeRecipe("digits-cnn", "Handwritten digits, without prototypes", "black-box", "digits", "digit", STROKES, Plan(0, 800))]


_EVERY = (
    *_black_boxes(),
    PrototypeRecipe(
        "avatars-protopnet", "Expressions of cartoon faces, by prototypes", "protopnet", "avatars", "mouth",
        {**SMALL, "prototypes": 30}, Plan(60, 240), "avatars-cnn-mouth",
    ),
    PrototypeRecipe(
        "avatars-st-protopnet", "Glasses of cartoon faces, by prototypes near and far", "st-protopnet", "avatars", "accessory",
        {**SMALL, "prototypes": 40}, Plan(60, 300), "avatars-cnn-accessory",
    ),
    PrototypeRecipe(
        "avatars-prob-psenn", "Expressions of cartoon faces, by uncertain prototypes", "prob-psenn", "avatars", "mouth",
        {"widths": [32, 64, 128, 128], "depth": 24, "prototypes": 5}, Plan(300, 900), "avatars-cnn-mouth",
    ),
    PrototypeRecipe(
        "avatars-cbc", "Hair and hats of cartoon faces, by what is there and what is not", "cbc", "avatars", "top",
        {**SMALL, "prototypes": 60, "reasons": 1}, Plan(60, 400), "avatars-cnn-top",
    ),
    PrototypeRecipe(
        "avatars-pipnet", "Expressions of cartoon faces, by a sparse sheet", "pipnet", "avatars", "mouth",
        {"widths": SMALL["widths"], "strides": SMALL["strides"], "prototypes": 64}, Plan(100, 400), "avatars-cnn-mouth",
    ),
    PrototypeRecipe(
        "digits-protopnet", "Handwritten digits, by prototypes", "protopnet", "digits", "digit",
        {**STROKES, "prototypes": 60}, Plan(100, 700), "digits-cnn",
    ),
)  # fmt: skip
RECIPES: Mapping[str, PrototypeRecipe] = {recipe.name: recipe for recipe in _EVERY}


def train(
    name: str,
    *,
    folder: Path,
    report: Callable[[Progress], None],
    stop: Callable[[], bool] = lambda: False,
    steps: int | None = None,
    seed: int = 0,
) -> Path:
    """Makes the checkpoint of that name, and the black box it starts from where that is missing; returns its file. A stopped run goes on.

    `steps` is the number of descending steps in all, for a quick try; see `training.recipes.train` for the rest.
    """
    if name not in RECIPES:
        raise DataError(f"No recipe '{name}'. Known: {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    if steps is not None and steps < 1:
        raise DataError(f"'{name}' needs at least one step of training, got {steps}.")
    if steps is not None:
        recipe = replace(recipe, plan=_shortened(recipe.plan, steps))
    return follow(recipe, folder=folder, report=report, stop=stop, seed=seed)


def _shortened(plan: Plan, steps: int) -> Plan:
    """The same shares of so many steps."""
    warm = round(steps * plan.warm / (plan.warm + plan.joint))
    return replace(plan, warm=warm, joint=steps - warm, projected=min(plan.projected, 20 * steps))


def follow(
    recipe: PrototypeRecipe,
    *,
    folder: Path,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    seed: int = 0,
    table: Mapping[str, PrototypeRecipe] = RECIPES,
) -> Path:
    """Trains by a recipe, measures, and writes the checkpoint; see `train`. `table` is where the recipe of the start is looked up."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = replace(recipe, plan=replace(recipe.plan, seed=seed))
    start = _start(recipe, folder, report=report, stop=stop, seed=seed, table=table)
    net = _net(recipe, start, seed)
    course, steps = _course(recipe, net)
    progress = walk(course, steps=steps, file=state_file(recipe), report=report, seed=seed, stop=stop)
    file = folder / f"{recipe.name}{checkpoints.SUFFIX}"
    card = _card(recipe, net, progress)
    model = checkpoints.BUILDERS[recipe.family](card, net.state_dict(), torch.device("cpu"))
    told = course.told if isinstance(course, Stages) else {}
    quality = measured.of(model, recipe.question, compared=start, told=told)
    checkpoints.save(file, card.but(quality=quality), net.state_dict())
    state_file(recipe).unlink(missing_ok=True)  # what is finished is made from nothing the next time
    return file


def _start(recipe: PrototypeRecipe, folder: Path, *, table: Mapping[str, PrototypeRecipe], **how: Any) -> Model | None:
    """The black box that a recipe starts from, made now where there is none."""
    if not recipe.start:
        return None
    file = folder / f"{recipe.start}{checkpoints.SUFFIX}"
    if not file.exists() and recipe.start in {found.stem for found in checkpoints.bundled()}:
        file = checkpoints.find(recipe.start)
    if not file.exists():
        short = recipe.plan.warm + recipe.plan.joint
        first = table[recipe.start]
        first = replace(first, plan=_shortened(first.plan, min(short, first.plan.warm + first.plan.joint)))
        follow(first, folder=folder, table=table, **how)
    return checkpoints.load(file)


def _net(recipe: PrototypeRecipe, start: Model | None, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = NETWORKS[recipe.family](_config(recipe)).to(memory_format=torch.channels_last)
    if start is not None and recipe.plan.trained and hasattr(net, "backbone"):
        net.backbone.load_state_dict(start.classifier.net.backbone.state_dict())
    return net


def _config(recipe: PrototypeRecipe) -> dict[str, Any]:
    """What the family's builder needs."""
    data = dataset(recipe.data)
    channels, size, _ = data.SHAPE
    classes = list(data.FACTORS[column_of(data, recipe.question)].classes)
    return {"size": size, "channels": channels, "question": recipe.question, "classes": classes, **recipe.net}


def _course(recipe: PrototypeRecipe, net: nn.Module) -> tuple[Course, int]:
    shown = shown_of(recipe.data, recipe.question, "train")
    if recipe.family == "black-box":
        steps = recipe.plan.warm + recipe.plan.joint
        return Descent(net, courses.black_box(net, shown, recipe.plan), steps, RATE), steps
    course = Stages(net, COURSES[recipe.family](net, shown, recipe.plan))
    return course, course.steps


def shown_of(data: str, question: str, part: Any) -> Shown:
    """The pictures of one part in which the answer can be seen."""
    rows, pixels = pictures(data, part)
    column = column_of(dataset(data), question)
    seen = dataset(data).visible(rows)[:, column].nonzero()[0]
    return Shown(pixels, seen, rows[seen, column])


def state_file(recipe: PrototypeRecipe) -> Path:
    """Where the state of a run is kept: another recipe, seed or version of the data has another file."""
    whole = json.dumps([asdict(recipe), dataset(recipe.data).VERSION], sort_keys=True)
    return cache_folder() / f"{recipe.name}-{hashlib.sha256(whole.encode()).hexdigest()[:12]}.state"


def _card(recipe: PrototypeRecipe, net: nn.Module, progress: Progress) -> Card:
    data, plan = dataset(recipe.data), recipe.plan
    return Card(
        name=recipe.name, title=recipe.title, family=recipe.family, config=dict(net.config),
        data={"name": recipe.data, "version": data.VERSION, "question": recipe.question, "training_pictures": len(data.split("train")),
              **({"black_box": recipe.start} if recipe.start else {})},
        licence=f"{LICENCE} (weights); data: {data.LICENCE}", credits=data.CREDITS,
        training={
            "steps": progress.step, "warm": plan.warm, "joint": plan.joint, "batch": plan.batch, "projected_from": plan.projected,
            **dict(plan.weights), "seed": plan.seed, "minutes": round(progress.minutes, 1),
            "machine": f"{torch.get_num_threads()} of {os.cpu_count()} cores, CPU", "version": _version(), "torch": torch.__version__,
        },
    )  # fmt: skip
