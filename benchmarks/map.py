"""A map of a million points in a browser: until it can be used, hovering, panning, zooming, a lasso, a hand that asks for pictures, and memory.

    python benchmarks/map.py [--points 1000000] [--latent 4] [--seconds 4] [--json]

A toy model with an atlas of that many codes, on a linear map with two labels, is made in a temporary folder and served by the
real workbench; Chromium runs without a GPU.

*File to interactive*: a page that shows a bundled model opens the toy, whose file nobody has read yet, until the map answers a
hand (its first rows; all of it is measured beside). *Hover*: what one pointer move costs the page. *Pan*, *zoom*: how often a
second the points are painted anew while a hand moves at every frame. *Lasso*: from letting go to the card with what was caught.
*Pictures*: how many new ones a second the stage shows while a hand drags over the map, and how long the server takes for one.
Beside what the clock says stands what the page's main thread (for the file: a process that opens it) computed in that time, as
on a machine that is busy with something else the clock tells of that too. Budgets: 4 s; 10 ms; 40 a second; 400 MB of heap.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bench

HOVERS = 400

SERVED = """
import threading
from pathlib import Path
from explorer.app.app import launch
from explorer.studio.studio import Studio
studio = Studio((Path({file!r}),), first={first!r})
studio.open(studio.first)
kept = launch(studio, port={port})
threading.Event().wait()
"""

PAGE = """
globalThis.bench = {
  model: () => globalThis[Symbol.for('latent-explorer')].model,
  top: () => document.querySelector('.le-map-top'),
  paints: 0,
  at: (share) => { const box = bench.top().getBoundingClientRect(); return [box.left + share[0] * box.width, box.top + share[1] * box.height]; },
  send(type, x, y, more = {}) {
    bench.top().dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true, pointerId: 1, pointerType: 'mouse', clientX: x, clientY: y, ...more }));
  },
  frame: () => new Promise((done) => requestAnimationFrame(done)),
};
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...rest) { if (this.canvas.className === 'le-map-points') bench.paints++; return put.apply(this, rest); };
HTMLElement.prototype.setPointerCapture = () => {};
"""

OPENED = """async (name) => {
  const began = performance.now(), found = {};
  bench.model().send({ type: 'open', model: name });
  for (;;) {
    await bench.frame();
    if (performance.now() - began > 120_000) return { ...found, gave_up: true };
    if (bench.model().get('info')?.name !== name) continue;
    found.opened ??= performance.now() - began;
    const said = bench.top().getAttribute('aria-label') ?? '';
    if (!document.querySelector('.le-map-veil').hidden || !said.includes('%TITLE%')) continue;
    if (found.interactive === undefined) {
      const [x, y] = bench.at([0.5, 0.5]);
      for (let i = 0; i < 40 && document.querySelector('.le-map-tip').hidden; i++) bench.send('pointermove', x + 3 * i, y + i);
      if (document.querySelector('.le-map-tip').hidden) continue;
      found.interactive = performance.now() - began;
    }
    if (!said.includes('so far')) return { ...found, whole: performance.now() - began };
  }
}"""

HOVER = """async (count) => {
  const times = [];
  for (let i = 0; i < count; i++) {
    const [x, y] = bench.at([0.3 + 0.4 * Math.abs(Math.sin(i)), 0.3 + 0.4 * Math.abs(Math.cos(1.7 * i))]);
    const began = performance.now();
    bench.send('pointermove', x, y);
    document.querySelector('.le-map-tip').offsetWidth;
    times.push(performance.now() - began);
    if (i % 4 === 3) await bench.frame();
  }
  bench.send('pointerleave', 0, 0);
  return times;
}"""

MOVED = """async ([how, seconds]) => {
  document.querySelector(`[data-tool="${how === 'pan' ? 'pan' : 'explore'}"]`).click();
  const [x, y] = bench.at([0.5, 0.5]);
  const began = performance.now(), before = bench.paints;
  let frames = 0;
  if (how === 'pan') bench.send('pointerdown', x, y, { buttons: 1 });
  while (performance.now() - began < 1000 * seconds) {
    const t = frames++ / 12;
    if (how === 'pan') bench.send('pointermove', x + 120 * Math.sin(t), y + 80 * Math.cos(1.3 * t), { buttons: 1 });
    else bench.top().dispatchEvent(new WheelEvent('wheel', { bubbles: true, cancelable: true, clientX: x, clientY: y, deltaY: Math.sin(t) > 0 ? -40 : 40 }));
    await bench.frame();
  }
  const passed = (performance.now() - began) / 1000;
  if (how === 'pan') bench.send('pointerup', x, y);
  document.querySelector('[data-tool="explore"]').click();
  return { paints: (bench.paints - before) / passed, painted: bench.paints - before, frames: frames / passed };
}"""

LASSO = """async (reach) => {
  document.querySelector('[data-tool="lasso"]').click();
  const [x, y] = bench.at([0.5, 0.5]);
  const corner = (i) => [x + reach * Math.cos(i / 9.55), y + reach * Math.sin(i / 9.55)];
  bench.send('pointerdown', ...corner(0), { buttons: 1 });
  for (let i = 1; i <= 60; i++) bench.send('pointermove', ...corner(i), { buttons: 1 });
  await bench.frame();
  const began = performance.now();
  bench.send('pointerup', ...corner(60));
  const card = document.querySelector('.le-map-card');
  while (card.hidden) await bench.frame();
  const caught = card.querySelector('strong').textContent;
  await bench.frame();
  const took = performance.now() - began;
  document.querySelector('[data-tool="explore"]').click();
  bench.top().dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  return { caught, took };
}"""

DRAGGED = """async (seconds) => {
  const [x, y] = bench.at([0.5, 0.5]);
  const ages = [], sent = new Map();
  let shown = 0;
  const model = bench.model(), send = model.send;
  model.send = (header, ...rest) => { if (header.type === 'decode' && header.view === 'map') sent.set(header.seq, performance.now()); return send(header, ...rest); };
  const hear = (header) => { if (header.type === 'frame' && sent.has(header.seq)) shown++, ages.push(performance.now() - sent.get(header.seq)); };
  model.on('msg:custom', hear);
  bench.send('pointerdown', x, y, { buttons: 1 });
  const began = performance.now();
  for (let i = 0; performance.now() - began < 1000 * seconds; i++) {
    bench.send('pointermove', x + 100 * Math.sin(i / 15), y + 80 * Math.cos(i / 11), { buttons: 1 });
    await bench.frame();
  }
  const passed = (performance.now() - began) / 1000;
  bench.send('pointerup', x, y);
  model.send = send, model.off('msg:custom', hear);
  return { frames: shown / passed, ages };
}"""


def million(folder: Path, n: int, latent: int) -> Path:
    """Writes a toy model with an atlas of `n` codes into a folder; returns the checkpoint's file."""
    import torch

    from explorer import atlases, checkpoints
    from explorer.core.atlas import Atlas
    from explorer.core.layout import Layout
    from explorer.core.model import Card
    from explorer.methods.maps import pca
    from explorer.models import vae

    generator = torch.Generator().manual_seed(0)
    centres, which = 1.2 * torch.randn(12, latent, generator=generator), torch.randint(12, (n,), generator=generator)
    codes = centres[which] + 0.35 * torch.randn(n, latent, generator=generator)
    config = {"size": 16, "channels": 1, "latent": latent, "widths": [8, 16]}
    spaces = ({"name": "z", "shape": [latent], "prior": "normal"},)
    card = Card(name="million", title="A million codes", family="vae", config=config, spaces=spaces, data={"name": "toys"}, licence="Apache-2.0")
    torch.manual_seed(0)
    file = folder / "million.safetensors"
    card = checkpoints.save(file, card, vae.network(config).state_dict())
    centre = codes.double().mean(dim=0)
    axes, _ = pca.principal(codes.double() - centre, 2)
    layout = Layout("pca", ((codes.double() - centre) @ axes.T).float(), codes, axes.float(), centre.float(), {"method": "pca"})
    labels = {"cluster": which, "side": (codes[:, 0] > 0).long()}
    classes = {"cluster": tuple(f"cluster {i}" for i in range(12)), "side": ("left", "right")}
    atlases.write(Atlas(card.name, card.weights, "z", codes, None, labels, classes, {"pca": layout}), folder)
    return file


