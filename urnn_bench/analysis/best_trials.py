"""The best trials of the searches of a benchmark: chosen on validation, and then tested."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from urnn_bench import proposals
from urnn_bench.errors import NothingToShowError
from urnn_bench.proposals import Command
from urnn_bench.records import trials
from urnn_bench.records.record import GOOD, Record
from urnn_bench.records.trials import COMPLETE, Trial


@dataclass(frozen=True)
class Best:
    """A complete trial, and the samplers that proposed its values, in order."""

    trial: Trial
    samplers: tuple[str, ...]


class BestRow(TypedDict):
    """One of the best trials; ``test`` is the mean over its seeds, None if it is not known."""

    benchmark: str
    rank: int
    model: str
    T: int
    sampler: str
    search_seed: int
    trial: int
    label: str
    values: Mapping[str, object]
    seeds: int
    updates: int
    validation: float | None
    test: float | None
    metric: str


def best(of: Iterable[Trial]) -> list[Best]:
    """Return complete trials, the lowest validation loss first; those of the same runs are one.

    Of equal ones the first comes first. A trial that ended early is not among them: its loss is
    that of fewer updates.
    """
    found: dict[object, Best] = {}
    for trial in of:
        if trial.state == COMPLETE:
            key = trial.runs or (trial.label, trial.T, trial.loss)
            known = found.get(key, Best(trial, ()))
            samplers = tuple(dict.fromkeys((*known.samplers, trial.sampler)))
            found[key] = Best(known.trial, samplers)
    return sorted(found.values(), key=lambda one: (one.trial.T, one.trial.loss))


def best_rows(
    results: Path,
    command: Command,
    count: int,
    lengths: Sequence[int] | None = None,
    is_searched: bool = True,
) -> list[BestRow]:
    """Return the best trials of every model and length; the tests of no other trial are read.

    ``command`` trains the benchmark; ``is_searched`` says whether it has a search.
    Raises NothingToShowError if no trial is complete.
    """
    (benchmark,) = command.benchmarks
    path = trials.path_of(results, benchmark)
    of_lengths = [trial for trial in trials.read(path) if not lengths or trial.T in lengths]
    by_search: dict[tuple[int, str], list[Best]] = {}
    for one in best(of_lengths):
        by_search.setdefault((one.trial.T, one.trial.model), []).append(one)
    if not by_search:
        mend = f"make some with: {proposals.search(command, benchmark)}"
        if not is_searched:
            mend = "the benchmark has no section 'search'; add one, as docs/search.md describes"
        raise NothingToShowError(f"{path}: there are no complete trials to show; {mend}")
    return [
        _row(results, benchmark, rank, one)
        for chosen in by_search.values()
        for rank, one in enumerate(chosen[:count], 1)
    ]


def _row(results: Path, benchmark: str, rank: int, one: Best) -> BestRow:
    trial = one.trial
    records = [Record.read(results / benchmark / name) for name in trial.runs]
    ended = [record for record in records if record is not None and record.status in GOOD]
    return {
        "benchmark": benchmark,
        "rank": rank,
        "model": trial.model,
        "T": trial.T,
        "sampler": ", ".join(one.samplers),
        "search_seed": trial.seed,
        "trial": trial.trial,
        "label": trial.label,
        "values": trial.values,
        "seeds": len(trial.seeds),
        "updates": trial.rungs[-1][0],
        "validation": trial.loss,
        "test": _mean_test(ended) if len(ended) == len(trial.seeds) else None,
        "metric": ended[0].criterion if ended else "",
    }


def _mean_test(records: Sequence[Record]) -> float | None:
    """Return the mean test loss; None if one is not known or not finite."""
    scores = [(record.test or {}).get(record.criterion) for record in records]
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known and len(known) == len(scores) else None
