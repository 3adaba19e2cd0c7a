"""All components of a user's file, each checked as before training, and the faults of all."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from urnn_bench.cells.base import Cell
from urnn_bench.cells.units.base import Unit
from urnn_bench.errors import UsageError
from urnn_bench.probes.base import Probe
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components, load_file
from urnn_bench.registry.classes import lacks, missing_members, public_classes, repaired
from urnn_bench.run.checks import Checks, Fault
from urnn_bench.run.network_check import check_cell, check_readout
from urnn_bench.run.probe_check import check_probe
from urnn_bench.run.task_check import check_task
from urnn_bench.run.unit_check import check_unit
from urnn_bench.tasks.base import Task

Check = Callable[[Checks, Components, Any], None]


class CheckedKind(NamedTuple):
    """A kind of component: its base, and the function that checks one."""

    base: type
    check: Check


# by what each is called
KINDS: Mapping[str, CheckedKind] = {
    "cell": CheckedKind(Cell, check_cell),
    "unit": CheckedKind(Unit, check_unit),
    "task": CheckedKind(Task, check_task),
    "readout": CheckedKind(Readout, check_readout),
    "probe": CheckedKind(Probe, check_probe),
}


def check_file(
    components: Components, path: Path, kinds: Mapping[str, CheckedKind]
) -> list[Checks]:
    """Return the checks of each component of a file.

    Raises UsageError if it cannot be imported or has no component at all.
    """
    module = load_file(path.resolve())
    found = list(_checked(components, module, path.stem, kinds))
    if not found:
        raise UsageError(
            f"{path}: defines no public subclass of "
            f"{', '.join(kind.base.__name__ for kind in kinds.values())}"
        )
    return found


def _checked(
    components: Components, module: ModuleType, name: str, kinds: Mapping[str, CheckedKind]
) -> Iterator[Checks]:
    for word, (base, check) in kinds.items():
        classes: list[type[Any]] = public_classes(module, base)
        if not classes:
            continue
        checks = Checks(word, name)
        incomplete = [kind for kind in classes if missing_members(kind, base)]
        for kind in incomplete:
            checks.faults.append(Fault(f"the {word} '{name}': {kind.__name__} {lacks(kind, base)}"))
        if len(classes) > 1:
            names = ", ".join(kind.__name__ for kind in classes)
            checks.faults.append(
                Fault(
                    f"the {word} '{name}': the file has {len(classes)} public classes, {names}; "
                    "begin the names of the others with an underscore"
                )
            )
        # one whose methods are misspelt has other faults too
        for complete in repaired(classes[0], base):
            check(checks, components, complete)
        yield checks