@contextlib.contextmanager
def workbench(file: Path, first: str) -> Iterator[str]:
    """Serves the toy beside the bundled models, with `first` open; yields the address."""
    port = bench.free_port()
    script = SERVED.format(file=str(file), first=first, port=port)
    with bench.server("-c", script, port=port, patience=600) as address:
        yield address


def measured(page: Any, address: str, options: Any) -> list[dict[str, Any]]:
    """All figures of one page, as rows."""
    page.add_init_script(PAGE)
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_function("() => { const veil = document.querySelector('.le-map-veil'); return veil && veil.hidden }", timeout=120_000)
    page.wait_for_timeout(2_000)
    thread = Thread(page)
    found, spent = thread.during(OPENED.replace("%TITLE%", f"map of {options.points:,} codes"), "million")
    rows = [
        {"what": "model opened, s", "value": found.get("opened", float("nan")) / 1000},
        {"what": "file to interactive, s", "value": found.get("interactive", float("nan")) / 1000, "budget": 4},
        {"what": "all points there, s", "value": found.get("whole", float("nan")) / 1000, "computed": spent},
    ]
    page.wait_for_timeout(1_000)
    hovers, spent = thread.during(HOVER, HOVERS)
    rows.append({"what": "hover, p50 ms", "value": bench.median(hovers), "budget": 10, "computed": 1000 * spent / HOVERS})
    rows.append({"what": "hover, p95 ms", "value": bench.percentile(hovers, 0.95), "budget": 10})
    for how in ("pan", "zoom"):
        moved, spent = thread.during(MOVED, [how, options.seconds])
        rows.append({"what": f"{how}, paints a second", "value": moved["paints"], "budget": 40})
        rows.append({"what": f"{how}, ms a paint", "computed": 1000 * spent / max(1, moved["painted"]), "budget": 25})
        page.locator(".le-map-top").press("0")
        page.wait_for_timeout(1_000)
    for reach in (40, 400):
        lasso, spent = thread.during(LASSO, reach)
        rows.append({"what": f"lasso, ms ({lasso['caught']})", "value": lasso["took"], "computed": 1000 * spent})
        page.wait_for_timeout(1_000)
    page.wait_for_timeout(3_000)
    dragged, _ = thread.during(DRAGGED, options.seconds)
    rows.append({"what": "pictures a second under a hand", "value": dragged["frames"]})
    rows.append({"what": "asked to answered, p50 ms", "value": bench.median(dragged["ages"])})
    rows += [{"what": what, "value": value, "budget": 400} for what, value in memory(page).items()]
    return rows


