"""Which recorded runs of a benchmark are shown: the newest of those that can be compared.

Runs are compared only if they have the same settings, as an average over protocols means nothing.
"""

import warnings
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isclose
from pathlib import Path

from urnn_bench.errors import NothingToShowError
from urnn_bench.proposals import Command
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.record import DIVERGED, FINAL, Record
from urnn_bench.spec.run import Run as RunSpec

Run = tuple[Path, Record]
# the keys of settings for what is measured
_NOT_TRAINING = ("probes", "evaluate")
Key = Callable[[Record], Hashable]


@dataclass(frozen=True)
class Selected:
    """The runs of one benchmark that are shown.

    ``command`` trains them. ``criterion`` is the metric that training lowers, empty if no run has a
    score. ``probed`` names the folders whose probe readings are used. ``models`` are those of all
    lengths, also if only some are shown.
    """

    benchmark: str
    command: Command
    records: tuple[Record, ...]
    folders: tuple[Path, ...]
    criterion: str
    probed: frozenset[str]
    models: frozenset[str]

    def at(self, lengths: Collection[int]) -> "Selected":
        """Return the runs of some lengths."""
        kept = [i for i, record in enumerate(self.records) if record.run.T in lengths]
        records = tuple(self.records[i] for i in kept)
        return replace(
            self,
            command=_command_of(self.command, records),
            records=records,
            folders=tuple(self.folders[i] for i in kept),
        )

    def baselines(
        self, metric: str, T: int, length: int | None = None, model: str | None = None
    ) -> dict[str, float]:
        """Return the reference predictors' values of a metric, of runs trained at T.

        They are those at a length of the test, by default that of training, and of one model or of
        all. Models of a grid over the task may have different ones, and those are not of all.
        """
        runs = [r for r in self.records if r.run.T == T and model in (None, r.run.label)]
        recorded = ((r.run.task, r.baselines_at(length or T).get(metric)) for r in runs)
        of_task = {task.model_dump_json(): values for task, values in recorded if values}
        first, *others = of_task.values() or [{}]
        return {
            name: value
            for name, value in first.items()
            if value is not None and all(_is_close(value, other.get(name)) for other in others)
        }


def _is_close(value: float, other: float | None) -> bool:
    return other is not None and isclose(value, other, rel_tol=1e-9)


def select(
    results: Path, benchmark: str, runs: Sequence[Run], command: Command | None = None
) -> Selected:
    """Return the runs of a benchmark that are shown; raise NothingToShowError if there is none.

    ``command`` is the one that trains the benchmark; by default it has the benchmark's name alone.

    If a length has several settings, or a model several protocols because the file has changed,
    only the newest are kept, with a warning.
    """
    command = command or Command({benchmark: benchmark})
    if not runs:
        raise NothingToShowError(
            f"{results / benchmark}: there are no runs to show; make them with: {command}"
        )
    newest = _newest_runs(one_per_seed(runs), benchmark, command)
    folders, recorded = zip(*newest, strict=True)
    return Selected(
        benchmark=benchmark,
        command=_command_of(command, recorded),
        records=recorded,
        folders=folders,
        criterion=next((record.criterion for record in recorded if record.criterion), ""),
        probed=_probed_at_one_length(benchmark, newest),
        models=frozenset(record.run.label for record in recorded),
    )


def censored(record: Record) -> int:
    """Return up to which update an unsolved run counts as unsolved.

    A diverged run will never solve its task, however long it is trained.
    """
    return record.run.updates if record.status == DIVERGED else record.steps_done


def _newest_runs(runs: Sequence[Run], benchmark: str, command: Command) -> list[Run]:
    """Keep the newest settings of every length, then the newest protocol of every model there."""
    newest = _newest_only(runs, _length, settings_of)
    newest = _newest_only(newest, _model_and_length, training_of)
    kept = {folder for folder, _ in newest}
    if skipped := [record for folder, record in runs if folder not in kept]:
        count = f"{len(skipped)} {'runs' if len(skipped) > 1 else 'run'}"
        warn(
            f"{benchmark}: {count} left out: other settings of the same length, or of "
            f"the same model; to show them instead: {_command_for(command, skipped)}"
        )
    return newest


