"""Functions that take a fixed number of things at once, made to take any number."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["any_number"]

Answer = Tensor | list[Tensor]


def any_number(call: Callable[[Tensor], Answer], at_once: int) -> Callable[[Tensor], Answer]:
    """`call` for any number of things, where it takes `at_once` (0: any number, as it claims).

    One that claims to take any number and then fails for several is handed one at a time from then on.
    """
    count = at_once

    def wrapped(x: Tensor) -> Answer:
        nonlocal count
        if not count:
            try:
                return call(x)
            except Exception:  # runtimes have kinds of their own for this
                if len(x) == 1:
                    raise
                count = 1
        return _joined([_filled(call, x[i : i + count], count) for i in range(0, len(x), count)])

    return wrapped


def _filled(call: Callable[[Tensor], Answer], x: Tensor, count: int) -> Answer:
    """What `call` answers to fewer things than it takes: filled up with the last, and cut again."""
    missing = count - len(x)
    answer = call(torch.cat([x, x[-1:].expand(missing, *x.shape[1:])]) if missing else x)
    return answer[: len(x)] if isinstance(answer, Tensor) else [part[: len(x)] for part in answer]


def _joined(answers: list[Answer]) -> Answer:
    first = answers[0]
    return torch.cat(answers) if isinstance(first, Tensor) else [torch.cat(parts) for parts in zip(*answers)]
