"""Imports go down only, and the light doors stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RANK = {
    "core": 0, "launcher": 9, "places": 0, "devices": 1, "data": 1, "models": 1, "checkpoints": 2, "render": 1, "methods": 3, "training": 4, "atlases": 4, "directions": 4, "studio": 5,
    "export": 5.5,
    "formats": 3, "live": 6, "app": 7, "cli": 8,
}  # fmt: skip
ROOMS_OF_CORE = {"torch", "numpy", "explorer"}


def imports(file: Path):
    """The absolute names of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name: str) -> str | None:
    """The room of explorer that a dotted name lies in."""
    parts = name.split(".")
    return parts[1] if parts[0] == "explorer" and len(parts) > 1 and parts[1] in RANK else None


FILES = [file for file in (ROOT / "explorer").rglob("*.py") if file.parent != ROOT / "explorer" or file.stem in RANK]


def test_every_room_has_a_rank():
    rooms = {entry.stem for entry in (ROOT / "explorer").iterdir() if entry.suffix == ".py" or (entry / "__init__.py").exists()}
    assert rooms - {"__init__"} == set(RANK)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_down_only(file):
    own = RANK[file.relative_to(ROOT / "explorer").parts[0].removesuffix(".py")]
    upward = [name for name in imports(file) if (where := room(name)) is not None and RANK[where] > own]
    assert not upward


@pytest.mark.parametrize("file", [f for f in FILES if "core" in f.parts], ids=lambda file: file.name)
def test_core_knows_only_torch_numpy_and_the_standard_library(file):
    outside = {name.split(".")[0] for name in imports(file)} - ROOMS_OF_CORE - set(sys.stdlib_module_names)
    assert not outside


def test_only_the_app_imports_gradio():
    guilty = [file for file in FILES if any(name.split(".")[0] == "gradio" for name in imports(file)) and "app" not in file.parts]
    assert not guilty


def loaded(statement: str) -> set[str]:
    """The top-level modules that a statement loads in a fresh interpreter."""
    code = f"{statement}; import sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split())


def test_importing_explorer_loads_no_torch():
    assert not loaded("import explorer") & {"torch", "numpy", "gradio", "PIL"}


def test_the_studio_needs_no_gradio_plotly_or_umap():
    assert not loaded("import explorer.studio.studio, explorer.live.server") & {"gradio", "plotly", "umap", "numba", "sklearn", "pandas"}


def test_the_command_line_answers_for_help_without_torch():
    assert not loaded("import explorer.cli") & {"torch", "gradio", "numpy"}
