"""What the README shows works."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from explorer import cli

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_snippet_runs_and_gives_the_shapes_it_says():
    (snippet,) = blocks("python")
    names: dict = {}
    exec(compile(snippet, "README.md", "exec"), names)
    assert tuple(names["pictures"].shape) == (4, 3, 64, 64) and names["somewhere"].shape == (1, 32)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^explorer (\w+)", README, re.MULTILINE))))
def test_every_command_that_is_shown_exists(command):
    assert CliRunner().invoke(cli.app, [command, "--help"]).exit_code == 0


def test_every_picture_and_page_that_is_linked_is_there():
    for target in re.findall(r"\]\(((?:docs|benchmarks)/[^)]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
