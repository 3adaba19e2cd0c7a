"""The names with which the shell completes arguments and options."""

from urnn_bench.registry import Components
from urnn_bench.spec import catalogue

_KINDS = ("benchmarks", "models", "tasks", "figures", "probes", "papers")


def complete_kind(start: str) -> list[str]:
    """Return the kinds whose names begin with ``start``."""
    return [kind for kind in _KINDS if kind.startswith(start)]


def complete_benchmark(start: str) -> list[str]:
    """Return the benchmarks whose names begin with ``start``."""
    return [name for name in catalogue.names() if name.startswith(start)]


def complete_model(start: str) -> list[str]:
    """Return the models whose names begin with ``start``."""
    return [name for name in Components().cells.names() if name.startswith(start)]


def complete_task(start: str) -> list[str]:
    """Return the tasks whose names begin with ``start``."""
    return [name for name in Components().tasks.names() if name.startswith(start)]


def complete_figure(start: str) -> list[str]:
    """Return the figures whose names begin with ``start``."""
    return [name for name in Components().figures.names() if name.startswith(start)]


def complete_paper(start: str) -> list[str]:
    """Return the papers whose names begin with ``start``."""
    return [name for name in catalogue.claims() if name.startswith(start)]


def complete_name(start: str) -> list[str]:
    """Return every name that can be described and begins with ``start``."""
    components = Components()
    names = {
        *catalogue.names(),
        *components.cells.names(),
        *components.tasks.names(),
        *components.figures.names(),
        *components.probes.names(),
        *catalogue.claims(),
    }
    return sorted(name for name in names if name.startswith(start))
