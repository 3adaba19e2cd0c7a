"""The names with which the shell completes arguments and options."""

from collections.abc import Iterable

from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.text import line

_KINDS = ("benchmarks", "models", "units", "tasks", "readouts", "figures", "probes", "papers")


def complete_kind(start: str) -> list[str]:
    """Return the kinds whose names begin with ``start``."""
    return _starting(_KINDS, start)


def complete_benchmark(start: str) -> list[str]:
    """Return the benchmarks whose names begin with ``start``."""
    return _starting(catalogue.names(), start)


def complete_model(start: str) -> list[str]:
    """Return the models whose names begin with ``start``."""
    return _starting(Components().cells.names(), start)


def complete_task(start: str) -> list[str]:
    """Return the tasks whose names begin with ``start``."""
    return _starting(Components().tasks.names(), start)


def complete_figure(start: str) -> list[str]:
    """Return the figures whose names begin with ``start``."""
    return _starting(Components().figures.names(), start)


def complete_paper(start: str) -> list[str]:
    """Return the papers whose names begin with ``start``."""
    return _starting(catalogue.claims(), start)


def complete_name(start: str) -> list[str]:
    """Return every name that can be described and begins with ``start``."""
    components = Components()
    names = {
        *catalogue.names(),
        *components.cells.names(),
        *components.units.names(),
        *components.tasks.names(),
        *components.readouts.names(),
        *components.figures.names(),
        *components.probes.names(),
        *catalogue.claims(),
    }
    return sorted(_starting(names, start))


def _starting(names: Iterable[str], start: str) -> list[str]:
    """Return the names that begin with ``start`` and that a shell can insert."""
    return [name for name in names if name.startswith(start) and line(name) == name]
