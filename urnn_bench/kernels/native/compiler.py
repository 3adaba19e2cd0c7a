"""Compile a C file at first use, keep the result in the user's cache folder, say why it cannot be.

The key of the result is a hash of the source, the compiler, its flags, what they mean here and the
model and abilities of the CPU, so a changed one is compiled again and a cache shared by several
machines is safe. Two processes that compile at the same time do the same work twice and no harm.

A library is loaded from a copy in a folder of this process alone: a file that is changed or cut
short while code in it runs would end the process without a word (SIGBUS).
"""

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from threading import Lock

from urnn_bench.errors import KernelError
from urnn_bench.files import temporary_folder
from urnn_bench.kernels.native import cache as kernel_cache
from urnn_bench.kernels.native.memory import PRECISIONS
from urnn_bench.machine import cpu

# -fno-math-errno lets sqrt become one instruction, -fno-trapping-math lets both sides of a choice
# be computed, as vectors need it. Not -ffast-math: NaN and infinity must pass through, as a run
# is found to have diverged by them, and sums must keep their order. Compilers do contract a·b + c
# to one FMA by default, which rounds once where two operations round twice.
_FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
_TIMEOUT_S = 120
_ANSWER_TIMEOUT_S = 10
_LOG = logging.getLogger("urnn_bench")
# taken by the first thread that compiles, and never released: it alone says so
_ANNOUNCED = Lock()


@dataclass(frozen=True)
class Source:
    """A C file and the functions of it that Python calls."""

    path: Path
    functions: tuple[str, ...]


@cache
def library(source: Source, defines: tuple[str, ...]) -> ctypes.CDLL:
    """Return the compiled library of a C file; raise KernelError with the reason if there is none.

    ``defines`` are given to the compiler as ``-D`` flags. Compiling takes seconds, once.
    """
    command = (*compiler(), *_FLAGS, *(f"-D{define}" for define in defines))
    try:
        kernel = kernel_cache.Kernel(source.path.stem, _key(source.path, command))
        return _cached(kernel, source) or _compiled(kernel, source, command)
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{source.path.name} cannot be compiled and used: {error}") from error


@cache
def unavailable_reason(*sources: Source) -> str | None:
    """Return why C files cannot be used here in one of their precisions, None if they can."""
    defines = [precision.defines for precision in PRECISIONS.values()]
    pairs = list(product(sources, defines))
    _compile_in_parallel(pairs)
    try:
        for pair in pairs:
            library(*pair)
    except KernelError as error:
        return str(error)
    return None


def _compile_in_parallel(pairs: Sequence[tuple[Source, tuple[str, ...]]]) -> None:
    """Compile and ignore what fails; every compiler is a process, and a first run needs several."""
    with ThreadPoolExecutor() as pool:
        try:
            for pair in pairs:
                pool.submit(library, *pair)
        except RuntimeError:
            # no more threads may be started: they are compiled one by one
            return


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
    command = compiler()
    try:
        return _answer((*command, "--version"))
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{command[0]} does not run: {error}") from error


def _cached(kernel: kernel_cache.Kernel, source: Source) -> ctypes.CDLL | None:
    for content in kernel_cache.contents(kernel):
        with suppress(OSError):
            return _loaded(content, source)
        kernel_cache.discard(kernel, content)
    return None


def _compiled(kernel: kernel_cache.Kernel, source: Source, command: Sequence[str]) -> ctypes.CDLL:
    if _ANNOUNCED.acquire(blocking=False):
        problem = kernel_cache.problem()
        again = "once" if problem is None else f"in every process, as {problem}"
        _LOG.info("compiling the kernels in C (some seconds, %s)", again)
    content = _compile(source.path, command)
    loaded = _loaded(content, source)
    kernel_cache.store(kernel, content)
    return loaded


def _compile(source: Path, command: Sequence[str]) -> bytes:
    with temporary_folder() as folder:
        compiled = folder / "kernel.so"
        arguments = [*command, str(source), "-o", str(compiled), "-lm"]
        done = _run(arguments, _TIMEOUT_S, TMPDIR=str(folder))
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            reason = next((line for line in lines if "error" in line), lines[0])
            raise KernelError(f"{command[0]} failed: {reason}")
        return compiled.read_bytes()


def _loaded(content: bytes, source: Source) -> ctypes.CDLL:
    """Return the library with this content, once it has all functions; raise OSError."""
    try:
        loaded = _load_copy(content, None)
    except OSError:
        if kernel_cache.problem() is not None:
            raise
        # on some machines nothing in the temporary folder may be executed
        loaded = _load_copy(content, kernel_cache.folder())
    missing = [name for name in source.functions if not hasattr(loaded, name)]
    if missing:
        raise OSError(f"the compiled file has no {' and no '.join(missing)}")
    return loaded


def _load_copy(content: bytes, parent: Path | None) -> ctypes.CDLL:
    with temporary_folder(parent) as folder:
        copy = folder / "kernel.so"
        copy.write_bytes(content)
        return ctypes.CDLL(str(copy))


def _key(source: Path, command: tuple[str, ...]) -> str:
    headers = sorted(source.parent.glob("*.h"))
    texts = [path.read_text(encoding="utf-8") for path in (source, *headers)]
    identity = cpu.identity(cpu.cpuinfo())
    parts = (*texts, *command, version(), _target(compiler()), platform.machine(), identity)
    text = "\0".join(parts)
    # a path may hold bytes that are no text, and the key must not depend on the locale
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@cache
def _target(command: tuple[str, ...]) -> str:
    """Return the macros that a compiler defines, which say what -march=native means to it."""
    done = _run((*command, *_FLAGS, "-dM", "-E", "-x", "c", os.devnull), _ANSWER_TIMEOUT_S)
    # a compiler that cannot say this may still compile
    return done.stdout if done.returncode == 0 else ""


def _answer(command: Sequence[str]) -> str:
    done = _run(command, _ANSWER_TIMEOUT_S)
    done.check_returncode()
    return done.stdout


def _run(
    command: Sequence[str], timeout_s: float, **env: str
) -> "subprocess.CompletedProcess[str]":
    # LC_ALL: in another language the same compiler would look like another, and errors too
    return subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
        check=False,
        env={**os.environ, "LC_ALL": "C", **env},
    )
