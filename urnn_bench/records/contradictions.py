"""What is wrong with a recorded run whose every value has the right type."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path, PurePosixPath

from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

# a file system allows no longer name
_LONGEST_NAME = 255
_LONGEST_PATH = 1000
# what a column of whole numbers can hold
_LARGEST = 2**63 - 1
_DIGESTS = ("identity", "protocol")


def contradiction(run: Run, identity: str, protocol: str, folder: Path) -> str:
    """Return what is wrong with a run, or contradicts it, in its record; "" if nothing does."""
    if fault := _fault(run):
        return fault
    for name, value, expected in zip(_DIGESTS, (identity, protocol), run.digests(), strict=True):
        if value != expected:
            return f"{name}: is not that of this run"
    slug = run.slug_with(identity)
    # a forced run is inside the folder of the one that it replaces
    is_its_own = slug in (folder.name, folder.parent.name)
    return "" if is_its_own else f"its folder should be called {slug}"


def _fault(run: Run) -> str:
    length = run.task.options.get("T")
    if type(length) is not int or length < 1:
        return "run.task.options.T: is not a length"
    if not _is_benchmark_name(run.benchmark):
        return "run.benchmark: is not the name of a benchmark"
    if not 0 < len(run.label) <= _LONGEST_NAME:
        return "run.label: is not the name of a model"
    # all other numbers have types with bounds
    return "" if all(_fits(spec.options) for spec in _components(run)) else "a number is too large"


def _components(run: Run) -> tuple[ComponentSpec, ...]:
    tasks = (part.task for part in run.parts)
    return (*tasks, run.cell, run.readout, *(run.probes.read if run.probes else ()))


def _is_benchmark_name(name: str) -> bool:
    """Return whether a name is that of a folder below the results, written in the usual way."""
    path = PurePosixPath(name)
    is_plain = str(path) == name and not path.is_absolute() and ".." not in path.parts
    return is_plain and path.name != "" and "\0" not in name and len(name) <= _LONGEST_PATH


def _fits(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(map(_fits, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_fits, value))
    if isinstance(value, float):
        return isfinite(value)
    return not isinstance(value, int) or abs(value) <= _LARGEST
