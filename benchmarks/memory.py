"""Whether memory stays flat: models opened and closed again, and visitors who come and go.

    python benchmarks/memory.py [--loads 200] [--visits 1000] [--json]

*Loads*: a studio with room for one model opens two of them in turn, each time from its file, and draws one picture of each. The
bundled models; a folder saved by diffusers (25 MB of weights) with an ONNX decoder, both made for this; *visits*: one model, and
visitors who say hello, look at five pictures, commit a step and are gone. Each in a fresh interpreter. Resident memory is read
after each; the first quarter is warm-up, *growth* compares the means of the first and of the last tenth of what follows it.
Budget: at most 2 % growth, and 1.2 GB for the visits.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench

ALLOWED = 2.0  # percent


def resident() -> float:
    """Megabytes of this process in memory now; elsewhere than on Linux the most there ever were."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def measured(count: int, once: Callable[[int], None]) -> list[float]:
    """Resident memory after each of `count` calls."""
    series = []
    for number in range(count):
        once(number)
        series.append(resident())
    return series


def loads(studio: Any, names: list[str], count: int) -> list[float]:
    """Opens models in turn, draws a picture of each, and makes sure that the other one has gone."""

    def once(number: int) -> None:
        name, other = names[number % 2], names[1 - number % 2]
        model = studio.model(name)
        studio.decode(name, model.space.sample(1, number))
        assert studio.holds(name) and not studio.holds(other)

    return measured(count, once)


def bundled(options: dict[str, Any]) -> list[float]:
    from explorer.studio.studio import Studio

    return loads(Studio(budget=1), ["avatars-vae", "digits-vae"], options["loads"])


def strangers(options: dict[str, Any]) -> list[float]:
    from explorer.studio.studio import Studio
    from tests.strangers import autoencoder_kl, onnx_decoder

    with tempfile.TemporaryDirectory() as folder:
        folders = Path(folder)
        autoencoder_kl(folders / "kl", widths=(32, 128, 192), sample_size=64)
        onnx_decoder(folders / "d.onnx", latent=(64,), picture=(3, 128, 128))
        studio = Studio(budget=1)
        return loads(studio, [studio.know(folders / "kl"), studio.know(folders / "d.onnx")], options["loads"])


def visits(options: dict[str, Any]) -> list[float]:
    import asyncio

    from explorer.live.desk import Desk, Visitor
    from explorer.live.protocol import VERSION, pack, unpack
    from explorer.studio.studio import Studio

    desk = Desk(Studio(first=options["model"]))

    async def ask(visitor: Visitor, kind: str, **fields: Any) -> dict[str, Any]:
        header, _ = unpack(await desk.answer(visitor, pack({"type": kind, "seq": 0, "view": "bench", **fields})))
        assert header["type"] != "error", header
        return header

    async def visit(number: int) -> None:
        visitor = Visitor()
        await ask(visitor, "hello", version=VERSION)
        for step in range(5):
            await ask(visitor, "decode", patch={"spot": {"origin": {"kind": "seed", "seed": number * 5 + step}}}, still=step == 4)
        await ask(visitor, "commit", patch={"spot": {"origin": {"kind": "seed", "seed": number}}}, label="a step")

    with asyncio.Runner() as runner:
        return measured(options["visits"], lambda number: runner.run(visit(number)))


def row(what: str, series: list[float]) -> dict[str, Any]:
    """How much memory there was after the warm-up and at the end."""
    kept = series[len(series) // 4 :]
    tenth = max(2, len(kept) // 20 * 2)  # even, since two models take turns
    begin, end = statistics.fmean(kept[:tenth]), statistics.fmean(kept[-tenth:])
    return {
        "what": what, "times": len(series), "MB after warm-up": begin, "MB at the end": end, "growth %": 100 * (end / begin - 1), "most MB": max(series),
    }  # fmt: skip


PARTS = {"loads, bundled models": bundled, "loads, other people's formats": strangers, "visits": visits}


def main() -> None:
    options = bench.arguments(__doc__, loads=200, visits=1000, part="")
    if options.part:
        print(json.dumps(PARTS[options.part](vars(options))), flush=True)
        os._exit(0)  # engine and runtimes have threads of their own
    rows = []
    for part in PARTS:
        command = [sys.executable, __file__, "--part", part, "--loads", str(options.loads), "--visits", str(options.visits), "--model", options.model]
        run = subprocess.run(command, cwd=bench.ROOT, env=os.environ | {"PYTHONPATH": str(bench.ROOT)}, stdout=subprocess.PIPE, text=True, check=True)
        rows.append(row(part, json.loads(run.stdout.splitlines()[-1])))
    report = {"machine": bench.machine(), "allowed growth %": ALLOWED, "kept": all(r["growth %"] <= ALLOWED for r in rows)}
    bench.show(report, rows, as_json=options.json)


if __name__ == "__main__":
    main()
