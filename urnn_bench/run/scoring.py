"""The best weights of runs that have ended, scored on the test split at other lengths.

It is no part of the training: a run is done before, stays done whatever happens here, and needs
its checkpoint alone. So a length may be added later, and what a killed process has not scored is
scored by the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from urnn_bench.engine.evaluate import evaluate
from urnn_bench.engine.update import Job
from urnn_bench.errors import (
    Arguments,
    ComponentError,
    RecordsError,
    Returned,
    UrnnBenchError,
    attempt,
)
from urnn_bench.global_state import folder_restorer, kept
from urnn_bench.records import evaluations
from urnn_bench.records.folder import (
    CHECKPOINT,
    ERROR,
    EVALUATIONS,
    REFUSED,
    RunStatus,
    check_folder,
    folder_of,
    remove,
)
from urnn_bench.records.jsonable import jsonable
from urnn_bench.records.lock import locked
from urnn_bench.records.record import FINAL, Evaluation, Record
from urnn_bench.records.refused import refused
from urnn_bench.run import build, checkpoint, limits, provenance
from urnn_bench.run.context import Display, ExecutionOptions
from urnn_bench.run.executor import load_checkpoint
from urnn_bench.run.failures import status_of
from urnn_bench.spec.run import EvaluationLengths, Run
from urnn_bench.tasks.base import Task


def missing_lengths(run: Run, status: RunStatus) -> tuple[int, ...]:
    """Return the requested lengths at which an ended run is not scored yet."""
    if status.record is None or status.status not in FINAL:
        return ()
    return tuple(T for T in run.other_lengths if T not in status.record.evaluations)


@dataclass(frozen=True)
class Scoring:
    """Scores ended runs at the requested lengths that they lack, until it is asked to stop."""

    options: ExecutionOptions
    display: Display
    should_stop: Callable[[], str | None]

    def __call__(self, run: Run, status: RunStatus) -> RunStatus:
        """Return the status of a run once it is scored.

        It is refused, and its record is left as it is, if it cannot be scored there.
        """
        if not (lengths := missing_lengths(run, status)) or self.should_stop():
            return status
        try:
            return self._score_if_free(run, status)
        except UrnnBenchError as error:
            reason = f"cannot be scored at T = {', '.join(map(str, lengths))}: {error}"
            refusal = RunStatus(REFUSED, status.record, reason=reason)
            self.display.skip(run, refusal)
            return refusal

    def _score_if_free(self, run: Run, status: RunStatus) -> RunStatus:
        folder = folder_of(self.options.results, run)
        check_folder(self.options.results, run)
        with locked(folder) as is_free:
            record = Record.read(folder) if is_free else None
            if record is None:
                return status
            newest = RunStatus(record.status, record)
            # another process may have scored some meanwhile
            if not (lengths := missing_lengths(run, newest)):
                return newest
            wanted = run.model_copy(update={"evaluate": EvaluationLengths(T=lengths)})
            with kept():
                scored = self._score(wanted, record, folder)
        return RunStatus(scored.status, scored)

    def _score(self, run: Run, record: Record, folder: Path) -> Record:
        """Score the lengths of a run; each is in its record before the next one begins."""
        remove(folder / ERROR)
        job, tasks = _or_sentence(folder, self._restored, run, record, folder)
        restore_folder = folder_restorer()
        for length, task in tasks.items():
            if self.should_stop():
                break
            found = _or_sentence(folder, _evaluation, job, task)
            restore_folder()
            by_length = {**record.evaluations, length: found}
            record = record.model_copy(update={"evaluations": dict(sorted(by_length.items()))})
            with refused(folder, "cannot be written to"):
                # before the record, which says that this length is scored
                evaluations.write(folder / EVALUATIONS, record)
                record.write(folder)
            self.display.score(record, length)
        return record

    def _restored(self, run: Run, record: Record, folder: Path) -> tuple[Job, dict[int, Task]]:
        """Return a job with a run's best weights, and the tasks of its lengths."""
        components, backend = self.options.components, self.options.backend
        limits.require_memory(components, run, backend.device)
        tasks = build.evaluation_tasks(components, run)
        content = load_checkpoint(folder, run, components)
        if content is None:
            again = self.options.command_again(run)
            raise RecordsError(f"its {CHECKPOINT} is not there; to train it again: {again}")
        job, _ = build.job_of(components, run, backend)
        provenance.check_fingerprint(record, provenance.fingerprint(job))
        state = checkpoint.restore(content, job, folder / CHECKPOINT)
        if state.best_weights:
            job.model.load_state_dict(state.best_weights)
        return job, tasks


def _evaluation(job: Job, task: Task) -> Evaluation:
    """Return the scores of a job's weights on the test split of another length's task."""
    scores = evaluate(job.model, task, "test", job.fit.evaluate_batch, job.seed, job.draws)
    job.draws.seed(job.seed, "baselines")
    baselines = {name: dict(values) for name, values in task.baselines().items()}
    digest = provenance.first_digest(task, "test", job.fit.batch, job.seed)
    content = {"test": scores, "baselines": baselines, "fingerprint": digest}
    # a score that is not finite is stored as null
    return Evaluation.model_validate(jsonable(content))


def _or_sentence(
    folder: Path,
    function: Callable[Arguments, Returned],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Returned:
    """Return what a function returns; raise ComponentError for what a component raises in it."""
    result = attempt(function, *args, **kwargs)
    if isinstance(result, UrnnBenchError):
        raise result
    if isinstance(result, Exception):
        raise ComponentError(status_of(result, folder)[1]) from result
    return result
