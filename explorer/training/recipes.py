"""How each bundled checkpoint is made: `train("avatars-vae", folder=...)` makes it again from nothing.

A recipe and a seed fix the run: data, order, noise and initial weights. (Float sums differ between machines and numbers of
cores, so equal files need an equal machine.)
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer import atlases, checkpoints, directions, render
from explorer.core.errors import DataError
from explorer.core.model import Card, Model
from explorer.core.progress import Progress
from explorer.core.space import LatentSpace
from explorer.data.cache import cache_folder
from explorer.data.catalogue import CAPTIONED, GRIDS, dataset
from explorer.data.dataset import Dataset
from explorer.data.store import pictures
from explorer.models import dit as dits
from explorer.models import gan as gans
from explorer.models import judge as judges
from explorer.models import vae as vaes
from explorer.training import captioned, dit, flowed, gan, judge, quality, vae
from explorer.training.loop import Course, Descent, walk

__all__ = ["RECIPES", "Recipe", "follow", "train"]

LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Recipe:
    """What there is to know before training.

    Args:
        name, title: of the checkpoint.
        family: "judge", "vae", "gan" or "dit".
        data: the dataset's name.
        net: what the network is built with, beside what follows from the dataset.
        steps, batch, rate: how long, on how many pictures at a time, with which highest learning rate.
        objective: further arguments of the family's objective.
        judge: the name of the model that says what pictures show.
        teacher: the name of the model that a GAN imitates at first, or "".
        spread: by how much a finished GAN is made to draw less ordinary pictures than in training: its z count as so many times longer.
        own: the dataset itself, where it is nobody else's and so not in the catalogue.
    """

    name: str
    title: str
    family: str
    data: str
    net: Mapping[str, Any]
    steps: int
    batch: int
    rate: float
    objective: Mapping[str, Any] = field(default_factory=dict)
    judge: str = ""
    teacher: str = ""
    spread: float = 1.0
    own: Dataset | None = None

    @property
    def source(self) -> str | Dataset:
        """What `dataset` and `pictures` take."""
        return self.data if self.own is None else self.own


RECIPES = {
    "avatars-judge": Recipe(
        name="avatars-judge", title="Judge of cartoon faces", family="judge", data="avatars",
        net={"widths": [32, 64, 128], "features": 128}, steps=2400, batch=128, rate=2e-3,
    ),
    "avatars-vae": Recipe(
        name="avatars-vae", title="Cartoon faces", family="vae", data="avatars", judge="avatars-judge",
        net={"latent": 32, "widths": [32, 64, 128, 256]}, steps=3000, batch=128, rate=2e-3,
        objective={"error": "both", "scale": 25.0, "detail": 3.0, "focus": [20, 18, 46, 46, 3.0], "ramp": 600, "settle": 2.0, "settle_from": 1700},
    ),
    "avatars-gan": Recipe(
        name="avatars-gan", title="Cartoon faces, style-based", family="gan", data="avatars", judge="avatars-judge", teacher="avatars-vae",
        net={"latent": 64, "widths": [160, 128, 64, 32, 16], "mapping": 128, "depth": 2}, steps=11_800, batch=64, rate=8e-3,
        objective={
            "critic": [32, 48, 96, 192], "critic_rate": 2e-3, "gamma": [3.0, 0.5], "lazy": 8,
            "imitate": 1500, "imitation_rate": 0.01, "handover": 1000, "half_life": 20_000,
            "anchor": 10.0, "anchored": 48, "anchor_from": 4782, "detail": 3.0, "focus": [20, 18, 46, 46, 3.0],
        },
        spread=1.1,  # beyond which the Fréchet distance to 5,000 training pictures gains little and rare classes grow rarer
    ),
    "avatars-dit": Recipe(
        name="avatars-dit", title="Cartoon faces, drawn from a sentence", family="dit", data="avatars", judge="avatars-judge",
        net={"patch": 8, "width": 128, "depth": 6, "heads": 4, "length": 28}, steps=20_000, batch=64, rate=1.5e-3,
    ),
    "digits-judge": Recipe(
        name="digits-judge", title="Judge of handwritten digits", family="judge", data="digits",
        net={"widths": [16, 32, 64], "features": 64}, steps=1000, batch=128, rate=2e-3,
    ),
    "digits-vae": Recipe(
        name="digits-vae", title="Handwritten digits", family="vae", data="digits", judge="digits-judge",
        net={"latent": 24, "widths": [32, 64, 128]}, steps=2400, batch=128, rate=2e-3,
        objective={"scale": 2.0, "ramp": 300},
    ),
    "sprites-judge": Recipe(
        name="sprites-judge", title="Judge of moving shapes", family="judge", data="sprites",
        net={"widths": [16, 32, 64], "features": 128}, steps=1500, batch=128, rate=2e-3,
    ),
    "sprites-vae": Recipe(
        name="sprites-vae", title="Moving shapes", family="vae", data="sprites", judge="sprites-judge",
        net={"latent": 10, "widths": [16, 32, 64, 64]}, steps=4500, batch=128, rate=2e-3,
        objective={"scale": 1.2, "beta": 3.0, "coarse": 64.0, "fine_from": 2000, "ramp": 1},
    ),
    "sprites-vae-flow": Recipe(
        name="sprites-vae-flow", title="Moving shapes, trained with flows", family="vae", data="sprites", judge="sprites-judge",
        net={"latent": 10, "widths": [16, 32, 64, 64]}, steps=2000, batch=128, rate=2e-3,
        objective={
            "scale": 1.2, "beta": 3.0, "coarse": 64.0, "fine_from": 900, "ramp": 1,
            "flows": {"kind": "wave", "pde": 0.1, "start": 1.0, "effect": 0.1},
        },
    ),
}  # fmt: skip


def train(
    name: str,
    *,
    folder: Path,
    report: Callable[[Progress], None],
    stop: Callable[[], bool] = lambda: False,
    steps: int | None = None,
    seed: int = 0,
) -> Path:
    """Makes the checkpoint of that name, with its atlas, in `folder`; returns its file. A run that was stopped goes on.

    Args:
        report: called with the progress, about every 50 steps.
        stop: asked before every step; once true, the state is kept and Stopped is raised.
        steps: instead of the recipe's, for a quick try.

    Raises:
        DataError: there is no recipe of that name, or its data cannot be had.
        Stopped: as asked.
    """
    if name not in RECIPES:
        raise DataError(f"No recipe '{name}'. Known: {', '.join(RECIPES)}.")
    recipe = RECIPES[name] if steps is None else replace(RECIPES[name], steps=steps)
    return follow(recipe, folder=folder, report=report, stop=stop, seed=seed)


def follow(
    recipe: Recipe,
    *,
    folder: Path,
    report: Callable[[Progress], None],
    stop: Callable[[], bool] = lambda: False,
    seed: int = 0,
    look: Callable[[nn.Module], None] = lambda net: None,
) -> Path:
    """Trains by a recipe, measures, and writes checkpoint and atlas; see `train`. `look` is shown the network after every report."""
    if recipe.steps < 1:
        raise DataError(f"'{recipe.name}' needs at least one step of training, got {recipe.steps}.")
    folder.mkdir(parents=True, exist_ok=True)
    judged_by = _beside(recipe.judge, folder)
    learned, progress = _learn(recipe, folder, report=report, stop=stop, seed=seed, look=look)
    net = learned.vae if isinstance(learned, flowed.Flowed) else learned
    model = _as_stored(_card(recipe, progress, seed, net), net)
    model = _guided(recipe, model, judged_by) if recipe.family == "dit" else model
    measured = _measure(recipe, model, judged_by)
    if isinstance(learned, flowed.Flowed):
        measured |= _compared(recipe, learned, folder, report=report, stop=stop, seed=seed)
    file = folder / f"{recipe.name}{checkpoints.SUFFIX}"
    checkpoints.save(file, model.card.but(quality=measured), net.state_dict(), half=True)
    if model.generator is not None and model.denoiser is None:  # a map of mere noise would show nothing
        atlases.build(checkpoints.load(file), recipe.source, seed=seed, folder=folder, judge=judged_by, report=report)
    if isinstance(learned, flowed.Flowed):
        told = {"errors": measured["equivariance"]["flow"], "settings": {**recipe.objective["flows"], "seed": seed}}
        motions = flowed.directions(learned.flows, checkpoints.load(file), atlases.atlas(file), judged_by, **told)
        directions.write(directions.file_of(file), motions)
        state_file(_control(recipe), seed).unlink(missing_ok=True)
    state_file(recipe, seed).unlink(missing_ok=True)  # what is finished is made from nothing the next time
    return file


def _control(recipe: Recipe) -> Recipe:
    """The same training of a VAE without flows: the same pictures and updates."""
    return replace(recipe, objective={**recipe.objective, "flows": {**recipe.objective["flows"], "control": True}})


def _compared(
    recipe: Recipe, learned: nn.Module, folder: Path, *, report: Callable[[Progress], None], stop: Callable[[], bool], seed: int
) -> dict[str, Any]:
    """What flows did for a VAE: its figures beside those of the control, which is trained for that, both with weights as stored."""
    control, progress = _learn(_control(recipe), folder, report=report, stop=stop, seed=seed, look=lambda net: None)
    x = render.from_pixels(pictures(recipe.source, "held-out")[1][: flowed.COMPARED].copy())
    found = flowed.compared(_rounded(learned), _rounded(control), x, scale=recipe.objective["scale"], updates=recipe.steps)
    other = _as_stored(_card(recipe, progress, seed, control.vae), control.vae)
    return found | {"mig_control": quality.of_grid(other, GRIDS[recipe.data])["mig"]["value"], "minutes_control": round(progress.minutes, 1)}


def _rounded(net: nn.Module) -> nn.Module:
    """The network with its weights rounded as they will be in the file, ready to be used."""
    net.load_state_dict({name: t.half().float() if t.is_floating_point() else t for name, t in net.state_dict().items()})
    return net.eval().requires_grad_(False)


def _beside(name: str, folder: Path) -> Model | None:
    """Another model that a recipe needs, from the same folder or from the bundled ones."""
    if not name:
        return None
    beside = folder / f"{name}{checkpoints.SUFFIX}"
    return checkpoints.load(beside if beside.exists() else name)


def _learn(
    recipe: Recipe, folder: Path, *, report: Callable[[Progress], None], stop: Callable[[], bool], seed: int, look: Callable[[nn.Module], None]
) -> tuple[nn.Module, Progress]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _network(recipe).to(memory_format=torch.channels_last)
    course = _course(recipe, net, folder, seed=seed)

    def told(progress: Progress) -> None:
        report(progress)
        look(net)

    progress = walk(course, steps=recipe.steps, file=state_file(recipe, seed), report=told, seed=seed, stop=stop)
    if isinstance(course, dit.Denoising):
        return course.mean, progress
    return gans.whitened(gans.widened(course.mean, recipe.spread)) if isinstance(course, gan.Duel) else net, progress


def _course(recipe: Recipe, net: nn.Module, folder: Path, *, seed: int) -> Course:
    """What is trained, step by step."""
    rows, pixels = pictures(recipe.source, "train")
    if recipe.family == "gan":
        teacher = _beside(recipe.teacher, folder)
        return gan.duel(net, pixels, teacher=teacher, steps=recipe.steps, rate=recipe.rate, batch=recipe.batch, seed=seed, **recipe.objective)
    if recipe.family == "dit":
        words, length = _config(recipe)["vocabulary"], recipe.net["length"]
        return dit.Denoising(
            net, pixels, rows, dataset(recipe.source), words, length, recipe.steps, recipe.rate, recipe.batch, seed, **recipe.objective
        )
    return Descent(net, _objective(recipe, net, rows=rows, pixels=pixels, seed=seed), recipe.steps, recipe.rate)


def state_file(recipe: Recipe, seed: int) -> Path:
    """Where the state of a run is kept: another recipe, seed or version of the data has another file."""
    chosen = {name: value for name, value in asdict(replace(recipe, own=None)).items() if name != "own"}
    whole = json.dumps([chosen, dataset(recipe.source).VERSION, seed], sort_keys=True)
    return cache_folder() / f"{recipe.name}-{hashlib.sha256(whole.encode()).hexdigest()[:12]}.state"


def _config(recipe: Recipe) -> dict[str, Any]:
    """What the family's builder needs."""
    channels, size, _ = dataset(recipe.source).SHAPE
    questions = {factor.name: list(factor.classes) for factor in dataset(recipe.source).FACTORS}
    own = {"judge": lambda: {"questions": questions}, "dit": lambda: {"vocabulary": dit.vocabulary(dataset(recipe.source))}}
    return {"size": size, "channels": channels, **recipe.net, **own.get(recipe.family, dict)()}


