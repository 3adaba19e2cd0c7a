"""The environment of a run: versions, commit, memory."""

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("urnn-bench", "torch", "numpy", "pydantic")
_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of Python and of the packages that matter to a result.

    Read once, as is the commit: they are those that this process has loaded.
    """
    installed = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = "not installed"
    return installed


@cache
def commit() -> tuple[str | None, bool | None]:
    """Return this package's commit and whether its files differ; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    top = _git(root, "rev-parse", "--show-toplevel")
    # a package installed inside another repository is not part of that repository
    if top is None or Path(top) != root:
        return None, None
    status = _git(root, "status", "--porcelain", "--", "urnn_bench", "benchmarks")
    return _git(root, "rev-parse", "HEAD"), bool(status)


def reset_peak() -> None:
    """Forget the largest memory use so far, where the system can (Linux)."""
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return


def peak_mb() -> float | None:
    """Return the largest resident memory since ``reset_peak`` in MiB; None if not known."""
    try:
        lines = _STATUS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
    return None if kilobytes is None else round(int(kilobytes) / 1024, 1)


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        process = subprocess.run(command, capture_output=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(process.stdout).strip()
