"""The state of the process that a component may change: kept while its code runs.

A user's file may set torch's default dtype, seed a generator or change the folder, as a notebook
would. What has nothing to do with it must not notice. torch and numpy are looked up and not
imported: what no file has loaded yet has its defaults.
"""

import gc
import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

Read = Callable[[], Any]
Write = Callable[[Any], object]


@contextmanager
def kept() -> Iterator[None]:
    """Put back what the block changes of the process, and send its prints to stderr."""
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(sys.stderr))
        for read, write in _settings():
            stack.callback(_restore, read(), read, write)
        yield


def folder_restorer() -> Callable[[], None]:
    """Return a function that goes back to the working directory of now."""
    folder = _folder()
    return lambda: _change_folder(folder)


def _restore(before: Any, read: Read, write: Write) -> None:
    # most blocks change nothing, and some setters cost time or memory
    if not _equal(read(), before):
        write(before)


def _equal(now: Any, before: Any) -> bool:
    if isinstance(now, tuple) and isinstance(before, tuple):
        return len(now) == len(before) and all(map(_equal, now, before))
    same: Any = now is before or now == before
    # arrays and tensors compare element by element
    return bool(same.all() if hasattr(same, "all") else same)


def _settings() -> Iterator[tuple[Read, Write]]:
    """Yield a reader and a writer of every setting."""
    yield _folder, _change_folder
    yield lambda: tuple(sys.path), _put_first
    yield lambda: tuple(warnings.filters), _set_filters
    yield random.getstate, random.setstate
    yield from _program_settings()
    if "numpy" in sys.modules:
        yield from _numpy_settings(sys.modules["numpy"])
    if "torch" in sys.modules:
        yield from _torch_settings(sys.modules["torch"])


def _program_settings() -> Iterator[tuple[Read, Write]]:
    """Yield what decides how this program goes on: its command, its signals, its messages."""
    yield lambda: tuple(sys.argv), lambda words: sys.argv.__setitem__(slice(None), words)
    yield lambda: dict(os.environ), _set_environment
    yield sys.getrecursionlimit, sys.setrecursionlimit
    yield gc.isenabled, lambda enabled: gc.enable() if enabled else gc.disable()
    yield (
        lambda: locale.setlocale(locale.LC_ALL),
        lambda name: locale.setlocale(locale.LC_ALL, name),
    )
    yield lambda: tuple(logging.root.handlers), _set_log_handlers
    yield lambda: logging.root.level, logging.root.setLevel
    yield _attribute(sys, "excepthook")
    yield _attribute(sys, "stderr")
    yield _attribute(warnings, "showwarning")
    # only the main thread may change handlers
    if threading.current_thread() is threading.main_thread():
        yield from map(_handler, _SIGNALS)


_SIGNALS = tuple(s for s in signal.Signals if s.name in ("SIGINT", "SIGTERM", "SIGHUP"))


def _handler(number: signal.Signals) -> tuple[Read, Write]:
    # None is one that was not set by Python, and cannot be set by it
    return lambda: signal.getsignal(number), lambda h: h is None or signal.signal(number, h)


def _set_log_handlers(before: tuple[logging.Handler, ...]) -> None:
    logging.root.handlers[:] = before


def _set_environment(before: dict[str, str]) -> None:
    """Put former values back; what a file adds for its own libraries stays."""
    own = {name for name in os.environ if name.startswith(_OWN_VARIABLES)}
    for name in own - before.keys():
        del os.environ[name]
    os.environ.update(before)


_OWN_VARIABLES = "URNN_BENCH_"


def _numpy_settings(numpy: Any) -> Iterator[tuple[Read, Write]]:
    yield numpy.random.get_state, numpy.random.set_state
    yield numpy.geterr, lambda modes: numpy.seterr(**modes)


def _torch_settings(torch: Any) -> Iterator[tuple[Read, Write]]:
    yield torch.default_generator.get_state, torch.default_generator.set_state
    yield torch.get_default_dtype, torch.set_default_dtype
    # the program sets no default device, and setting one slows every operation down
    yield torch.get_default_device, lambda _: torch.set_default_device(None)
    yield torch.is_grad_enabled, torch.set_grad_enabled
    yield torch.get_num_threads, torch.set_num_threads
    yield torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly
    yield lambda: _flushes_denormals(torch), torch.set_flush_denormal
    yield torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    yield lambda: _deterministic(torch), lambda modes: _set_deterministic(torch, modes)
    for name in ("benchmark", "enabled", "deterministic"):
        yield _attribute(torch.backends.cudnn, name)


def _flushes_denormals(torch: Any) -> bool:
    smallest = torch.tensor(1e-40, dtype=torch.float32, device="cpu")
    return not float(smallest * 1)


def _deterministic(torch: Any) -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _set_deterministic(torch: Any, modes: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(modes[0], warn_only=modes[1])


def _attribute(owner: object, name: str) -> tuple[Read, Write]:
    return lambda: getattr(owner, name), lambda value: setattr(owner, name, value)


def _folder() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def _change_folder(folder: Path | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _put_first(before: tuple[str, ...]) -> None:
    """Put the former search path first; what was added stays behind it, for later imports."""
    sys.path[:] = [*before, *(path for path in sys.path if path not in before)]


def _set_filters(before: tuple[Any, ...]) -> None:
    # also forgets which warnings were shown, as a changed list of filters must
    warnings.resetwarnings()
    warnings.filters[:] = before  # type: ignore[index]
