"""Puts into the wheel what git does not hold or holds elsewhere: the bundled front end and the checkpoints."""

import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CHECKPOINT_SUFFIXES = {".json", ".safetensors", ".webp"}


class BundleHook(BuildHookInterface):
    """Runs before the wheel is packed; explorer/places.py is where the installed package looks for the results."""

    def initialize(self, version: str, build_data: dict) -> None:
        root = Path(self.root)
        sys.path.insert(0, self.root)  # a build back end does not start with the project on its path
        from widgets.build import build

        build(root)
        if version != "editable":  # an editable install reads checkpoints/ of the source tree itself
            build_data["force_include"].update(bundled_checkpoints(root))


def bundled_checkpoints(root: Path) -> dict[str, str]:
    """From each file of `checkpoints/` to its place in the wheel."""
    files = sorted(file for file in (root / "checkpoints").glob("*") if file.suffix in CHECKPOINT_SUFFIXES)
    return {str(file): f"explorer/_checkpoints/{file.name}" for file in files}
