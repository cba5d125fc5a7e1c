"""Live dragging in Chromium: new pictures a second, how old each is when it is painted, and whether the last position is shown.

    python benchmarks/live.py [--seconds 5] [--drags 8] [--busy 0] [--json]

A slider is dragged by one input event an animation frame. *Age*: from the event whose picture is shown to the paint (animation
frame and message task after drawing). *Settle*: from the last event of a drag to the paint of its picture. In the same run:
the bare forward, a plain WebSocket client without a browser, and the same decoder behind `gr.Slider -> gr.Image` with Gradio's
defaults and with `trigger_mode="always_last"`, whose pictures carry a stamped number that the page reads back.

A screen of 60 Hz shows at most 60 pictures a second, whatever the channel. `--busy N` keeps N other processes computing meanwhile.
"""

import argparse
import asyncio
import time

import bench
from websockets.asyncio.client import connect

from explorer.live.protocol import VERSION, pack, unpack

OURS = """async ({ seconds, drags }) => {
  Element.prototype.setPointerCapture = () => {};  // made-up pointers cannot be captured
  const rail = [...document.querySelectorAll(".le-track-rail")].find((each) => each.getBoundingClientRect().width > 0);
  const model = globalThis[Symbol.for("latent-explorer")].model;
  const axis = model.get("info").space.axes.indexOf(rail.getAttribute("aria-label"));
  const painted = [], events = [];
  document.addEventListener("le:painted", (event) => painted.push({ sent: event.detail.seq / 1000 - performance.timeOrigin, t: event.detail.t, shown: model.get("frame").code[axis] }));
  const box = rail.getBoundingClientRect();
  const fire = (kind, share) => {
    events.push(performance.now());
    const options = { bubbles: true, pointerId: 1, pointerType: "mouse", button: 0, buttons: 1, clientX: box.left + share * box.width, clientY: box.top + box.height / 2 };
    rail.dispatchEvent(new PointerEvent(kind, options));
  };
  const frame = () => new Promise(requestAnimationFrame), pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const drag = async (ms) => {
    fire("pointerdown", 0.5);
    const began = performance.now();
    for (let step = 0; performance.now() - began < ms; step++) { await frame(); fire("pointermove", 0.5 + 0.4 * Math.sin(step / 20)); }
    fire("pointerup", 0.5);
    const last = events.at(-2);  // the last move; letting go moves nothing
    await pause(700);
    const value = Number(rail.getAttribute("aria-valuenow"));
    return { right: Math.abs(painted.at(-1).shown - value) < 0.02, settle: (painted.find((p) => p.sent >= last - 1 && Math.abs(p.shown - value) < 0.02)?.t ?? NaN) - last };
  };
  await drag(1000);
  painted.length = events.length = 0;
  const main = await drag(seconds * 1000);
  const during = painted.filter((p) => p.t <= events.at(-1));
  const ages = during.map((p) => p.t - events.filter((t) => t <= p.sent + 0.5).at(-1));
  const disorder = painted.filter((p, i) => i && p.sent < painted[i - 1].sent).length;
  const ends = [main];
  for (let i = 0; i < drags; i++) ends.push(await drag(400 + 37 * i));
  return { frames: during.length, ages, disorder, right: ends.filter((e) => e.right).length, ends: ends.length, settle: ends.map((e) => e.settle), inputs: events.length };
}"""

