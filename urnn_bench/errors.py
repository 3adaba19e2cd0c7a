"""Every error that this package raises on purpose, and its exit code.

UrnnBenchError            1  an error with a sentence for the user
├── UsageError            2  the request is wrong, or impossible on this machine
│   ├── SpecError            a benchmark file, or a value set on the command line
│   ├── UnknownNameError     a benchmark, metric or length that does not exist
│   │   └── UnknownComponentError  a model, task, readout, figure, probe or unit that does not exist
│   ├── KernelError          a kernel that cannot run on this machine
│   ├── DeviceError          a device that this machine does not have
│   ├── ComponentError       a cell or task that cannot be built
│   │   └── TooLargeError        a run that needs more memory than is free
│   ├── DataError            a data set that is missing, damaged or cannot be downloaded
│   └── RecordsError         a results folder or a checkpoint that cannot be used
│       ├── UnwritableError      one run's folder
│       └── DamagedRecordError   one run's record or checkpoint
│           └── NewerRecordError     one that a newer version wrote
├── GateError             4  a check failed
└── NothingToShowError    5  no records to judge or to draw
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import ClassVar, ParamSpec, TypeVar

# so many that no terminal shows more
_MOST_FAULTS = 20

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


class UrnnBenchError(Exception):
    """The root of the tree; its message is for the user."""

    exit_code: ClassVar[int] = 1

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is wrong, a sentence for each fault."""
        return (str(self),)


class UsageError(UrnnBenchError):
    """The request is wrong, or impossible on this machine."""

    exit_code = 2


class SpecError(UsageError):
    """A benchmark file, or a value set on the command line, is wrong, in one way or several."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__("; ".join(self.sentences))

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is wrong, a sentence for each fault, and how many more there are."""
        more = len(self.faults) - _MOST_FAULTS
        return (*self.faults[:_MOST_FAULTS], *([f"and {more} more faults"] if more > 0 else []))


class UnknownNameError(UsageError):
    """A name that does not exist; the message offers the nearest one."""

    _note: ClassVar[str] = ""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.kind, self.name, self.where = kind, name, where
        hint = near_miss(name, known := sorted(known)) or f"; there are: {_some(known)}"
        super().__init__(f"{where}no {kind} is called '{_one_line(name)}'{hint}{self._note}")


class UnknownComponentError(UnknownNameError):
    """A component that does not exist, perhaps as its file is not included."""

    _note = " (a file of your own needs --include)"


class KernelError(UsageError):
    """A kernel requested by name cannot run on this machine."""


class DeviceError(UsageError):
    """A requested device does not exist on this machine."""


class ComponentError(UsageError):
    """A cell or a task cannot be built with the requested options."""


class TooLargeError(ComponentError):
    """A run needs more memory than is free."""


class DataError(UsageError):
    """A data set is missing or damaged, or cannot be downloaded."""


class RecordsError(UsageError):
    """A results folder, a record or a checkpoint cannot be used."""


class UnwritableError(RecordsError):
    """One run's folder cannot be written to; one that is done can still be read."""


class DamagedRecordError(RecordsError):
    """One run's record or checkpoint cannot be used; those of others still can."""


class NewerRecordError(DamagedRecordError):
    """One run's record was written by a newer version."""


class GateError(UrnnBenchError):
    """A check failed, such as a kernel that differs from the time loop."""

    exit_code = 4


class NothingToShowError(UrnnBenchError):
    """There are no records to judge or to draw."""

    exit_code = 5


# of a name, and of a list of names, in characters
_LONGEST_NAME, _LONGEST_LIST = 60, 240


def _some(names: Iterable[str]) -> str:
    """Return names as a list, which ends early if there are many."""
    text = ", ".join(map(_one_line, names))
    if len(text) <= _LONGEST_LIST:
        return text or "none"
    return text[:_LONGEST_LIST].rpartition(", ")[0] + ", ..."


def _one_line(name: str) -> str:
    """Return a name, which may come from a stranger's file, short and on one line."""
    short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)


def near_miss(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known name closest to ``name``, or nothing."""
    close = closest(name, known)
    return f"; did you mean '{_one_line(close)}'?" if close is not None else ""


def closest(name: str, known: Iterable[str], cutoff: float = 0.56) -> str | None:
    """Return the known name closest to ``name``, or None if none is as close as ``cutoff``."""
    by_key = {key.lower(): key for key in known}
    close = get_close_matches(name.lower(), by_key, n=1, cutoff=cutoff)
    return by_key[close[0]] if close else None


class ImmediateExit(SystemExit):
    """The user ends the program now: no component has called sys.exit."""


def attempt(
    function: Callable[Arguments, Returned], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Returned | Exception:
    """Return what a function returns, or the exception that it raises.

    Cells, tasks, probes and plug-ins may raise anything, or call sys.exit, and that must end their
    run and no other. Nothing else in this package catches every exception.
    """
    try:
        return function(*args, **kwargs)
    except ImmediateExit:
        raise
    except SystemExit as error:
        exited = RuntimeError(f"it calls sys.exit({error.code!r})")
        exited.__cause__ = error
        return exited
    except Exception as error:  # noqa: BLE001 - a component of a user's may raise anything
        return error


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says, even if it cannot say anything."""
    text = attempt(str, error)
    lines = "" if isinstance(text, Exception) else text
    return lines.split("\n")[0]
