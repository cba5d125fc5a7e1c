"""Every block of docs/bring-your-own-model.md does what the page says, in the order in which it stands there."""

import json
import re
import shlex
import sys
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from explorer import cli
from explorer.models.adapters import plug_ins
from explorer.studio.studio import Studio

PAGE = (Path(__file__).parents[1] / "docs" / "bring-your-own-model.md").read_text("utf-8")
SECTIONS = {title: body for title, body in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)}
MOST_LINES = 10
NEEDS = {"diffusers": ("diffusers",), "ONNX": ("onnxruntime", "onnxscript")}


def blocks(text: str):
    """Language, file name and content of each fenced block."""
    return re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    forget(tmp_path.parents[1])  # other tests bring modules of the same names
    yield tmp_path
    forget(tmp_path)


def forget(folder: Path) -> None:
    """Lets go of modules that were loaded from below a folder."""
    for module in [name for name, m in sys.modules.items() if str(getattr(m, "__file__", None) or "").startswith(str(folder))]:
        del sys.modules[module]


@pytest.mark.parametrize("title", [title for title, body in SECTIONS.items() if "```" in body and "format" not in title])
def test_the_blocks_of_a_section_run_in_their_order(folder, title):
    for package in NEEDS.get(title, ()):
        pytest.importorskip(package)
    for language, name, content in blocks(SECTIONS[title]):
        if name:
            (folder / name).write_text(content)
        elif language == "python":
            names: dict = {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, of TorchScript
                exec(compile(content, f"{title} in bring-your-own-model.md", "exec"), names)
            shape = tuple(names["model"].generator.decode(names["model"].space.sample(2, 0)).shape)
            assert shape == (2, *names["model"].generator.picture_shape)
            told = re.search(r"# \((\d+), (\d+), (\d+), (\d+)\)", content)
            assert told is None or tuple(names["pictures"].shape) == tuple(map(int, told.groups()))
        elif language == "bash":
            for command in content.splitlines():
                run(command)


def run(command: str) -> None:
    """Runs a line of the command line; a page is not served, but would be the model's."""
    program, *arguments = shlex.split(command)
    assert program == "explorer"
    if arguments[0] == "serve":
        studio = Studio(first=arguments[1])
        assert studio.model(studio.first).generator is not None
        studio.close()
        return
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, f"{command}: {result.exception}"
    if "--out" in arguments:
        assert Path(arguments[arguments.index("--out") + 1]).stat().st_size > 50


def test_the_spec_beside_the_onnx_file_is_the_one_that_fits_it(folder):
    for package in NEEDS["ONNX"]:
        pytest.importorskip(package)
    import explorer

    (name, spec) = next((name, content) for language, name, content in blocks(SECTIONS["ONNX"]) if language == "json")
    exec(next(content for language, _, content in blocks(SECTIONS["ONNX"]) if language == "python"), {})
    (folder / name).write_text(spec)
    model = explorer.open("decoder.onnx")
    assert list(model.space.shape) == json.loads(spec)["latent"] and not model.card.data["prior_assumed"]


def test_the_plug_in_is_found_once_its_package_is_installed(folder):
    section = SECTIONS["A format of your own"]
    files = {name: content for _, name, content in blocks(section)}
    (folder / "my_format.py").write_text(files["my_format.py"])
    info = folder / "my_format-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-format\nVersion: 1.0\n")
    (group, entry) = re.search(r'entry-points\."([^"]+)"\]\n(.+)', files["pyproject.toml"]).groups()
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry.replace(chr(34), '')}\n")
    plug_ins.found.cache_clear()
    try:
        import explorer

        (folder / "sea.stripes").write_text("")
        model = explorer.open("sea.stripes")
        assert model.card.family == "stripes" and model.generator.decode(model.space.sample(2, 0)).shape == (2, 1, 8, 8)
    finally:
        plug_ins.found.cache_clear()


@pytest.mark.parametrize(
    ("title", "content"), [(title, c) for title, body in SECTIONS.items() for language, _, c in blocks(body) if language != "bash"]
)
def test_each_format_is_shown_in_ten_lines(title, content):
    assert len([line for line in content.splitlines() if line.strip()]) <= MOST_LINES, title