def _network(recipe: Recipe) -> nn.Module:
    if "flows" in recipe.objective:
        return flowed.Flowed(vaes.network(_config(recipe)), recipe.net["latent"])
    return {"judge": judges.network, "vae": vaes.network, "gan": gans.network, "dit": dits.network}[recipe.family](_config(recipe))


def _objective(recipe: Recipe, net: nn.Module, *, rows: Any, pixels: Any, seed: int) -> Callable[[int], tuple[Tensor, dict[str, float]]]:
    common = {"batch": recipe.batch, "seed": seed, **recipe.objective}
    if "flows" in recipe.objective:
        options = {name: value for name, value in common.items() if name != "flows"}
        return flowed.objective(net, pictures=len(rows), **options, **recipe.objective["flows"])
    if recipe.family == "vae":
        return vae.objective(net, pixels, **common)
    data = dataset(recipe.source)
    return judge.objective(net, pixels, rows=rows, seen=data.visible(rows), factors=data.FACTORS, **common)


def _card(recipe: Recipe, progress: Progress, seed: int, net: nn.Module) -> Card:
    data = dataset(recipe.source)
    return Card(
        name=recipe.name, title=recipe.title, family=recipe.family, config=_config(recipe),
        spaces=tuple(space.to_dict() for space in _spaces(recipe, net)),
        data={"name": recipe.data, "version": data.VERSION, "training_pictures": len(data.split("train")), "judge": recipe.judge,
              **({"teacher": recipe.teacher} if recipe.teacher else {})},
        licence=data.LICENCE if recipe.own is not None else f"{LICENCE} (weights); data: {data.LICENCE}", credits=data.CREDITS,
        training={
            "steps": progress.step, "batch": recipe.batch, "rate": recipe.rate, **recipe.objective,
            **({"spread": recipe.spread} if recipe.spread != 1 else {}),
            "seed": seed, "minutes": round(progress.minutes, 1), "machine": f"{torch.get_num_threads()} of {os.cpu_count()} cores, CPU",
            "version": _version(), "torch": torch.__version__,
        },
    )  # fmt: skip


