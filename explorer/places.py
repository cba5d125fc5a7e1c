"""Where files lie: the bundled checkpoints, the built front end, and what a visitor's own work is kept in.

The first two are found in two layouts. In a source checkout they are `checkpoints/` and `widgets/static/` beside `explorer/`; in
an installed wheel `explorer/_checkpoints/` and `widgets/static/`, since `widgets` is installed beside `explorer`.
"""

import os
import sys
from pathlib import Path

from explorer.core.errors import ExplorerError

__all__ = ["checkpoints", "user_data", "views"]

PACKAGE = Path(__file__).resolve().parent
DATA = "EXPLORER_DATA"  # the environment variable that names another folder than the system's


def checkpoints() -> Path:
    """The folder of bundled checkpoints; it may not exist yet in a source checkout without any."""
    installed = PACKAGE / "_checkpoints"
    return installed if installed.is_dir() else PACKAGE.parent / "checkpoints"


def views() -> Path:
    """The folder of built views, one `NAME.js` each."""
    folder = PACKAGE.parent / "widgets" / "static"
    if not folder.is_dir():
        raise ExplorerError(f"The front end is not built: expected '{folder}'. `python -m widgets.build` makes it, and so does `python launch.py`.")
    return folder


def user_data() -> Path:
    """The folder for what outlives a run, such as histories; it may not exist yet. `EXPLORER_DATA` names another one."""
    if chosen := os.environ.get(DATA):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "latent-explorer"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "latent-explorer"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "latent-explorer"
