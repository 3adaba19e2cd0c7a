"""The commands that messages propose.

Whoever types one must get exactly the runs that the message is about, in the same folder. So a
command begins with what the user gave, is narrowed to those runs, and is quoted for a shell. The
program is named as it was called, since a virtual environment need not be on the search path.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

_PROGRAM = "urnn-bench"
_PACKAGE = Path(__file__).parent


def program() -> tuple[str, ...]:
    """Return the words that call the program from here, such as ``.venv/bin/urnn-bench``."""
    called = Path(sys.argv[0])
    if called == _PACKAGE / "__main__.py":
        return _callable(sys.executable), "-m", _PACKAGE.name
    return (_callable(sys.argv[0]) if called.name == _PROGRAM else _PROGRAM,)


def same_command() -> str:
    """Return the command that was typed."""
    return shlex.join([*program(), *sys.argv[1:]])


def _callable(path: str) -> str:
    """Return a program's name if the shell finds it by that, else its path as short as it gets."""
    name = Path(path).name
    if not os.path.exists(path) or _is_same(shutil.which(name), path):
        return name
    relative = os.path.relpath(path)
    is_below = not relative.startswith(os.pardir) and os.sep in relative
    return relative if is_below else os.path.abspath(path)


def _is_same(found: str | None, path: str) -> bool:
    # not what links lead to: in a virtual environment that is the Python it was made with
    return found is not None and os.path.abspath(found) == os.path.abspath(path)


@dataclass(frozen=True)
class Command:
    """A ``run`` command; its text is what to type. None, or nothing, is an option not given.

    ``benchmarks`` holds the benchmarks as they were given, such as paths, by their names.
    ``first_seeds`` is the number of ``--seeds``.
    """

    benchmarks: Mapping[str, str] = field(default_factory=dict)
    results: str | None = None
    data_dir: str | None = None
    include: tuple[str, ...] = ()
    probe: bool = False
    models: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    first_seeds: int | None = None
    settings: tuple[str, ...] = ()
    updates: int | None = None
    batch: int | None = None
    device: str | None = None
    kernel: str | None = None
    threads: int | None = None
    force: bool = False

    def __str__(self) -> str:
        return _quoted("run", *self.benchmarks.values(), *_options(self))

    def of_benchmark(self, name: str) -> "Command":
        """Return the command for one of its benchmarks, or for another by its name."""
        return replace(self, benchmarks={name: self.benchmarks.get(name, name)})

    def of_run(self, benchmark: str, model: str, T: int, seed: int) -> "Command":
        """Return the command for one run, whose ``model`` may name its values in a grid."""
        narrowed = {"models": (model,), "lengths": (T,), "seeds": (seed,), "first_seeds": None}
        return replace(self.of_benchmark(benchmark), **narrowed)  # type: ignore[arg-type]

    def with_settings(self, recorded: Iterable[str]) -> "Command":
        """Return the command with the settings that a record holds."""
        return replace(self, settings=tuple(sorted(recorded, key=_order)))

    def with_probes(self, *settings: str) -> "Command":
        """Return the command with probes, and settings of them in the place of its own."""
        keys = {setting.partition("=")[0] for setting in settings}
        kept = (own for own in self.settings if own.partition("=")[0] not in keys)
        return replace(self, probe=True, settings=(*kept, *settings))


def plot(command: Command, benchmark: str) -> str:
    """Return the command that draws the runs of a benchmark."""
    of_benchmark = command.of_benchmark(benchmark)
    shown = Command(of_benchmark.benchmarks, results=command.results, include=command.include)
    return _quoted("plot", *shown.benchmarks.values(), *_options(shown))


def status(command: Command, benchmark: str) -> str:
    """Return the command that shows the runs of a benchmark and their states."""
    (given,) = command.of_benchmark(benchmark).benchmarks.values()
    return _quoted("status", given, *_options(Command(results=command.results)))


def table_of_trials(command: Command, benchmark: str) -> str:
    """Return the command that shows the best trials of a benchmark's searches."""
    (given,) = command.of_benchmark(benchmark).benchmarks.values()
    return _quoted("table", given, "--trials", *_options(Command(results=command.results)))


def search(
    command: Command,
    benchmark: str,
    trials: int | None = None,
    seed: int | None = None,
    is_random: bool = False,
    T: int | None = None,
) -> str:
    """Return the command that searches a benchmark's space, in the folders of ``command``."""
    given = command.of_benchmark(benchmark)
    folders = Command(given.benchmarks, given.results, given.data_dir, given.include)
    numbers = {"--T": T, "--trials": trials, "--seed": seed}
    words = [word for name, n in numbers.items() if n is not None for word in (name, str(n))]
    words += ["--random"] if is_random else []
    return _quoted("search", *folders.benchmarks.values(), *words, *_options(folders))


def prepare(data: str, data_dir: str | None, include: Iterable[str] = ()) -> str:
    """Return the command that fetches a data set."""
    return _quoted("prepare", data, *_options(Command(data_dir=data_dir, include=tuple(include))))


# in the order in which they are written
_OPTIONS = {
    "results": "--results",
    "data_dir": "--data-dir",
    "include": "--include",
    "probe": "--probe",
    "models": "--model",
    "lengths": "--T",
    "seeds": "--seed",
    "first_seeds": "--seeds",
    "settings": "--set",
    "updates": "--updates",
    "batch": "--batch",
    "device": "--device",
    "kernel": "--kernel",
    "threads": "--threads",
    "force": "--force",
}


def _options(command: Command) -> list[str]:
    words: list[str] = []
    for key, option in _OPTIONS.items():
        value = getattr(command, key)
        if value is True:
            words.append(option)
        elif isinstance(value, tuple):
            words += [word for item in value for word in (option, str(item))]
        elif value not in (None, False):
            words += [option, str(value)]
    return words


def _quoted(*words: str) -> str:
    return shlex.join([*program(), *words])


def _order(setting: str) -> tuple[int, list[str]]:
    """Return a key by which a setting comes after those that would undo it.

    A component's name resets its options, and a setting for all runs those for some.
    """
    keys = setting.partition("=")[0].split(".")
    return _SCOPES.get(keys[0], 2), ["" if key == "name" else key for key in keys]


# settings for all runs, those of a stage of any model, and the others
_SCOPES = {"fit": 0, "hidden": 0, "parameters": 0, "task": 0, "stages": 1}
