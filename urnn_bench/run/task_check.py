"""All checks of a user's task, on its first batches, and what each of them finds."""

import torch
from pydantic import ValidationError
from torch import Tensor

from urnn_bench.engine.draws import batch_of
from urnn_bench.errors import ComponentError, attempt
from urnn_bench.events import SPLITS
from urnn_bench.global_state import kept
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components
from urnn_bench.run import module_contract, task_contract
from urnn_bench.run.architecture import raised_by
from urnn_bench.run.checks import Checks
from urnn_bench.spec.types import Config
from urnn_bench.tasks.base import Batch, Task

# the first that the options take is the length of the batches
_LENGTHS = (10, 20, 30, 50, 100, 1, 1000, 784, 182, 91)
_BATCH, _SEED = 4, 0


def check_task(checks: Checks, _: Components, kind: type[Task]) -> None:
    """Check a task of some length."""
    name = checks.name
    checks.run(module_contract.warn_of_misspelt, "task", name, kind, Task)
    for options in checks.run(_options, name, kind):
        for task in checks.run(raised_by, f"the task '{name}' cannot be built", kind, options):
            _check_splits(checks, task)
            _check_batches(checks, task)


def _options(name: str, kind: type[Task]) -> Config:
    """Return options of a length that they take; raise ComponentError if there is none."""
    made = [attempt(_of_length, kind, T) for T in _LENGTHS]
    accepted = [options for options in made if isinstance(options, Config)]
    if not accepted:
        reason = _reason(made[0])
        raise ComponentError(f"the task '{name}': its Options refuse T = {_LENGTHS[0]}: {reason}")
    return accepted[0]


def _of_length(kind: type[Task], T: int) -> Config:
    return kind.Options.model_validate({"T": T})


def _reason(error: object) -> str:
    """Return the first thing that pydantic, or whatever else has refused the options, says."""
    if not isinstance(error, ValidationError):
        return f"{type(error).__name__}: {error}"
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    said = first["msg"].removeprefix("Value error, ")
    return f"'{where}': {said}" if where else said


def _check_splits(checks: Checks, task: Task) -> None:
    checks.run(task_contract.check_splits, checks.name, task, _BATCH)
    checks.run(task_contract.check_baselines, checks.name, task)


def _check_batches(checks: Checks, task: Task) -> None:
    """Check the first batches of all splits, and the loss and the scores of some output."""
    name, text = checks.name, f"the task '{checks.name}': a batch cannot be drawn"
    pairs = checks.run(raised_by, text, _twice, task)
    with kept(), seeded(_SEED, "contract"):
        for batch, again in pairs:
            for _ in checks.run(task_contract.check_batch, name, task, batch, again, _BATCH):
                output = _output(task, batch)
                checks.run(task_contract.check_scores, name, task, output, batch)
        for split in SPLITS[1:] if pairs else ():
            for held_out in checks.run(raised_by, text, batch_of, task, split, 0, _BATCH, _SEED):
                checks.run(task_contract.check_held_out, name, task, held_out, _BATCH)


def _twice(task: Task) -> tuple[Batch, Batch]:
    """Return the first batch of training, drawn twice."""
    with kept():
        first, again = (batch_of(task, "train", 0, _BATCH, _SEED) for _ in range(2))
        return first, again


def _output(task: Task, batch: Batch) -> Tensor:
    """Return an output of every sequence, which can be differentiated."""
    shape = batch.x.shape[1], task.signature.outputs
    return torch.randn(shape, requires_grad=True)
