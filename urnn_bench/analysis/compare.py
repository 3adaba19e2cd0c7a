"""Compare two sides on the same seeds: two models of a folder, or a model in two folders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import nan

from urnn_bench.analysis.diverged import NO_DIVERGED, Diverged, diverged, has_diverged
from urnn_bench.analysis.lengths import is_solved_at
from urnn_bench.analysis.paired import Comparison, compare_paired
from urnn_bench.errors import NothingToShowError, UsageError
from urnn_bench.records.record import Record
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.labels import Natural, natural
from urnn_bench.spec.types import ComponentSpec


@dataclass(frozen=True)
class ComparisonKey:
    """What two sides share: a benchmark, its lengths, and the model if both sides are of one.

    ``length`` is that of the test if it is not the length of training, ``T``.
    """

    benchmark: str
    T: int
    model: str | None = None
    length: int | None = None

    @property
    def tested(self) -> int:
        """The length of the test."""
        return self.length or self.T


@dataclass(frozen=True)
class Row:
    """B against A for one key, by the test loss.

    ``solved`` counts the solved seeds of A and B, ``untested`` the seeds without a test score on
    one side, unless they diverged. ``trained`` names differences in a model's training; two models
    may differ. ``diverged`` is told at the length of training alone.
    """

    matter: ComparisonKey
    metric: str
    solved: tuple[int, int]
    found: Comparison
    untested: int
    trained: tuple[str, ...] = ()
    diverged: Diverged = NO_DIVERGED


def compare(a: Sequence[Record], b: Sequence[Record], by_model: bool) -> list[Row]:
    """Compare runs key by key, by the seeds that both sides have tested.

    Raises NothingToShowError if there is no such seed and none that diverged in B alone, UsageError
    if the data differ.
    """
    groups_a, groups_b = (by_key(records, by_model) for records in (a, b))
    keys = sorted(groups_a.keys() & groups_b.keys(), key=_sort_key)
    rows = [row for key in keys if (row := _row(key, groups_a[key], groups_b[key]))]
    if not any(row.found.pairs or row.diverged.only_in_b for row in rows):
        raise NothingToShowError("no benchmark, length and seed has been tested on both sides")
    return rows


def _sort_key(key: ComparisonKey) -> tuple[str, int, Natural, int]:
    return key.benchmark, key.T, natural(key.model or ""), key.tested if key.length else 0


def by_key(records: Sequence[Record], by_model: bool) -> dict[ComparisonKey, dict[int, Record]]:
    """Return the record of every seed of every benchmark, length and, with ``by_model``, model."""
    groups: dict[ComparisonKey, dict[int, Record]] = {}
    for record in records:
        run = record.run
        for length in (None, *record.evaluations):
            key = ComparisonKey(run.benchmark, run.T, run.label if by_model else None, length)
            groups.setdefault(key, {})[run.seed] = record
    return groups


def _row(key: ComparisonKey, a: Mapping[int, Record], b: Mapping[int, Record]) -> Row | None:
    shared = sorted(a.keys() & b.keys())
    seeds = [seed for seed in shared if a[seed].test is not None and b[seed].test is not None]
    if not shared:
        return None
    for seed in seeds:
        check_data(a[seed], b[seed])
        _check_data_at(key, a[seed], b[seed])
    metric = a[shared[0]].criterion or b[shared[0]].criterion
    values = [[_loss(side[seed], metric, key.tested) for seed in seeds] for side in (a, b)]
    solved = [sum(_is_solved(side[seed], key) for seed in seeds) for side in (a, b)]
    return Row(
        key,
        metric,
        (solved[0], solved[1]),
        compare_paired(*values),
        sum(not any(has_diverged(side[seed]) for side in (a, b)) for seed in {*shared} - {*seeds}),
        _training_differences(key, a[shared[0]], b[shared[0]]),
        NO_DIVERGED if key.length else diverged(a, b, shared),
    )


def _training_differences(key: ComparisonKey, a: Record, b: Record) -> tuple[str, ...]:
    if key.model is None:
        return ()
    return tuple(_differences(_training(a), _training(b)))


def _training(record: Record) -> dict[str, object]:
    run = record.run
    fit = run.fit.model_dump(exclude={"log_every", "evaluate_batch"})
    return {"fit": fit, **run.model_dump(include={"cell", "hidden"})}


def _loss(record: Record, metric: str, length: int) -> float:
    loss = record.test_at(length).get(metric)
    return nan if loss is None else loss


def _is_solved(record: Record, key: ComparisonKey) -> bool:
    """Return whether a run solved its task in training, or does at another length of the test."""
    return is_solved_at(record, key.length) if key.length else record.solved_step is not None


def _check_data_at(key: ComparisonKey, a: Record, b: Record) -> None:
    """Raise UsageError if two runs were not tested on the same sequences of another length."""
    prints = [r.evaluations[key.length].fingerprint for r in (a, b) if key.length]
    if len({*prints}) > 1:
        raise UsageError(
            f"{a.run.slug} and {b.run.slug} of '{a.run.benchmark}' were not shown the same test "
            f"data at T = {key.length} and cannot be compared; the task's code has changed"
        )


def check_data(a: Record, b: Record) -> None:
    """Raise UsageError that names the difference if two runs were not shown the same data.

    Stages before the last are compared where both runs have one of the name.
    """
    alone = _of_earlier_stages(a) - b.fingerprint.keys()
    differ = [part for part in a.fingerprint if a.fingerprint[part] != b.fingerprint.get(part)]
    parts = [part for part in differ if part not in alone]
    if not parts:
        return
    data_a, data_b = _data(a, b)
    fields = _differences(data_a, data_b) or ["nothing in their specs: the task's code has changed"]
    raise UsageError(
        f"{a.run.slug} and {b.run.slug} of '{a.run.benchmark}' were not shown the same "
        f"{' and '.join(parts)} data and cannot be compared; what differs: {'; '.join(fields)}"
    )


def _of_earlier_stages(record: Record) -> set[str]:
    """Return the parts of a run's fingerprint that are of stages before the last."""
    names = tuple(f"{stage.name}'s " for stage in record.run.stages[:-1])
    return {part for part in record.fingerprint if part.startswith(names)}


def _data(*records: Record) -> Iterator[dict[str, object]]:
    """Yield what makes the data of every run: those of the end, and of stages that all have."""
    earlier = [{stage.name: stage for stage in r.run.stages[:-1]} for r in records]
    shared = [name for name in earlier[0] if all(name in stages for stages in earlier)]
    for record, stages in zip(records, earlier, strict=True):
        of_stages = {name: _made_of(stages[name].task, stages[name].fit) for name in shared}
        yield {**_made_of(record.run.task, record.run.fit), "stages": of_stages}


def _made_of(task: ComponentSpec, fit: Fit) -> dict[str, object]:
    return {"task": task.model_dump(), "fit": {"batch": fit.batch}}


def _differences(a: object, b: object, path: str = "") -> list[str]:
    """Return the dotted path of every value that differs, with both values."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        keys = dict.fromkeys([*a, *b])
        nested = (_differences(a.get(key), b.get(key), f"{path}.{key}") for key in keys)
        return list(chain.from_iterable(nested))
    return [] if a == b else [_difference(path.removeprefix("."), a, b)]


def _difference(path: str, a: object, b: object) -> str:
    owner, _, key = path.rpartition(".")
    if key == "source" and a is not None and b is not None:
        hashes = " and ".join(str(value)[:_HASH_DIGITS] for value in (a, b))
        return f"the file of the {owner} has changed ({hashes})"
    return f"{path} ({a} and {b})"


_HASH_DIGITS = 7