def _spaces(recipe: Recipe, net: nn.Module) -> tuple[LatentSpace, ...]:
    if isinstance(net, gans.GAN):
        return gans.spaces(net)
    if recipe.family == "dit":
        return (LatentSpace("noise", tuple(dataset(recipe.source).SHAPE)),)
    return (LatentSpace("z", (recipe.net["latent"],)),) if recipe.family == "vae" else ()


def _version() -> str:
    """The version of the installed explorer; a source tree that was never installed has none."""
    try:
        return version("latent-explorer")
    except PackageNotFoundError:
        return "source"


def _as_stored(card: Card, net: nn.Module) -> Model:
    """The model with its weights rounded as they will be in the file."""
    rounded = {name: t.half().float() if t.is_floating_point() else t for name, t in net.state_dict().items()}
    return checkpoints.BUILDERS[card.family](card, rounded, torch.device("cpu"))


def _guided(recipe: Recipe, model: Model, judge: Model) -> Model:
    """The model with the guidance in its card under which it draws most of what is said."""
    guidance, tried = captioned.best_guidance(model.need("generator"), judge, CAPTIONED[recipe.data], captions=captioned.TRIED)
    card = model.card.but(config=model.card.config | {"guidance": guidance}, training=model.card.training | {"guidance_tried": tried})
    return replace(model, card=card, generator=model.generator.guided(guidance))


def _measure(recipe: Recipe, model: Model, judged_by: Model | None) -> dict[str, Any]:
    """The figures of the model on the held-out pictures."""
    data = dataset(recipe.source)
    rows, pixels = pictures(recipe.source, "held-out")
    x = render.from_pixels(pixels.copy())
    if recipe.family == "judge":
        return quality.of_judge(model, data, rows=rows, x=x)
    if recipe.family == "dit":
        return captioned.of_captioned(model, judged_by, CAPTIONED[recipe.data], x=x, captions=captioned.CAPTIONS, samples=captioned.SAMPLES)
    if judged_by is None:
        return quality.of_autoencoder(model, x=x)
    if recipe.family == "gan":
        return quality.of_gan(model, judged_by, data, x=x, samples=quality.SAMPLES)
    measured = quality.of_vae(model, judged_by, data, rows=rows, x=x, samples=quality.SAMPLES)
    return measured | quality.of_grid(model, GRIDS[recipe.data]) if recipe.data in GRIDS else measured
