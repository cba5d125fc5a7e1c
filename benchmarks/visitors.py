"""Fifty visitors who each ask for ten pictures a second, load client included on the same machine; and the Gradio queue beside it.

    python benchmarks/visitors.py [--visitors 50] [--seconds 10] [--json]

Closed loop: a visitor asks again a tenth of a second after the last request, or when its answer has come, whichever is later.
The time of a picture runs from asking until the last byte has arrived.
"""

import asyncio
import json
import random
import time

import bench
from websockets.asyncio.client import connect

from explorer.live.protocol import VERSION, pack, unpack

RATE = 10.0


async def one_of_ours(address: str, number: int, until: float, times: list[float]) -> None:
    """A visitor who drags an axis through the live channel."""
    async with connect(address.replace("http", "ws") + "live", max_size=None) as socket:
        await socket.send(pack({"type": "hello", "version": VERSION}))
        await socket.recv()
        await asyncio.sleep(random.random() / RATE)
        for step in range(10**6):
            began = time.perf_counter()
            if began > until:
                return
            patch = {"spot": {"origin": {"kind": "seed", "seed": number}, "axes": [[step % 8, random.uniform(-2, 2)]]}}
            await socket.send(pack({"type": "decode", "seq": step, "view": "bench", "patch": patch}))
            header, picture = unpack(await socket.recv())
            assert header["type"] == "frame" and picture, header
            times.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(max(0, 1 / RATE - (time.perf_counter() - began)))


async def one_of_gradio(client, address: str, number: int, until: float, times: list[float]) -> None:
    """A visitor who moves the baseline's slider through Gradio's queue and fetches the picture."""
    session = f"bench{number}"
    await asyncio.sleep(random.random() / RATE)
    while (began := time.perf_counter()) <= until:
        body = {"data": [random.randrange(1000)], "fn_index": 1, "session_hash": session, "trigger_id": None}
        (await client.post(address + "gradio_api/queue/join", json=body)).raise_for_status()
        url = None
        async with client.stream("GET", address + "gradio_api/queue/data", params={"session_hash": session}) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:") and (message := json.loads(line[5:])).get("msg") == "process_completed":
                    url = message["output"]["data"][0]["url"]
                    break
        (await client.get(url)).raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(max(0, 1 / RATE - (time.perf_counter() - began)))


async def load_ours(address: str, visitors: int, seconds: float) -> list[float]:
    times: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(one_of_ours(address, i, until, times) for i in range(visitors)))
    return times


async def load_gradio(address: str, visitors: int, seconds: float) -> list[float]:
    import httpx

    times: list[float] = []
    async with httpx.AsyncClient(timeout=120, limits=httpx.Limits(max_connections=None)) as client:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(one_of_gradio(client, address, i, until, times) for i in range(visitors)))
    return times


def row(name: str, visitors: int, seconds: float, times: list[float]) -> dict:
    served = len(times) / seconds
    p95 = bench.percentile(times, 0.95)
    return {
        "channel": name, "visitors": visitors, "served / s": served, "p50 ms": bench.median(times), "p95 ms": p95,
        "p95 / (visitors / served)": p95 / 1000 * served / visitors,
    }  # fmt: skip


def main() -> None:
    options = bench.arguments(__doc__, visitors=50, seconds=10.0)
    rows = []
    port = bench.free_port()
    with bench.server(*bench.explorer(port, options.model), port=port) as address:
        asyncio.run(load_ours(address, 4, 2.0))  # warm up
        for visitors in (1, 10, options.visitors):
            rows.append(row("live channel", visitors, options.seconds, asyncio.run(load_ours(address, visitors, options.seconds))))
    port = bench.free_port()
    with bench.server("benchmarks/gradio_baseline.py", options.model, str(port), port=port) as address:
        asyncio.run(load_gradio(address, 2, 2.0))
        rows.append(row("Gradio queue", options.visitors, options.seconds, asyncio.run(load_gradio(address, options.visitors, options.seconds))))
    ratio = rows[2]["served / s"] / rows[3]["served / s"]
    report = {"live / Gradio, served": round(ratio, 1), "bare forward ms": round(bench.bare_forward(options.model), 2), "machine": bench.machine()}
    bench.show(report, rows, as_json=options.json)


if __name__ == "__main__":
    main()
