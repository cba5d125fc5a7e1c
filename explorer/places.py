"""Where the files lie that come with the package: the bundled checkpoints and the built front end.

Both are found in two layouts. In a source checkout they are `checkpoints/` and `widgets/static/` beside `explorer/`; in
an installed wheel `explorer/_checkpoints/` and `widgets/static/`, since `widgets` is installed beside `explorer`.
"""

from pathlib import Path

from explorer.core.errors import ExplorerError

__all__ = ["checkpoints", "views"]

PACKAGE = Path(__file__).resolve().parent


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