GRADIO = """async ({ which, seconds, drags, bits, block }) => {
  const input = document.querySelector(`#slider-${which} input[type=range]`);
  const canvas = Object.assign(document.createElement("canvas"), { width: bits * block, height: block });
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  const setter = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  const frame = () => new Promise(requestAnimationFrame), pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const read = () => {
    const image = document.querySelector(`#image-${which} img`);
    if (!image?.complete || !image.naturalWidth) return null;
    ink.drawImage(image, 0, 0);
    const pixels = ink.getImageData(0, 0, bits * block, block).data;
    return Array.from({ length: bits }, (_, bit) => (pixels[4 * (bits * block + bit * block + 1)] > 127 ? 1 << bit : 0)).reduce((a, b) => a + b, 0);
  };
  let number = 0, shown = null, shownAt = 0;
  const sent = new Map();
  const send = () => { number = (number % 1000) + 1; sent.set(number, performance.now()); setter.call(input, number); input.dispatchEvent(new Event("input", { bubbles: true })); };
  const drag = async (ms) => {
    const ages = [];
    const began = performance.now();
    let disorder = 0;
    const look = () => {
      const now = read();
      if (now !== null && now !== shown) {
        if (sent.has(shown) && sent.has(now) && sent.get(now) < sent.get(shown)) disorder++;
        shown = now, shownAt = performance.now();
        if (sent.has(now) && sent.get(now) >= began) ages.push(shownAt - sent.get(now));
      }
    };
    while (performance.now() - began < ms) { await frame(); send(); look(); }
    const last = performance.now(), frames = ages.length;
    while (performance.now() - last < 2000 && shown !== number) { await frame(); look(); }
    return { frames, ages, disorder, right: shown === number, settle: shown === number ? shownAt - last : NaN };
  };
  await drag(1000);
  const main = await drag(seconds * 1000), ends = [main];
  for (let i = 0; i < drags; i++) ends.push(await drag(400 + 37 * i));
  return { ...main, right: ends.filter((e) => e.right).length, ends: ends.length, settle: ends.map((e) => e.settle) };
}"""


def row(name: str, seconds: float, found: dict) -> dict:
    settled = [s for s in found["settle"] if s == s]
    return {
        "channel": name, "new frames / s": found["frames"] / seconds, "age p50 ms": bench.median(found["ages"]), "age p95 ms": bench.percentile(found["ages"], 0.95),
        "last shown": f"{found['right']} of {found['ends']}", "settle p50 ms": bench.median(settled), "settle max ms": max(settled, default=float("nan")), "out of order": found["disorder"],
    }  # fmt: skip


async def overhead(address: str, requests: int = 200) -> dict[str, float]:
    """Milliseconds of a request without a browser, and how much of it is not the decode itself; medians."""
    whole, beyond = [], []
    async with connect(address.replace("http", "ws") + "live", max_size=None) as socket:
        await socket.send(pack({"type": "hello", "version": VERSION}))
        await socket.recv()
        for step in range(requests):
            began = time.perf_counter()
            patch = {"spot": {"origin": {"kind": "seed", "seed": 1}, "axes": [[0, step % 20 / 5 - 2]]}}
            await socket.send(pack({"type": "decode", "seq": step, "view": "bench", "patch": patch}))
            header, _ = unpack(await socket.recv())
            whole.append((time.perf_counter() - began) * 1000)
            beyond.append(whole[-1] - header["decode_ms"])
            await asyncio.sleep(0.02)
    return {"round trip p50": round(bench.median(whole), 2), "beyond the decode p50": round(bench.median(beyond), 2)}


def main() -> None:
    options = bench.arguments(__doc__, seconds=5.0, drags=8, busy=0)
    with bench.busy(options.busy):
        measure(options)


def measure(options: argparse.Namespace) -> None:
    given = {"seconds": options.seconds, "drags": options.drags}
    rows = []
    port = bench.free_port()
    with bench.server(*bench.explorer(port, options.model), port=port) as address:
        with bench.chromium() as page:
            page.goto(address)
            page.wait_for_selector("[data-view=stage][data-seq], [data-view=stage] [data-seq]", state="attached", timeout=60_000)
            page.get_by_role("tab", name="Sliders").click()
            page.wait_for_selector(".le-track-rail")
            page.wait_for_timeout(1500)
            rows.append(row("live channel", options.seconds, page.evaluate(OURS, given)))
        plain = asyncio.run(overhead(address))
    port = bench.free_port()
    with bench.server("benchmarks/gradio_baseline.py", options.model, str(port), port=port) as address, bench.chromium() as page:
        page.goto(address)
        page.wait_for_selector("#slider-always_last input[type=range]", timeout=60_000)
        page.wait_for_timeout(1500)
        for which in ("defaults", "always_last"):
            rows.append(row(f"Gradio, {which}", options.seconds, page.evaluate(GRADIO, given | {"which": which, "bits": 10, "block": 4})))
    ratio = rows[0]["new frames / s"] / max(r["new frames / s"] for r in rows[1:])
    report = {
        "other busy processes": options.busy,
        "ratio to the better Gradio row": round(ratio, 1),
        "bare forward ms": round(bench.bare_forward(options.model), 2),
        "without a browser, ms": plain,
        "machine": bench.machine(),
    }
    bench.show(report, rows, as_json=options.json)


if __name__ == "__main__":
    main()