def settings_of(record: Record) -> tuple[str, ...]:
    """Return a run's settings of the command line that may change its training."""
    return tuple(text for text in record.run.settings if not text.startswith(_NOT_TRAINING))


def training_of(record: Record) -> Hashable:
    """Return the protocol of a run without its probes."""
    return _protocol(_unseeded(record.run).model_dump_json())


def _unseeded(run: RunSpec) -> RunSpec:
    """Return a run without what a protocol does not contain, nor its probes."""
    return run.model_copy(update={"benchmark": "", "seed": 0, "settings": (), "probes": None})


# thousands of runs have few protocols, and hashing is the slow part
@cache
def _protocol(run: str) -> str:
    return RunSpec.model_validate_json(run).protocol


def one_per_seed(runs: Sequence[Run]) -> list[Run]:
    """Keep one of the runs that differ only in their probes: ended, probed, the newest."""
    best: dict[Hashable, Run] = {}
    for folder, record in sorted(runs, key=_rank):
        best[training_of(record), record.run.seed, record.run.label] = folder, record
    kept = {folder for folder, _ in best.values()}
    return [run for run in runs if run[0] in kept]


def _rank(run: Run) -> tuple[bool, bool, str]:
    _, record = run
    return record.status in FINAL, _is_probed(record), record.asked


def _is_probed(record: Record) -> bool:
    return record.run.probes is not None


def _probed_at_one_length(benchmark: str, runs: Sequence[Run]) -> frozenset[str]:
    """Return the folders of the runs that were probed at the same length as the newest one.

    An average over lengths means nothing, so there is one for every length of training, that of the
    newest run, of an ended one if there is any. Warns about the others.
    """
    probed = [run for run in runs if _is_probed(run[1])]
    lengths = {record.run.T: probe_length(record) for _, record in sorted(probed, key=_rank)}
    same = [folder for folder, record in probed if probe_length(record) == lengths[record.run.T]]
    if skipped := len(probed) - len(same):
        warn(
            f"{benchmark}: probe readings of {skipped} {'runs' if skipped > 1 else 'run'} left "
            "out: the newest run was probed on sequences of another length"
        )
    return frozenset(folder.name for folder in same)


def probe_length(record: Record) -> int:
    """Return the length of the probed sequences."""
    probes = record.run.probes
    return (probes.T if probes else None) or record.run.T


def _newest_only(runs: Sequence[Run], group: Key, settings: Key) -> list[Run]:
    """Keep, in every group, the runs with the settings of the newest one."""
    keys = [(run, group(run[1]), settings(run[1])) for run in runs]
    newest = {place: value for _, place, value in sorted(keys, key=lambda key: key[0][1].asked)}
    return [run for run, place, value in keys if value == newest[place]]


def _command_for(command: Command, records: list[Record]) -> Command:
    """Return a command that requests the newest of some records, which makes it the newest run."""
    run = max(records, key=lambda record: record.asked).run
    (given,) = command.benchmarks.values()
    of_benchmark = replace(command, benchmarks={run.benchmark: given})
    of_run = of_benchmark.of_run(run.benchmark, run.label, run.T, run.seed)
    return of_run.with_settings(run.settings)


def _command_of(command: Command, records: Sequence[Record]) -> Command:
    """Return the command that trains those of some runs that have the newest run's settings."""
    if not records:
        return command
    settings = settings_of(max(records, key=lambda record: record.asked))
    runs = [record.run for record in records if settings_of(record) == settings]
    narrowed = replace(
        command,
        models=tuple(dict.fromkeys(run.label for run in runs)),
        lengths=tuple(dict.fromkeys(run.T for run in runs)),
        seeds=tuple(dict.fromkeys(run.seed for run in runs)),
    )
    return narrowed.with_settings(settings)


def _length(record: Record) -> Hashable:
    return record.run.T


def _model_and_length(record: Record) -> Hashable:
    return record.run.label, record.run.T


def warn(text: str) -> None:
    """Warn of runs, or parts of runs, that are left out."""
    warnings.warn(text, RecordsWarning, 3)
