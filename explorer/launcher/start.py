"""One start, from the command line to the app or the tests."""

import argparse
import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from explorer.launcher.environment import ROOT, ready_python
from explorer.launcher.speech import LaunchError, say

__all__ = ["chromium", "free_port", "parse", "start"]

FIRST_PORT = 7860
PORTS_TRIED = 100
HANDED_OVER = "LATENT_EXPLORER_HANDED_OVER"  # set for the Python that the first one starts, so that neither repeats the other


def start(arguments: list[str]) -> int:
    """Does what the command line asks for and returns the exit code."""
    handed_over = os.environ.pop(HANDED_OVER, None) is not None
    testing = arguments[:1] == ["test"]
    try:
        options = None if testing else parse(arguments)
        if not handed_over:
            say("Latent Explorer")
            refuse_early(options)
        python = ready_python("test" if testing else "app")
        if python != Path(sys.executable) and not handed_over:
            return become([str(python), str(ROOT / "launch.py"), *arguments], {HANDED_OVER: "1"})
        build_front_end()
        return run_tests(arguments[1:]) if testing else open_app(options)
    except LaunchError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    except KeyboardInterrupt:
        say("\nLatent Explorer has ended.")
        return 130


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of `python launch.py`. On a Hugging Face Space the defaults are what the Space expects."""
    on_space = "SPACE_ID" in os.environ
    parser = argparse.ArgumentParser(
        prog="launch.py",
        description="Sets Latent Explorer up on the first start, and opens it.",
        epilog="`launch.py test` runs the tests; what follows goes to pytest.",
    )
    add = parser.add_argument
    add("--port", type=port_number, default=FIRST_PORT if on_space else None, help=f"the port to use (default: the first free one from {FIRST_PORT})")
    add("--no-browser", action="store_true", default=on_space, help="do not open the browser")
    add(
        "--host",
        default="0.0.0.0" if on_space else "127.0.0.1",
        help="the address to listen on (default: %(default)s; 127.0.0.1 is this machine only)",
    )
    return parser.parse_args(arguments)


def port_number(text: str) -> int:
    """A port that exists, for argparse."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, got '{text}'")
    return int(text)


def refuse_early(options: argparse.Namespace | None) -> None:
    """Says what would stop the start before the set-up takes its minutes: a taken port, no browser for the tests."""
    if options is not None and options.port is not None:
        free_port(options.host, options.port)
    if options is None and chromium() is None:
        raise LaunchError("The tests drive Chromium, and there is none here: `apt-get update && apt-get install -y chromium`.", code=2)


def chromium() -> str | None:
    """The browser for the tests."""
    usual = "/usr/bin/chromium"
    return usual if os.access(usual, os.X_OK) else next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def free_port(host: str, wanted: int | None) -> int:
    """`wanted` if it can be had; with None the first port that can be, from 7860 on."""
    if wanted is not None:
        if not can_listen(host, wanted):
            raise LaunchError(f"Port {wanted} is taken; choose another, or leave --port away to get the next free one.", code=2)
        return wanted
    candidates = range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)
    port = next((port for port in candidates if can_listen(host, port)), None)
    if port is None:
        raise LaunchError(f"All ports from {candidates[0]} to {candidates[-1]} are taken; name a free one with --port.", code=2)
    if port != FIRST_PORT:
        say(f"Port {FIRST_PORT} is taken; using {port}.")
    return port


def can_listen(host: str, port: int) -> bool:
    """Whether a server could listen there now. An address that this machine does not have is an error of its own."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name != "nt":  # there the option would let two servers share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return True
    except socket.gaierror as error:
        raise LaunchError(f"Nothing can listen on host '{host}': {error}.", code=2) from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise LaunchError(f"Nothing can listen on host '{host}': this machine does not have that address.", code=2) from error
        return False


def build_front_end() -> None:
    """Bundles the views where `widgets/static/` is missing or older than they are."""
    from widgets.build import BuildError, build, fresh

    if fresh(ROOT):
        return
    say("Bundling the front end.")
    try:
        build(ROOT)
    except (BuildError, OSError) as error:
        raise LaunchError(str(error)) from error


def open_app(options: argparse.Namespace) -> int:
    """Serves the app until it is stopped."""
    port = free_port(options.host, options.port)
    shown = "127.0.0.1" if options.host == "0.0.0.0" else f"[{options.host}]" if ":" in options.host else options.host
    say(f"Loading, about 7 seconds. The address is http://{shown}:{port}")
    from explorer.app.app import serve
    from explorer.core.errors import ExplorerError

    try:
        serve(port=port, open_browser=not options.no_browser, host=options.host)
    except ExplorerError as error:
        raise LaunchError(str(error)) from error
    return 0


def run_tests(arguments: list[str]) -> int:
    """Runs the whole suite, or what `arguments` leave of it; pytest has the last word."""
    say("Running the tests.")
    os.chdir(ROOT)
    return become([sys.executable, "-m", "pytest", *arguments], {})


def become(command: list[str], settings: dict[str, str]) -> int:
    """Replaces this process by `command`. Windows has no such call, so there it is waited for, and Ctrl-C left to it."""
    sys.stdout.flush()
    environment = os.environ | settings
    if os.name != "nt":
        os.execve(command[0], command, environment)
    with subprocess.Popen(command, env=environment) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue
