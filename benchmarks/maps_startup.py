"""What a map costs at the start: the first PCA map, the page's event loop while umap loads, and memory.

    python benchmarks/maps_startup.py [--codes 10000] [--size 32] [--runs 3] [--json]

*First PCA map*: a fresh interpreter imports what it needs and maps the codes, honesty included; without the import beside it.
*UMAP*: one map with a new worker, one with the same worker warm, in a fresh interpreter whose event loop ticks every 5 ms
meanwhile; a late tick is a page that does not answer. *Peak memory* is that of the interpreter and of the largest worker.
The notes' own sizes: `--codes 10000 --size 64` for the PCA map (budget 1 s), `--codes 100000 --size 64` for memory (6 GB).
"""

import json
import os
import subprocess
import sys
from typing import Any

import bench

CODES = """
import sys, time
began = time.perf_counter()
import torch
from explorer.methods.maps import pca
generator = torch.Generator().manual_seed(0)
centres = torch.randn(20, {size}, generator=generator)
codes = centres[torch.randint(20, ({n},), generator=generator)] + 0.3 * torch.randn({n}, {size}, generator=generator)
"""

FIRST = (
    CODES
    + """
loaded = time.perf_counter()
pca.fit(codes)
mapped = time.perf_counter()
pca.fit(codes)
print(mapped - began, mapped - loaded, time.perf_counter() - mapped)
"""
)

LOOP = (
    CODES
    + """
import asyncio, json, resource
from explorer.methods.maps import umap

async def ticks(phase, late, stop):
    while not stop.is_set():
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        late[phase[0]] = max(late.get(phase[0], 0), 1000 * (time.perf_counter() - due))

def watch(phase):
    spent, last = dict(), [time.perf_counter()]
    def report(word):
        now = time.perf_counter()
        spent[phase[0]] = now - last[0]
        last[0], phase[0] = now, word
    return spent, report

async def main():
    out, phase = dict(), [""]
    with umap.Worker() as worker:
        for key in ("first", "warm"):
            phase[0], late, stop = "starting", dict(), asyncio.Event()
            spent, report = watch(phase)
            ticking = asyncio.create_task(ticks(phase, late, stop))
            await asyncio.to_thread(umap.fit, codes, seed=0, report=report, worker=worker)
            report("done")
            stop.set()
            await ticking
            out[key] = dict(spent=spent, late=late)
    scale = 1024 if sys.platform != "darwin" else 1
    out["page_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6
    out["worker_rss_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * scale / 1e6
    print(json.dumps(out))

asyncio.run(main())
"""
)


def run(script: str, *, n: int, size: int) -> str:
    """What a script prints in a fresh interpreter, with codes `(n, size)`."""
    code = script.replace("{n}", str(n)).replace("{size}", str(size))
    environment = os.environ | {"PYTHONPATH": str(bench.ROOT)}
    return subprocess.run([sys.executable, "-c", code], cwd=bench.ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def first_map(n: int, size: int, runs: int) -> list[dict[str, Any]]:
    """Seconds from process start to the first PCA map; without imports; and again."""
    run(FIRST, n=n, size=size)
    times = [[float(word) for word in run(FIRST, n=n, size=size).split()] for _ in range(runs)]
    names = ("first PCA map, imports included", "first PCA map, imports done", "second PCA map")
    return [{"what": name, "seconds": f"{bench.median(list(column)):.2f}"} for name, column in zip(names, zip(*times, strict=True), strict=True)]


def main() -> None:
    options = bench.arguments(__doc__, codes=10_000, size=32, runs=3)
    rows = first_map(options.codes, options.size, options.runs)
    found = json.loads(run(LOOP, n=options.codes, size=options.size))
    for key in ("first", "warm"):
        rows.append({"what": f"UMAP, {key} map of the worker", **_row(found[key])})
    memory = {"page peak MB": round(found["page_rss_mb"]), "worker peak MB": round(found["worker_rss_mb"])}
    bench.show({"codes": options.codes, "size": options.size, **memory, "machine": bench.machine()}, rows, as_json=options.json)


def _row(one: dict[str, dict[str, float]]) -> dict[str, str]:
    phases = ", ".join(f"{name} {seconds:.1f} s (tick {one['late'].get(name, 0):.0f} ms late)" for name, seconds in one["spent"].items())
    return {"seconds": f"{sum(one['spent'].values()):.1f}", "phases, and the latest tick in each": phases}


if __name__ == "__main__":
    main()
