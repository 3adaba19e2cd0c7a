"""Which recorded runs a claim is judged by."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import combinations

from urnn_bench.analysis.compare import check_data
from urnn_bench.analysis.configurations import is_set_by, paths_set_by, training_of
from urnn_bench.analysis.selection import one_per_seed, settings_of
from urnn_bench.claims.evidence import trained_long_enough
from urnn_bench.claims.quantities import Run
from urnn_bench.claims.schema import Claim
from urnn_bench.records.record import FINAL, Record
from urnn_bench.spec.grid import GRID_SEPARATOR
from urnn_bench.spec.settings_of import Settings, settings_of_draft
from urnn_bench.spec.sweep import UnresolvedRun

# the runs of all models of a claim that share a seed
SeedRuns = tuple[Run, ...]


def select_runs(
    claim: Claim, runs: Sequence[Run], drafts: Sequence[UnresolvedRun]
) -> tuple[list[SeedRuns], int]:
    """Return the ended runs of a claim's models at its length by seed, and how many were skipped.

    A run with settings of its own is not the paper's and is skipped, unless it only sets the
    number of updates; probes change nothing. Raises UsageError if models were shown different data.
    """
    needs = claim.needs
    at_length = [(folder, record) for folder, record in runs if record.run.T == needs.T]
    ended = [(f, record) for f, record in one_per_seed(at_length) if record.status in FINAL]
    plain = [(f, r) for f, r in ended if _is_in_benchmark(r, drafts)]
    chosen = _one_protocol(plain, needs.seeds, claim.updates)
    of_file = {draft.label: draft for draft in drafts if draft.T == needs.T}
    for labels in (*needs.pairs, *_with_same_task({label for label, _ in chosen}, of_file)):
        _check_same_data([r for (label, _), (_, r) in chosen.items() if label in labels])
    seeds = [seed for label, seed in chosen if label == needs.model]
    complete = [s for s in seeds if all((model, s) in chosen for model in needs.models)]
    by_seed = [tuple(chosen[model, seed] for model in needs.models) for seed in complete]
    plain_folders = {folder for folder, _ in plain}
    skipped = [r for f, r in ended if r.run.label in needs.models and f not in plain_folders]
    return by_seed, len(skipped)


def _is_in_benchmark(record: Record, drafts: Sequence[UnresolvedRun]) -> bool:
    """Return whether the benchmark's file describes the run now, but for the number of updates.

    A file that is not known is taken to describe a run without settings.
    """
    run = record.run
    candidates = [draft for draft in drafts if (draft.label, draft.T) == (run.label, run.T)]
    if not drafts:
        return _sets_only(record, {})
    return any(
        draft.describes(run) and _sets_only(record, settings_of_draft(draft))
        for draft in candidates
    )


def _sets_only(record: Record, of_file: Settings) -> bool:
    """Return whether a run's settings set the number of updates, or what a file has itself.

    An option that the file leaves to a component is none of these, whatever its value.
    """
    texts = (text for text in settings_of(record) if not text.startswith("fit.steps="))
    paths = (paths_set_by(text) for text in texts)
    return all(any(is_set_by(path, of_file) for path in given) for given in paths)


def _one_protocol(
    runs: Sequence[Run], seeds: int, updates: int | None
) -> Mapping[tuple[str, int], Run]:
    """Return one run for each model and seed, of one protocol a model.

    Of several protocols, the best one was trained for long enough, then has enough seeds, then is
    the shortest, then is the newest.
    """
    groups: dict[tuple[str, Hashable], list[Run]] = {}
    for folder, record in runs:
        groups.setdefault((record.run.label, training_of(record)), []).append((folder, record))

    def rank(group: Sequence[Run]) -> tuple[bool, int, int, str]:
        records = [record for _, record in group]
        long_enough = updates is None or trained_long_enough(records, updates)
        steps = min(record.steps_done for record in records)
        return long_enough, min(len(group), seeds), -steps, max(r.asked for r in records)

    ranked = sorted(groups.items(), key=lambda item: rank(item[1]))
    best = {label: group for (label, _), group in ranked}
    return {(r.run.label, r.run.seed): (f, r) for group in best.values() for f, r in group}


def _with_same_task(
    labels: Collection[str], of_file: Mapping[str, UnresolvedRun]
) -> Collection[Collection[str]]:
    """Return models in groups that should have seen the same data.

    Those of one task in the benchmark's file; without a file, those of one point of a grid.
    """
    groups: dict[str, list[str]] = {}
    for label in sorted(labels):
        draft = of_file.get(label)
        point = label.partition(GRID_SEPARATOR)[2]
        groups.setdefault(draft.task.model_dump_json() if draft else point, []).append(label)
    return groups.values()


def _check_same_data(records: Sequence[Record]) -> None:
    """Raise UsageError if runs of one seed were not shown the same data."""
    for a, b in combinations(records, 2):
        if a.run.seed == b.run.seed and a.fingerprint and b.fingerprint:
            check_data(a, b)
