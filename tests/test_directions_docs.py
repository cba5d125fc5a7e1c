"""What docs/directions.md shows works."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from explorer import cli

PAGE = (Path(__file__).parents[1] / "docs" / "directions.md").read_text("utf-8")


@pytest.mark.parametrize("snippet", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_a_snippet_runs(snippet):
    names: dict = {}
    exec(compile(snippet, "directions.md", "exec"), names)
    if "pictures" in names:
        assert tuple(names["pictures"].shape) == (3, 3, 64, 64) and set(names["leaks"]) > {"mouth", "skin"}
    if studio := names.get("studio"):
        studio.close()


@pytest.mark.parametrize("line", [line.split("#")[0] for line in re.findall(r"^explorer (\w+.*)$", PAGE, re.MULTILINE)])
def test_every_option_that_is_shown_exists(line):
    command, *rest = line.split()
    told = CliRunner().invoke(cli.app, [command, "--help"], env={"COLUMNS": "300", "TERM": "dumb"}).stdout
    assert all(option in told for option in rest if option.startswith("--"))
