"""What tests everywhere in the suite may ask for."""

import os
import tempfile
from pathlib import Path

import pytest

from explorer.launcher.start import chromium as find_chromium
from widgets.build import build

ROOT = Path(__file__).resolve().parent.parent

_data = tempfile.TemporaryDirectory(prefix="explorer-data-", ignore_cleanup_errors=True)
os.environ["EXPLORER_DATA"] = _data.name  # nothing that a test does may reach the histories of whoever runs it


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the source checkout."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser to drive. `python launch.py test` refuses to start without one; a bare `pytest` skips."""
    return find_chromium() or pytest.skip("there is no Chromium on this machine")


@pytest.fixture(scope="session")
def built_views() -> Path:
    """The folder of bundled views, as fresh as their sources."""
    return build(ROOT)


@pytest.fixture
def one_thread():
    """Sums are added in one order only: with several threads the last bit may differ from run to run."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
