"""Long work of this visitor: jobs (all of them), job (one), cancel. What starts one is answered by `job` too."""

from explorer.live.desk import Call, Handler
from explorer.live.headers import reply, text
from explorer.live.protocol import pack
from explorer.studio.jobs import Job

__all__ = ["HANDLERS", "told"]


def told(call: Call, job: Job) -> bytes:
    """The answer that tells of a job; a result that is plain JSON comes along, and before it what was found so far."""
    result = job.result if job.state == "done" else job.so_far
    result = result if isinstance(result, (dict, list, str, int, float)) else None
    return pack(reply(call.header, "job") | {"job": job.to_json() | {"result": result}})


async def one(call: Call) -> bytes:
    return told(call, call.studio.jobs.find(call.id, text(call.header, "id")))


async def every(call: Call) -> bytes:
    return pack(reply(call.header, "jobs") | {"jobs": [job.to_json() for job in call.studio.jobs.of(call.id)]})


async def cancel(call: Call) -> bytes:
    job = call.studio.jobs.find(call.id, text(call.header, "id"))
    job.cancel()
    return told(call, job)


HANDLERS: dict[str, Handler] = {"job": one, "jobs": every, "cancel": cancel}
