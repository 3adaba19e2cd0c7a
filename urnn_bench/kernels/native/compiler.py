"""Compile a C file at first use, keep the result in the user's cache folder, say why it cannot be.

The name of the result holds a hash of the source, the compiler, its flags and the processor, so a
changed one is compiled again and a cache shared by several machines is safe. It is written to a
temporary folder and moved into place: two processes that compile at the same time do the same work
twice and no harm.
"""

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path

from platformdirs import user_cache_path

from urnn_bench.errors import KernelError
from urnn_bench.kernels.native.memory import PRECISIONS

# -fno-math-errno lets sqrt become one instruction, -fno-trapping-math lets both sides of a choice
# be computed, as vectors need it. Not -ffast-math: NaN and infinity must pass through, as a run
# is found to have diverged by them, and sums must keep their order. Compilers do contract a·b + c
# to one FMA by default, which rounds once where two operations round twice.
_FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
_TIMEOUT_S = 120


@cache
def library(source: Path, defines: tuple[str, ...]) -> ctypes.CDLL:
    """Return the compiled library of a C file; raise KernelError with the reason if there is none.

    ``defines`` are given to the compiler as ``-D`` flags. Compiling takes seconds, once.
    """
    command = (*compiler(), *_FLAGS, *(f"-D{define}" for define in defines))
    try:
        name = f"{source.stem}-{_digest(source, command)}.so"
        path = user_cache_path("urnn-bench") / "kernels" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _compile(source, command, path)
        return ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{source.name} cannot be compiled and used: {error}") from error


@cache
def unavailable_reason(*sources: Path) -> str | None:
    """Return why C files cannot be used here in one of their precisions, None if they can."""
    defines = [precision.defines for precision in PRECISIONS.values()]
    # in parallel: every compiler is a process, and a first run waits for all of them
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(library, *pair) for pair in product(sources, defines)]
    try:
        for future in futures:
            future.result()
    except KernelError as error:
        return str(error)
    return None


def compiler() -> tuple[str, ...]:
    """Return the command of the C compiler, ``$CC`` or cc; raise KernelError if there is none."""
    setting = os.environ.get("CC") or "cc"
    try:
        # make's convention: CC may hold arguments, as in "ccache gcc"
        command = shlex.split(setting) or ["cc"]
    except ValueError as error:
        raise KernelError(f"CC cannot be read as a command: {setting} ({error})") from error
    program = shutil.which(command[0])
    if program is None:
        raise KernelError(f"there is no C compiler '{command[0]}' (install one, or set CC)")
    return (program, *command[1:])


def version() -> str:
    """Return what the compiler says of itself; raise KernelError if it says nothing."""
    command = (*compiler(), "--version")
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{command[0]} does not run: {error}") from error
    return done.stdout


def _compile(source: Path, command: Sequence[str], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        compiled = Path(folder) / path.name
        arguments = [*command, str(source), "-o", str(compiled), "-lm"]
        done = subprocess.run(
            arguments,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            reason = next((line for line in lines if "error" in line), lines[0])
            raise KernelError(f"{command[0]} failed: {reason}")
        compiled.replace(path)


def _digest(source: Path, command: Sequence[str]) -> str:
    headers = sorted(source.parent.glob("*.h"))
    texts = [path.read_text(encoding="utf-8") for path in (source, *headers)]
    parts = (*texts, *command, version(), platform.machine(), _processor())
    return hashlib.sha256(os.fsencode("\0".join(parts))).hexdigest()[:16]


def _processor() -> str:
    """Return what -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
