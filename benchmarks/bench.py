"""What the benchmarks share: servers in processes of their own, Chromium, medians, and a report that says where it was made."""

import argparse
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the benchmarks run from a checkout
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def arguments(about: str, **extra: Any) -> argparse.Namespace:
    """The command line of a benchmark: `--json`, and numbers with their defaults."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--model", default="avatars-vae")
    for name, default in extra.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(*command: str, port: int, patience: float = 120) -> Iterator[str]:
    """Runs a Python command that serves on `port`, until its page answers; yields the address."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"}
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_for(address, process, patience)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def explorer(port: int, model: str) -> tuple[str, ...]:
    """The command that serves the workbench."""
    return ("-c", "from explorer.cli import main; main()", "serve", model, "--port", str(port), "--no-browser")


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keeps that many other processes computing, as on a machine that also does something else."""
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


def wait_for(address: str, process: subprocess.Popen, patience: float) -> None:
    """Returns once the address answers. Raises RuntimeError when the process ends or time runs out."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with status {process.returncode} before it answered.")
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{address} did not answer within {patience:g} s.")


def chromium_path() -> str | None:
    """Where Chromium is; None leaves the search to Playwright."""
    return next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome") if Path(p).exists()), None)


@contextlib.contextmanager
def chromium(width: int = 1440, height: int = 900) -> Iterator[Any]:
    """A page of a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM)
        page = browser.new_page(viewport={"width": width, "height": height})
        try:
            yield page
        finally:
            browser.close()


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of `values` lies; NaN for none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: list[float]) -> float:
    """The median; NaN for no values."""
    return statistics.median(values) if values else float("nan")


def machine() -> dict[str, Any]:
    """Where the figures were measured."""
    model = (
        next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
        if Path("/proc/cpuinfo").exists()
        else platform.processor()
    )
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def bare_forward(model: str, runs: int = 200) -> float:
    """Median milliseconds of one decode of one code in this process, warmed up: what no live channel can beat."""
    import torch

    import explorer

    loaded = explorer.load(model)
    with torch.inference_mode():
        times = []
        for seed in range(runs + 20):
            code = loaded.space.sample(1, seed)
            began = time.perf_counter()
            loaded.generator.decode(code)
            times.append((time.perf_counter() - began) * 1000)
    return median(times[20:])


def show(report: dict[str, Any], rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Prints the report as JSON, or its rows as a table and the rest below."""
    if as_json:
        plain = [{key: None if value != value else value for key, value in row.items()} for row in rows]  # NaN is not JSON
        print(json.dumps(report | {"rows": plain}, indent=2))
        return
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = [columns, *([_cell(row.get(c)) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    for key, value in report.items():
        print(f"{key}: {value}")


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)
