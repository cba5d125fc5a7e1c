"""Directions of every method, compared: how well they can be told apart, what leaks, how evenly they move, what they cost.

    python benchmarks/directions.py             every model and method; goes on where it was stopped, writes results/directions.json
    python benchmarks/directions.py --quick 1   one model, one seed, fewer pairs, printed only

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
UPDATES = {"hessian": 100, "linear": 400, "warped": 400, "flow": 400, "flow, no equation": 400}
BUNDLED = "flow, bundled"  # the trained flow that comes with a model, where there is one
COUNT = 8
RESULTS = Path(__file__).parent / "results" / "directions.json"
SETTINGS = {"count": COUNT, "pairs": 2000, "epochs": 30, "seeds": 3, "starts": 96, "updates": UPDATES}
QUICK = {**SETTINGS, "pairs": 800, "epochs": 10, "seeds": 1, "starts": 32, "updates": dict.fromkeys(UPDATES, 60)}


def row(model: str, method: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Finds and measures the directions of one method on one model; None where there are none."""
    import torch

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
        whole = [ground.measured(direction, starts=settings["starts"]) for direction in found]
    told = scored(ground, whole, settings) | leaked(whole) | moved(ground, whole)
    return {"model": model, "method": method} | told | cost | learned(found, method, settings)


def grounded(model: str) -> Any:
    """The model, its atlas and its judge."""
    from explorer.studio.compass import ground_of
    from explorer.studio.studio import Studio

    studio = Studio()
    return ground_of(studio.open(model), studio.judge(model))


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


def scored(ground: Any, found: list[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The variation-predictability score."""
    from explorer.methods.measure import variation

    if len(found) < 2:
        return {}
    x, which = variation.pairs(found, ground.decode, ground.sample, n=settings["pairs"])
    told = variation.predictability(x, which, count=len(found), epochs=settings["epochs"], seeds=settings["seeds"])
    return {
        "K": len(found), "VP last": mean(told.last), "VP highest": mean(told.highest), "range": [min(told.last), max(told.last)],
        "VP by seed": list(told.last),
    }  # fmt: skip


def leaked(found: list[Any]) -> dict[str, Any]:
    """The leakage of those that reach a class, and how many do."""
    matched = [d.evidence["matched"] for d in found if d.evidence.get("matched")]
    if not matched:
        return {}
    leaks = [m["leakage_mean"] for m in matched if m["matched"] and m["leakage_mean"] is not None]
    return {"leak": mean(leaks) if leaks else None, "reached": f"{len(leaks)} of {len(matched)}", "most": mean([m.get("most", 0.0) for m in matched])}


def moved(ground: Any, found: list[Any]) -> dict[str, Any]:
    """How much of what moves is one attribute's, and how evenly the picture moves."""
    from explorer.methods.measure.effects import attribute_matrix, path_length, shares

    starts = ground.starts(32)
    even = mean([path_length(direction, ground.scene, starts, unit=ground.unit) for direction in found])
    if ground.scene.judge is None:
        return {"PPL": even}
    matrix = attribute_matrix(found, ground.scene, starts)
    return {"share": float(shares(matrix).amax(dim=1).mean()), "PPL": even, "matrix": [[round(v, 4) for v in line] for line in matrix.tolist()]}


def learned(found: list[Any], method: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What training took, of what is trained."""
    updates = found[0].settings.get("updates") if method == BUNDLED else settings["updates"].get(method)
    return {} if updates is None else {"updates": updates, "named by its own network": found[0].settings.get("accuracy")}


def mean(values: Any) -> float:
    return sum(values) / len(values)


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
    options = bench.arguments(__doc__.splitlines()[0], quick=0, only="", minutes=0)
    from explorer import checkpoints

    settings, models = (QUICK, (options.model,)) if options.quick else (SETTINGS, MODELS)
    weights = {model: checkpoints.read(checkpoints.find(model)).weights for model in models}
    rows, began = [] if options.quick else kept(weights, settings), time.monotonic()
    command = f"python benchmarks/directions.py{' --quick 1 --model ' + options.model if options.quick else ''}"
    report = {"command": command, "weights": weights, "settings": settings, "machine": bench.machine()}
    for method in (*METHODS, BUNDLED):
        for model in models:
            done = any(each["model"] == model and each["method"] == method for each in rows)
            if done or (options.only and options.only != method) or (options.minutes and time.monotonic() - began > 60 * options.minutes):
                continue
            print(f"{model}: {method}", file=sys.stderr, flush=True)
            if (made := fresh(model, method, settings)) is not None:
                rows.append(made)
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
