"""How long it takes from the command to the first words, the first page and the first picture (set-up done).

    python benchmarks/startup.py [--runs 3] [--json]

`python launch.py` is started anew each time, after one uncounted run. *First page*: the address answers with the page.
*First picture*: the stage has painted in Chromium, which was open before. Beside them `import explorer` and `import gradio`.
"""

import os
import signal
import subprocess
import sys
import time

import bench


def start_once(page, model: str) -> dict[str, float]:
    """Seconds from process start to the first words, to the page and to the first painted picture."""
    port = bench.free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "launch.py", "--no-browser", "--port", str(port)],
        cwd=bench.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        process.stdout.readline()
        words = time.perf_counter() - began
        bench.wait_for(f"http://127.0.0.1:{port}/", process, 120)
        answered = time.perf_counter() - began
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("[data-view=stage] [data-seq], [data-view=stage][data-seq]", timeout=120_000, state="attached")
        return {"words": words, "page": answered, "picture": time.perf_counter() - began}
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def import_seconds(module: str) -> float:
    """Seconds to import a module in a fresh interpreter, the interpreter's own start taken off."""
    times = []
    for statement in ("pass", f"import {module}"):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True, cwd=bench.ROOT)
        times.append(time.perf_counter() - began)
    return times[1] - times[0]


def main() -> None:
    options = bench.arguments(__doc__, runs=3)
    with bench.chromium() as page:
        start_once(page, options.model)
        runs = [start_once(page, options.model) for _ in range(options.runs)]
    rows = [{"what": what, "median s": f"{bench.median([run[what] for run in runs]):.2f}"} for what in ("words", "page", "picture")]
    for module in ("explorer", "gradio"):
        import_seconds(module)
        rows.append({"what": f"import {module}", "median s": f"{bench.median([import_seconds(module) for _ in range(options.runs)]):.2f}"})
    bench.show({"machine": bench.machine()}, rows, as_json=options.json)


if __name__ == "__main__":
    main()
