"""Which recorded runs of a benchmark are shown, and what each is called.

Runs of one configuration are averaged, and no others, as an average over protocols means nothing.
"""

import warnings
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path

from urnn_bench.analysis.configurations import (
    BenchmarkFile,
    Configuration,
    Run,
    common_differences,
    configurations,
    count_runs,
    labels,
    training_of,
)
from urnn_bench.analysis.filters import Filters, check, values_of
from urnn_bench.errors import NothingToShowError
from urnn_bench.proposals import Command
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.record import DIVERGED, FINAL, Record
from urnn_bench.spec.differences import label_parts
from urnn_bench.spec.labels import natural

# the keys of settings for what is measured
_NOT_TRAINING = ("probes", "evaluate")
_NO_FILE = BenchmarkFile()
_ALL = Filters()


@dataclass(frozen=True)
class Selected:
    """The runs of one benchmark that are shown.

    The label of every record names what differs from the benchmark; ``originals`` are the records
    as they are. ``command`` trains the newest configuration. ``criterion`` is the metric that
    training lowers, empty if no run has a score. ``probed`` names the folders whose probe readings
    are used. ``models`` are the labels of all runs, also of those that are not shown. ``common``
    has what runs of a length have and the benchmark does not, unless their label says otherwise.
    """

    benchmark: str
    title: str
    command: Command
    records: tuple[Record, ...]
    originals: tuple[Record, ...]
    folders: tuple[Path, ...]
    criterion: str
    probed: frozenset[str]
    models: frozenset[str]
    common: Mapping[int, tuple[str, ...]]

    def at(self, lengths: Collection[int]) -> "Selected":
        """Return the runs of some lengths."""
        kept = [i for i, record in enumerate(self.records) if record.run.T in lengths]
        originals = tuple(self.originals[i] for i in kept)
        return replace(
            self,
            command=_command_of(self.command, originals),
            records=tuple(self.records[i] for i in kept),
            originals=originals,
            folders=tuple(self.folders[i] for i in kept),
        )

    @property
    def notes(self) -> list[str]:
        """What runs have and the benchmark does not, beside their labels; a sentence a length."""
        shown = {record.run.T for record in self.records}
        return [
            f"{self.benchmark} T={T}: trained with {', '.join(parts)}, unlike the benchmark"
            for T, parts in sorted(self.common.items())
            if parts and T in shown
        ]

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
    results: Path,
    benchmark: str,
    runs: Sequence[Run],
    command: Command | None = None,
    file: BenchmarkFile = _NO_FILE,
    filters: Filters = _ALL,
    with_folders: bool = True,
) -> Selected:
    """Return the runs of a benchmark that are shown; raise NothingToShowError if there is none.

    ``command`` is the one that trains the benchmark; by default it has the benchmark's name alone.
    Runs of an older file are left out, with a warning, where there are others. With several results
    folders, labels name them unless ``with_folders`` is false.
    """
    command = command or Command({benchmark: benchmark})
    if not runs:
        raise NothingToShowError(
            f"{results / benchmark}: there are no runs to show; make them with: {command}"
        )
    found = _current(configurations(one_per_seed(runs), file), benchmark, filters, with_folders)
    common = common_differences(found)
    named = list(zip(labels(found, common, with_folders), found, strict=True))
    shown = _admitted(named, benchmark, filters)
    pairs = {folder: (label, record) for label, one in shown for folder, record in one.runs}
    kept = [(folder, *pairs[folder]) for folder, _ in runs if folder in pairs]
    kept.sort(key=lambda run: natural(run[1]))
    originals = tuple(record for *_, record in kept)
    return Selected(
        benchmark=benchmark,
        title=file.title or benchmark,
        command=_command_of(command, originals),
        records=tuple(_labelled(record, label) for _, label, record in kept),
        originals=originals,
        folders=tuple(folder for folder, *_ in kept),
        criterion=next((record.criterion for record in originals if record.criterion), ""),
        probed=_probed_at_one_length(benchmark, [(f, record) for f, _, record in kept]),
        models=frozenset(label for label, _ in named),
        common={T: tuple(label_parts(parts)) for T, parts in common.items()},
    )


def _labelled(record: Record, label: str) -> Record:
    if record.run.label == label:
        return record
    return record.model_copy(update={"run": record.run.model_copy(update={"label": label})})


def _current(
    found: Sequence[Configuration], benchmark: str, filters: Filters, with_folders: bool
) -> Sequence[Configuration]:
    """Return the configurations that are not superseded; all of a model that has no others."""
    if filters.superseded:
        return found

    def place(one: Configuration) -> Hashable:
        # each side of a comparison is seen alone
        return one.model, one.T, None if with_folders else one.folder

    has_current = {place(one) for one in found if not one.is_superseded}
    current = [one for one in found if not one.is_superseded or place(one) not in has_current]
    if count := count_runs(found) - count_runs(current):
        warn(
            f"{benchmark}: {count} {'runs' if count > 1 else 'run'} left out, trained before the "
            "benchmark's file or its data were changed; show them with --all"
        )
    return current


def _admitted(
    named: Sequence[tuple[str, Configuration]], benchmark: str, filters: Filters
) -> Sequence[tuple[str, Configuration]]:
    """Return what passes the filters; raise NothingToShowError if nothing does."""
    check(filters, {label: [one.settings for x, one in named if x == label] for label, _ in named})
    shown = [(label, one) for label, one in named if filters.admit(label, one.T, one.settings)]
    if not shown:
        places = {f"{label} T={one.T}" for label, one in named}
        there = ", ".join(sorted(places, key=natural)[:_MOST_NAMED])
        values = values_of(filters, [one.settings for _, one in named])
        text = f"{benchmark}: no recorded run is selected; there are: {there}{values}"
        raise NothingToShowError(text)
    return shown


_MOST_NAMED = 12


def censored(record: Record) -> int:
    """Return up to which update an unsolved run counts as unsolved.

    A diverged run will never solve its task, however long it is trained.
    """
    return record.run.updates if record.status == DIVERGED else record.steps_done


def settings_of(record: Record) -> tuple[str, ...]:
    """Return a run's settings of the command line that may change its training."""
    return tuple(text for text in record.run.settings if not text.startswith(_NOT_TRAINING))


def one_per_seed(runs: Sequence[Run]) -> list[Run]:
    """Keep one of the runs that differ only in their probes: ended, probed, the newest."""
    best: dict[Hashable, Run] = {}
    for folder, record in sorted(runs, key=_rank):
        key = training_of(record), record.run.seed, record.run.label, folder.parent
        best[key] = folder, record
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


def warn(text: str) -> None:
    """Warn of runs, or parts of runs, that are left out."""
    warnings.warn(text, RecordsWarning, 3)
