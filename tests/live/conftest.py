"""A desk with the toys, and someone who has said hello to it."""

import pytest

from explorer.live.desk import Desk, Visitor
from explorer.live.protocol import VERSION
from tests import studios
from tests.live.desks import ask


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    studio = studios.studio(tmp_path_factory.mktemp("toys"))
    yield Desk(studio)
    studio.close()


@pytest.fixture
def visitor(desk):
    visitor = Visitor()
    ask(desk, visitor, "hello", version=VERSION)
    return visitor
