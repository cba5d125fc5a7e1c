"""Edits along directions, live: a slider dragged on top of eight stacked edits, and how soon ten directions are measured.

    python benchmarks/edits.py [--model avatars-vae] [--seconds 5] [--drags 8] [--thorough 0] [--json]

Once along vectors (principal components), and once along the named directions that come with the model, which are walks: there the
*first* of the stack is dragged, so that all that stands on it begins elsewhere at every picture.
Age and settle are those of `live.py`: from the input whose picture is shown to the paint, and from the last input of a drag to the
paint of its picture. `--thorough 1` also measures the ten from 256 pictures, which takes a minute or two.
"""

import asyncio
import time

import bench
from live import row
from websockets.asyncio.client import connect

from explorer.live.protocol import VERSION, pack, unpack

EDITS = 8
DRAG = """async ({ seconds, drags, group }) => {
  const range = document.querySelector(`[data-group=${group}] .le-dir-range`);
  const model = globalThis[Symbol.for("latent-explorer")].model;
  const painted = [], events = [];
  document.addEventListener("le:painted", (event) => painted.push({ sent: event.detail.seq / 1000 - performance.timeOrigin, t: event.detail.t }));
  const frame = () => new Promise(requestAnimationFrame), pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const fire = (share) => { events.push(performance.now()); range.value = String(4 * share); range.dispatchEvent(new Event("input", { bubbles: true })); };
  const drag = async (ms) => {
    const began = performance.now();
    for (let step = 0; performance.now() - began < ms; step++) { await frame(); fire(0.9 * Math.sin(step / 20 + 0.3)); }
    const last = events.at(-1);
    await pause(700);
    const settle = (painted.find((p) => p.sent >= last - 1)?.t ?? NaN) - last;
    range.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
    await pause(900);
    const { id } = range.closest(".le-dir").dataset, { session } = model.get("state");
    const amount = session.spot.edits.find(([own]) => own === id)?.[1] ?? 0;
    return { right: Math.abs(amount - Number(range.value)) < 1e-6 && model.get("frame").still, settle };  // the still is of what the hand left
  };
  await drag(1000);
  painted.length = events.length = 0;
  const main = await drag(seconds * 1000);
  const end = events.at(-1);
  const during = painted.filter((p) => p.t <= end);
  const ages = during.map((p) => p.t - events.filter((t) => t <= p.sent + 0.5).at(-1));
  const disorder = painted.filter((p, i) => i && p.sent < painted[i - 1].sent).length;
  const ends = [main];
  for (let i = 0; i < drags; i++) ends.push(await drag(400 + 37 * i));
  return { frames: during.length, ages, disorder, right: ends.filter((e) => e.right).length, ends: ends.length, settle: ends.map((e) => e.settle) };
}"""


class Line:
    """A plain client of the live channel."""

    def __init__(self, socket):
        self._socket, self._seq = socket, 0

    async def ask(self, kind: str, **fields) -> dict:
        self._seq += 1
        await self._socket.send(pack({"type": kind, "seq": self._seq, "view": "bench", **fields}))
        return unpack(await self._socket.recv())[0]

    async def job(self, kind: str, **fields) -> tuple[dict, float]:
        """What came of a job, and how many seconds it took."""
        began = time.perf_counter()
        job = (await self.ask(kind, **fields))["job"]
        while job["state"] in ("waiting", "running"):
            await asyncio.sleep(0.05)
            job = (await self.ask("job", id=job["id"]))["job"]
        if job["state"] != "done":
            raise SystemExit(job["error"])
        return job["result"], time.perf_counter() - began


async def measured(address: str, *, thorough: bool) -> dict[str, float]:
    """Seconds until ten directions have their first evidence, and until they have it from 256 pictures."""
    async with connect(address.replace("http", "ws") + "live", max_size=None) as socket:
        line = Line(socket)
        await line.ask("hello", version=VERSION)
        found, seconds = await line.job("find", wish={"method": "random", "count": 10, "seed": int(time.time())})
        told = {"ten directions found and measured from 12 pictures, s": round(seconds, 1)}
        if thorough:
            told["the same from 256 pictures, s"] = round((await line.job("refine-directions", ids=found["ids"]))[1], 1)
        return told


def found(page) -> None:
    """Finds eight principal components in the page."""
    page.evaluate("() => document.querySelectorAll('.le-dir-fold').forEach((each) => (each.open = true))")
    page.select_option("select[aria-label=Method]", "pca")
    page.fill("input[aria-label='How many']", str(EDITS))
    page.get_by_role("button", name="Find", exact=True).click()
    page.wait_for_function(f"() => document.querySelectorAll('.le-dir-group[data-group=own] .le-dir').length >= {EDITS}", timeout=600_000)


def stacked(page, group: str) -> None:
    """Stacks eight edits along the first directions of a group."""
    page.evaluate(
        """([group, most]) => {
          const ids = [...document.querySelectorAll(`.le-dir-group[data-group=${group}] .le-dir`)].map((each) => each.dataset.id).slice(0, most);
          const model = globalThis[Symbol.for("latent-explorer")].model, { spot } = model.get("state").session;
          model.send({ type: "commit", patch: { spot: { ...spot, edits: ids.map((id, i) => [id, (i % 3) / 2 - 0.4]) } }, label: "eight edits" });
        }""",
        [group, EDITS],
    )
    page.wait_for_function(f"() => document.querySelectorAll('[data-group={group}] .le-dir-set').length === {EDITS}")
    page.wait_for_timeout(4000)


def main() -> None:
    options = bench.arguments(__doc__, seconds=5.0, drags=8, thorough=0)
    port, rows = bench.free_port(), []
    with bench.server(*bench.explorer(port, options.model), port=port) as address:
        with bench.chromium() as page:
            page.goto(address)
            page.wait_for_selector("[data-view=stage][data-seq], [data-view=stage] [data-seq]", state="attached", timeout=60_000)
            page.get_by_role("tab", name="Directions", exact=True).click()
            page.wait_for_selector(".le-dir")
            found(page)
            for group, name in (("own", "vectors"), ("named", "walks, the first of them dragged")):
                stacked(page, group)
                rows.append(row(name, options.seconds, page.evaluate(DRAG, {"seconds": options.seconds, "drags": options.drags, "group": group})))
        plain = asyncio.run(measured(address, thorough=bool(options.thorough)))
    report = {"edits stacked": EDITS, "bare forward ms": round(bench.bare_forward(options.model), 2), **plain, "machine": bench.machine()}
    bench.show(report, rows, as_json=options.json)


if __name__ == "__main__":
    main()
