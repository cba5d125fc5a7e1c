"""Directions of every method, compared: how well they can be told apart, what leaks, how evenly they move, what they cost.

    python benchmarks/directions.py             every model and method; goes on where it was stopped, writes results/directions.json
    python benchmarks/directions.py --quick 1   one model, one seed, fewer updates, printed only

A row is one method on one model, eight directions brought to equal image change:

- VP: a fresh network learns from a tenth of the pairs at 32 pixels which direction made them; its accuracy on the others, after the last
  epoch and the highest of every tenth (mean and range over seeds of the network; chance is 1/8);
- leak: the share in which other attributes have changed when 80 % of the starts have reached the class that a direction leads to, over the
  directions that get so far (`reached` says how many); the judge names the classes, and for a method without labels also finds which;
- share: of all that a direction moves, how much goes into the attribute that it moves most (L1, `methods/measure/effects.py`); PPL likewise;
- s, MB: what finding them took, and the memory it needed beyond the model's.

Each row is made in a process of its own. Trained methods take fewer updates than they would be given elsewhere, and say how many.
"""

import json
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import bench

MODELS = ("avatars-vae", "avatars-gan", "sprites-vae")
METHODS = ("random", "pca", "sefa", "jacobian", "hessian", "linear", "warped", "flow", "flow, no equation", "logistic", "mean difference", "gradient")
UPDATES = {"hessian": 40, "linear": 200, "warped": 200, "flow": 200, "flow, no equation": 200}
BUNDLED = "flow, bundled"  # the trained flow that comes with a model, where there is one
COUNT = 8
AMOUNTS = tuple(float(i) for i in range(-4, 5))
RESULTS = Path(__file__).parent / "results" / "directions.json"
SETTINGS = {"count": COUNT, "pairs": 800, "epochs": 20, "seeds": 3, "starts": 24, "updates": UPDATES}
QUICK = {**SETTINGS, "seeds": 1, "starts": 24, "updates": dict.fromkeys(UPDATES, 60)}


def row(model: str, method: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Finds and measures the directions of one method on one model; None where there are none."""
    import torch

    from explorer.methods.directions import scores

    torch.set_num_threads(1)
    ground = grounded(model)
    _ = ground.decode(ground.starts(32)), ground.unit
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    found = directions(ground, method, settings)
    if not found:
        return None
    cost = {"s": time.perf_counter() - began, "MB": max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}
    if method == BUNDLED:
        cost = {"s": 60 * found[0].settings.get("minutes", float("nan"))}
    with torch.no_grad():
        whole = [ground.measured(direction, starts=settings["starts"], amounts=AMOUNTS) for direction in found]
    told = scores.scored(ground, whole, pairs=settings["pairs"], epochs=settings["epochs"], seeds=settings["seeds"])
    told |= scores.leaked(whole) | scores.moved(ground, whole, starts=12, looks=5)
    return {"model": model, "method": method} | told | cost | learned(found, method, settings)


def grounded(model: str) -> Any:
    """The model, its atlas and its judge."""
    from explorer.studio.compass import ground_of
    from explorer.studio.studio import Studio

    studio = Studio()
    ground = ground_of(studio.open(model), studio.judge(model))
    return replace(ground, scene=replace(ground.scene, encoder=None))  # nothing here asks for the cycle


def directions(ground: Any, method: str, settings: dict[str, Any]) -> list[Any]:
    """Eight directions, or as many as there are; none where a model lacks what a method needs."""
    from explorer import directions as files
    from explorer.core.errors import CheckpointError, DataError
    from explorer.methods.directions.find import METHODS as KNOWN
    from explorer.methods.directions.find import Wish, find, why_not
    from explorer.places import checkpoints

    if method == BUNDLED:
        try:
            return [d for d in files.read(checkpoints() / f"{ground.model.card.name}{files.SUFFIX}", ground.model) if d.method == "flow"]
        except CheckpointError:
            return []
    name, updates = method.split(",")[0], settings["updates"].get(method, 0)
    if why_not(ground, name):
        return []
    wish = Wish(name, count=min(settings["count"], ground.space.size), updates=updates, equation="none" if "no equation" in method else "wave")
    wishes = [replace(wish, attribute=a, toward=c) for a, c in targets(ground)] if KNOWN[name].kind == "supervised" else [wish]
    found = []
    for each in wishes:
        try:
            found += find(ground, each)
        except DataError:  # nothing to be found: an even cloud has no principal axis, a class no straight boundary
            continue
    return found


def targets(ground: Any) -> list[tuple[str, str]]:
    """Eight classes: the last of each attribute, then the first of each, until there are eight."""
    if ground.atlas is None:
        return []
    classes = {a: names for a, names in ground.atlas.classes.items() if a in ground.scene.judge.questions}
    return [*((a, names[-1]) for a, names in classes.items()), *((a, names[0]) for a, names in classes.items())][:COUNT]


def learned(found: list[Any], method: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What training took, of what is trained."""
    updates = found[0].settings.get("updates") if method == BUNDLED else settings["updates"].get(method)
    return {} if updates is None else {"updates": updates, "named by its own network": found[0].settings.get("accuracy")}


def kept(weights: dict[str, str], settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an earlier run with the same settings and the same weights."""
    if not RESULTS.is_file():
        return []
    report = json.loads(RESULTS.read_text())
    same = {model for model, digest in report["weights"].items() if weights.get(model) == digest}
    return [each for each in report["rows"] if each["model"] in same] if report["settings"] == settings else []


def fresh(model: str, method: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """`row` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(row, model, method, settings).result()


def main() -> None:
    options = bench.arguments(__doc__.splitlines()[0], quick=0, only="", rows=0)
    from explorer import checkpoints

    settings, models = (QUICK, (options.model,)) if options.quick else (SETTINGS, MODELS)
    weights = {model: checkpoints.read(checkpoints.find(model)).weights for model in models}
    rows, fresh_rows = [] if options.quick else kept(weights, settings), 0
    command = f"python benchmarks/directions.py{' --quick 1 --model ' + options.model if options.quick else ''}"
    report = {"command": command, "weights": weights, "settings": settings, "machine": bench.machine()}
    for method in (*METHODS, BUNDLED):
        for model in models:
            done = any(each["model"] == model and each["method"] == method for each in rows)
            if done or (options.only and options.only != method) or (options.rows and fresh_rows >= options.rows):
                continue
            print(f"{model}: {method}", file=sys.stderr, flush=True)
            fresh_rows += 1
            made = fresh(model, method, settings)
            rows = rows if options.quick else kept(weights, settings)  # another run may have added to them meanwhile
            rows += [made] if made is not None else []
            if not options.quick:
                RESULTS.write_text(json.dumps(report | {"rows": rows}, indent=1) + "\n")
    order = [(model, method) for model in models for method in (*METHODS, BUNDLED)]
    rows.sort(key=lambda each: order.index((each["model"], each["method"])))
    bench.show(report, rows if options.json else [shown(each) for each in rows], as_json=options.json)


def shown(each: dict[str, Any]) -> dict[str, Any]:
    """A row as people read it: shares in percent."""
    percent = {key: 100 * each[key] for key in ("VP last", "VP highest", "leak", "most", "share") if each.get(key) is not None}
    spread = {"VP range": "{:.0f}-{:.0f}".format(*(100 * v for v in each["range"]))} if "range" in each else {}
    plain = {key: each[key] for key in ("model", "method", "K") if key in each}
    rest = {key: each[key] for key in ("reached", "PPL", "s", "MB", "updates") if key in each}
    return plain | {f"{key} %": value for key, value in percent.items()} | spread | rest


if __name__ == "__main__":
    main()
