"""The trials of a search, one after the other; those that are recorded are not trained again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from urnn_bench.errors import ComponentError, DamagedRecordError, SpecError
from urnn_bench.records import trials
from urnn_bench.records.trials import COMPLETE, FAILED, PRUNED, Sampler, State, Trial
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.scheduler import check
from urnn_bench.search.plan import Plan, label_of
from urnn_bench.search.rungs import Stop, StoppedError, Training
from urnn_bench.search.sampling import LiveTrial, Study, Values
from urnn_bench.search.setting import folder_of, only_process, require_same
from urnn_bench.spec.run import Run
from urnn_bench.spec.search import fits, outermost_points


@dataclass(frozen=True)
class Seeded:
    """Who proposes the trials of a search, and the seed of the proposals."""

    sampler: Sampler
    seed: int


def execute(
    plan: Plan, seeded: Seeded, count: int, options: ExecutionOptions, stop: Stop
) -> Iterator[tuple[Trial, bool]]:
    """Yield every trial of a search up to ``count``, and whether it was recorded before.

    Ends early if ``stop`` returns the name of a signal. Raises RecordsError.
    """
    folder = folder_of(plan, seeded.sampler, seeded.seed)
    with only_process(folder):
        require_same(plan, folder)
        path = trials.path_of(plan.results, plan.checked.name)
        known = _known(plan, seeded, path)
        yield from ((trial, True) for trial in known[:count])
        if len(known) >= count:
            return
        _, values = next(outermost_points(plan.search.space))
        check(plan.runs(values), options)
        study = Study(plan.search, seeded.sampler, seeded.seed)
        for trial in known:
            study.add(trial)
        while len(known) < count and not stop():
            new = _trial(plan, seeded, study, known, options, stop)
            if new is None:
                return
            trials.append(path, new)
            known.append(new)
            yield new, False


def _known(plan: Plan, seeded: Seeded, path: Path) -> list[Trial]:
    """Return the recorded trials of a search; raise DamagedRecordError if they are not of it."""
    search = plan.model, plan.T, seeded.sampler, seeded.seed
    known = trials.of_search(trials.read(path), search)
    for number, trial in enumerate(known):
        if trial.trial != number:
            raise DamagedRecordError(f"{path}: trial {number} is missing; bring back a copy")
        if not fits(plan.search.space, trial.values):
            text = f"the values of trial {number} are not of 'search.space'; give another --seed"
            raise DamagedRecordError(f"{path}: {text}")
    return known


def _trial(
    plan: Plan,
    seeded: Seeded,
    study: Study,
    known: Sequence[Trial],
    options: ExecutionOptions,
    stop: Stop,
) -> Trial | None:
    """Return the next trial after it was trained, None if a signal has asked to stop."""
    values = study.propose(len(known))
    live = study.begin(values)
    try:
        outcome = _outcome(plan, values, live, options, stop)
    except StoppedError:
        return None
    label = label_of(plan.model, values)
    trial = Trial(
        sampler=seeded.sampler,
        seed=seeded.seed,
        trial=len(known),
        model=plan.model,
        label=label,
        T=plan.T,
        seeds=plan.search.seeds,
        values=dict(values),
        state=outcome.state,
        updates=max(0, outcome.updates - _trained_before(label, known)),
        rungs=tuple(outcome.rungs),
        loss=outcome.rungs[-1][1] if outcome.state != FAILED else None,
        reason=outcome.reason,
        runs=tuple(run.slug for run in outcome.runs),
    )
    live.end(trial)
    return trial


def _trained_before(label: str, known: Sequence[Trial]) -> int:
    """Return the updates that earlier trials of the same values took, as they are not repeated."""
    return sum(trial.updates for trial in known if trial.label == label)


@dataclass(frozen=True)
class _Outcome:
    state: State
    rungs: Sequence[tuple[int, float]] = ()
    updates: int = 0
    reason: str = ""
    runs: Sequence[Run] = ()


def _outcome(
    plan: Plan, values: Values, live: LiveTrial, options: ExecutionOptions, stop: Stop
) -> _Outcome:
    """Train the runs of a trial from rung to rung; raise StoppedError and RecordsError."""
    try:
        runs = plan.runs(values)
    # values that can be alone and not together
    except (SpecError, ComponentError) as error:
        return _Outcome(FAILED, reason=str(error))
    training, reached = Training(runs, options, stop), list[tuple[int, float]]()
    rungs = _rungs(plan, runs[0])
    for rung in rungs:
        loss = training.to(rung)
        if isinstance(loss, str):
            return _Outcome(FAILED, reached, training.updates, loss, runs)
        reached.append((rung, loss))
        if rung != rungs[-1] and not live.goes_on(rung, loss):
            return _Outcome(PRUNED, reached, training.updates, runs=runs)
    return _Outcome(COMPLETE, reached, training.updates, runs=runs)


def _rungs(plan: Plan, run: Run) -> Sequence[int]:
    """Return the updates at which a trial is scored, the last one among them."""
    halving = plan.search.halving
    return (*(halving.rungs(run.updates) if halving else ()), run.updates)
