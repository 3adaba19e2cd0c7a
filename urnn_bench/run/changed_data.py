"""Whether the data that a run was trained on are those that its task gives now."""

from collections.abc import Mapping

from urnn_bench.errors import RecordsError, attempt
from urnn_bench.events import SPLITS
from urnn_bench.global_state import kept
from urnn_bench.proposals import Command
from urnn_bench.records.record import Record
from urnn_bench.records.refused import ANOTHER
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.provenance import first_digest
from urnn_bench.spec.run import Run
from urnn_bench.tasks.base import Task

_Digests = Mapping[str, str]


class CurrentData:
    """Hashes of the data that tasks give now, made once for all runs that share them.

    Data that a known hash protects, or that this package draws, cannot change and are not hashed.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], _Digests] = {}

    def check(self, components: Components, run: Run, record: Record, again: Command) -> None:
        """Raise RecordsError if a run that has ended was trained on other data.

        ``again`` is the command that trains it again. Data that are not there are not compared.
        """
        names = [*(f"{stage.name}'s " for stage in run.stages[:-1]), ""]
        for name, part in zip(names, run.parts, strict=True):
            now = self._of(components, part)
            before = {key: record.fingerprint.get(f"{name}{key}", now[key]) for key in now}
            if changed := [key for key in now if before[key] != now[key]]:
                raise RecordsError(
                    f"the {' and '.join(changed)} data that the task '{part.task.name}' gives now "
                    "are not those that this run was trained on; bring those back, train it again "
                    f"with: {again}, or {ANOTHER}"
                )

    def _of(self, components: Components, run: Run) -> _Digests:
        of_seed = () if run.task.source is None else (run.fit.batch, run.seed)
        key = repr(run.task), *of_seed
        if key not in self._known:
            with kept():
                found = attempt(_digests, components, run)
            self._known[key] = {} if isinstance(found, Exception) else found
        return self._known[key]


def _digests(components: Components, run: Run) -> _Digests:
    """Return the hashes by which a change of the data is seen; the first sequences of a user's."""
    if components.tasks.get(run.task.name, Task).data is not None:
        return {}
    task = build.task_of(components, run)
    is_users = run.task.source is not None
    first: dict[str, str] = {
        split: first_digest(task, split, run.fit.batch, run.seed) for split in SPLITS if is_users
    }
    return {**first, **task.identity()}
