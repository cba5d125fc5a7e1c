"""Bundling the views, on small ones in a folder of their own."""

import shutil
from pathlib import Path

import pytest

from widgets import build as building
from widgets.build import STAMP, BuildError, build, fresh, install_packages

VIEW = """
import css from "./pad.css";
import { half } from "./shared/maths.js";
export const middle = half;
export default { render({ model, el }) { el.textContent = css + half(model.get("width")); } };
"""


@pytest.fixture
def project(tmp_path, root) -> Path:
    """A project with one view, and the npm packages of this one."""
    widgets = tmp_path / "widgets"
    (widgets / "views" / "shared").mkdir(parents=True)
    (widgets / "views" / "pad.js").write_text(VIEW)
    (widgets / "views" / "pad.test.js").write_text("import './pad.js';")
    (widgets / "views" / "pad.css").write_text(".pad { color: teal }")
    (widgets / "views" / "shared" / "maths.js").write_text("export const half = (x) => x / 2;")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / "widgets" / name, widgets)
    install_packages(root / "widgets")
    shutil.copytree(root / "widgets" / "node_modules", widgets / "node_modules", symlinks=True)
    return tmp_path


def test_a_view_becomes_one_module_with_all_it_imports(project):
    static = build(project)
    assert sorted(file.name for file in static.iterdir()) == ["pad.js", STAMP]
    module = (static / "pad.js").read_text()
    assert "teal" in module and "/2" in module and "import" not in module
    assert "as default" in module and "as middle" in module


def test_an_unchanged_view_is_not_built_again(project, monkeypatch):
    build(project)
    monkeypatch.setattr(building, "run_node", lambda *command: pytest.fail("node was started"))
    build(project)


@pytest.mark.parametrize("changed", ["views/pad.js", "views/pad.css", "views/shared/maths.js", "package-lock.json"])
def test_a_change_anywhere_makes_the_build_stale(project, changed):
    build(project)
    file = project / "widgets" / changed
    file.write_text(file.read_text() + " \n")
    assert not fresh(project)


def test_line_endings_do_not_make_the_build_stale(project):
    build(project)
    file = project / "widgets" / "views" / "pad.js"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert fresh(project)


def test_a_view_that_was_removed_leaves_the_build(project):
    static = build(project)
    (project / "widgets" / "views" / "pad.js").rename(project / "widgets" / "views" / "dial.js")
    build(project)
    assert not (static / "pad.js").exists() and (static / "dial.js").exists()


def test_force_builds_what_is_fresh(project):
    (build(project) / "pad.js").write_text("spoilt")
    assert "teal" in (build(project, force=True) / "pad.js").read_text()


def test_a_mistake_is_shown_where_it_is_and_leaves_the_old_build(project):
    static = build(project)
    (project / "widgets" / "views" / "pad.js").write_text('import nothing from "./nowhere.js";')
    with pytest.raises(BuildError, match=r'Could not resolve "./nowhere.js"[\s\S]*views/pad.js:1') as failure:
        build(project)
    assert "teal" in (static / "pad.js").read_text()
    assert "at genericNodeError" not in str(failure.value)


def test_without_views_there_is_an_empty_build(project):
    shutil.rmtree(project / "widgets" / "views")
    assert [file.name for file in build(project).iterdir()] == [STAMP]
