"""The wheel: built without Node on the machine, it brings the front end and the checkpoints to wherever it is installed."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from explorer import places
from explorer.core.errors import ExplorerError
from explorer.launcher.environment import Environment
from widgets.build import entries

LOOK = """
import json, explorer
from explorer import places
print(json.dumps([explorer.__file__, sorted(f.name for f in places.views().glob("*.js")), sorted(f.name for f in places.checkpoints().glob("*"))]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, root) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, root], folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheel) -> Environment:
    """An environment with the wheel in it, that sees the packages of this one."""
    made = Environment(tmp_path_factory.mktemp("installed") / "venv")
    made.create(share=True)
    run([made.python, "-m", "pip", "install", "--no-deps", "--disable-pip-version-check", wheel], wheel.parent)
    return made


@pytest.mark.slow
def test_an_installed_wheel_finds_its_views_and_checkpoints(installed, root, tmp_path):
    file, views, checkpoints = json.loads(run([installed.python, "-c", LOOK], tmp_path))
    assert Path(file).resolve().is_relative_to(installed.folder.resolve())
    assert views == sorted(view.name for view in entries(root / "widgets"))
    bundled = [file for file in (root / "checkpoints").glob("*") if file.suffix in {".json", ".safetensors", ".webp"}]
    assert checkpoints == sorted(file.name for file in bundled)


@pytest.mark.slow
def test_the_explorer_command_is_installed(installed, tmp_path):
    command = installed.python.with_name("explorer.exe" if os.name == "nt" else "explorer")
    assert "Usage" in run([command, "--help"], tmp_path)


@pytest.mark.slow
def test_the_wheel_holds_no_more_than_it_should(wheel):
    members = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in members} <= {"explorer", "widgets", "latent_explorer-0.1.0.dist-info"}
    assert not [name for name in members if "node_modules" in name or "__pycache__" in name]
    assert [name for name in members if name.endswith("licenses/LICENSE")]


def run(command: list, folder: Path) -> str:
    """Runs a command outside the source tree and returns what it printed; a failure shows its words."""
    result = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_in_a_source_checkout_the_places_are_those_of_the_checkout(root, built_views):
    assert places.checkpoints() == root / "checkpoints"
    assert places.views() == built_views == root / "widgets" / "static"


def test_without_a_front_end_the_error_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "explorer")
    with pytest.raises(ExplorerError, match="`python -m widgets.build` makes it"):
        places.views()
