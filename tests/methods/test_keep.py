"""A search that is cancelled goes on to the same end, and what is kept of it is no trap."""

import pytest
import torch

from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.methods.directions import hessian, linear, warped
from explorer.methods.keep import NOWHERE, Keep
from tests.toys import normal

SIZE = 4
SPACE = LatentSpace("z", (SIZE,))
WEIGHT = normal(3 * 8 * 8, SIZE, seed=5) / 8


pytestmark = pytest.mark.usefixtures("one_thread")


class Enough(Exception):
    """A cancel."""


def decode(z):
    return torch.tanh(z @ WEIGHT.T + (z[:, :1] * z[:, 1:2])).view(-1, 3, 8, 8)


def found(method, *, keep=NOWHERE, cancel_at=None):
    def report(done, *_):
        if done == cancel_at:
            raise Enough

    common = {"count": 2, "report": report, "keep": keep}
    if method is hessian:
        made = hessian.learned(decode, SPACE, steps=12, batch=4, draws=2, eps=0.3, **common)
    else:
        made, _ = method.learned(decode, SPACE, channels=3, updates=12, batch=8, **common)
    return torch.stack([direction.tangent(normal(6, SIZE, seed=1)) for direction in made])


@pytest.mark.parametrize("method", [linear, warped, hessian])
def test_a_cancelled_search_goes_on_to_the_same_end(method, tmp_path):
    keep = Keep(tmp_path / "search.state")
    for at in (4, 9):
        with pytest.raises(Enough):
            found(method, keep=keep, cancel_at=at)
        assert keep.file.is_file()
    assert torch.equal(found(method, keep=keep), found(method))
    assert not keep.file.exists(), "What is finished is not kept."


def test_a_search_without_a_file_keeps_nothing_and_a_torn_or_foreign_one_begins_anew(tmp_path):
    with pytest.raises(Enough):
        found(linear, cancel_at=4)
    keep = Keep(tmp_path / "search.state")
    keep.file.write_bytes(b"torn")
    assert torch.equal(found(linear, keep=keep), found(linear))
    with pytest.raises(Enough):
        found(warped, keep=keep, cancel_at=4)
    assert torch.equal(found(linear, keep=keep), found(linear))


def test_what_diverged_is_not_kept(tmp_path):
    keep = Keep(tmp_path / "search.state")
    with pytest.raises(Enough):
        found(linear, keep=keep, cancel_at=4)
    with pytest.raises(DataError, match="diverged at update 4"):
        linear.learned(lambda z: decode(z) * float("nan"), SPACE, channels=3, count=2, updates=12, batch=8, keep=keep)
    assert not keep.file.exists()