class Thread:
    """What a page's main thread computes, by the thread's own clock."""

    def __init__(self, page: Any):
        self._page, self._client = page, page.context.new_cdp_session(page)
        self._client.send("Performance.enable", {"timeDomain": "threadTicks"})

    def during(self, script: str, argument: Any) -> tuple[Any, float]:
        """What a script of the page returns, and the seconds computed until then."""
        before = self._seconds()
        found = self._page.evaluate(script, argument)
        return found, self._seconds() - before

    def _seconds(self) -> float:
        return next(metric["value"] for metric in self._client.send("Performance.getMetrics")["metrics"] if metric["name"] == "TaskDuration")


def opened(file: Path) -> list[dict[str, Any]]:
    """What it takes a process to open the file: the checkpoint, the atlas, the map to begin with."""
    from explorer.studio.studio import Studio

    studio = Studio((file,), first="million")
    began, computed = time.perf_counter(), time.process_time()
    studio.session("million")
    row = {"what": "file opened by a process, s", "value": time.perf_counter() - began, "computed": time.process_time() - computed}
    studio.close()
    return [row]


def memory(page: Any) -> dict[str, float]:
    """The page's heap in MB after a collection: JavaScript objects, and the buffers they hold."""
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.enable")
    client.send("HeapProfiler.collectGarbage")
    usage = client.send("Runtime.getHeapUsage")
    return {"JS heap with buffers, MB": (usage["usedSize"] + usage.get("backingStorageSize", 0)) / 1e6}


def main() -> None:
    options = bench.arguments(__doc__, points=1_000_000, latent=4, seconds=4)
    with tempfile.TemporaryDirectory() as folder:
        file = million(Path(folder), options.points, options.latent)
        with workbench(file, options.model) as address, bench.chromium() as page:
            rows = [*opened(file), *measured(page, address, options)]
    bench.show({"points": options.points, "latent": options.latent, "machine": bench.machine()}, rows, as_json=options.json)


if __name__ == "__main__":
    main()
