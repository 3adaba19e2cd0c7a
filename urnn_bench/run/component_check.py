"""Whether a user's cell, readout and task keep their contracts, checked before a run is trained."""

from collections.abc import Callable

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.engine.draws import batch_of, check_input
from urnn_bench.events import SplitName
from urnn_bench.global_state import kept
from urnn_bench.models import SequenceModel
from urnn_bench.random_streams import may_draw, seeded
from urnn_bench.readouts.base import Readout
from urnn_bench.run import (
    contract,
    module_contract,
    precision_contract,
    task_contract,
    update_contract,
)
from urnn_bench.spec.run import Run
from urnn_bench.tasks.base import Batch, Task

# task, parts of the network, width, batch and precision of the runs whose components keep their
# contracts
_CHECKED: set[tuple[str, str, str]] = set()


def has_users_part(task: Task, model: SequenceModel) -> bool:
    """Return whether the task, the cell or the readout is of a user's."""
    return any(map(may_draw, (task, *model.cell.parts, model.readout)))


def check(
    run: Run,
    task: Task,
    model: SequenceModel,
    trained: SequenceModel | None,
    network: Callable[[int], SequenceModel],
    dtype: torch.dtype,
) -> None:
    """Raise ComponentError if a user's component breaks its contract, checked once.

    ``network`` makes a network of one layer with a seed; ``trained`` is the model itself if it has
    one.
    """
    size = f"{run.hidden} {run.fit.batch} {run.fit.dtype}"
    key = repr(run.task), repr(run.network), size
    if key in _CHECKED or not has_users_part(task, model):
        return
    # another network: a cell may keep what it has computed
    first = trained or network(run.seed)
    other, third = network(run.seed), network(run.seed + 1)
    _warn_of_names(run, task, first)
    update_contract.warn_of_fixed_seed(run.cell.name, other, third)
    contract.check_kept(run.cell.name, first)
    module_contract.check_attributes("cell", run.cell.name, first.cell)
    module_contract.check_attributes("readout", run.readout.name, first.readout)
    module_contract.warn_of_types("cell", run.cell.name, other.cell)
    module_contract.warn_of_types("readout", run.readout.name, other.readout)
    contract.check_same_start(run.cell.name, first, other)
    with kept(), seeded(run.seed, "contract"):
        batch = _checked_batch(run, task)
        check_input(first.to(dtype), batch.x)
        batch = batch.to(torch.device("cpu"), dtype)
        _check_steps(run, task, other.to(dtype), third.to(dtype), batch)
        # a probe tells it itself
        if run.probes is None:
            precision_contract.warn_of_float64(
                run.cell.name, run.readout.name, lambda: network(run.seed), batch.x
            )
    _CHECKED.add(key)


def _warn_of_names(run: Run, task: Task, model: SequenceModel) -> None:
    """Warn of members that are called almost as one that may be overridden."""
    warn = module_contract.warn_of_misspelt
    warn("cell", run.cell.name, type(model.cell), Cell)
    warn("readout", run.readout.name, type(model.readout), Readout)
    warn("task", run.task.name, type(task), Task)


def _checked_batch(run: Run, task: Task) -> Batch:
    """Return the first batch of a task that keeps its contract; raise ComponentError."""
    split: tuple[SplitName, int, int, int] = ("train", 0, run.fit.batch, run.seed)
    drawn = batch_of(task, *split)
    task_contract.check_batch(
        run.task.name, task, drawn, batch_of(task, *split), size=run.fit.batch
    )
    task_contract.check_splits(run.task.name, task, run.fit.evaluate_batch)
    task_contract.check_baselines(run.task.name, task)
    size = task.evaluation_batch(run.fit.evaluate_batch)
    held_out = batch_of(task, "validation", 0, size, run.seed)
    task_contract.check_held_out(run.task.name, task, held_out, size)
    return drawn


def _check_steps(
    run: Run, task: Task, model: SequenceModel, anew: SequenceModel, batch: Batch
) -> None:
    """Check two steps of a network, the scores of what it returns, and the end of an update."""

    cell = run.cell.name

    def output_of(network: SequenceModel) -> Tensor:
        with seeded(run.seed, "contract", "steps"):
            return contract.check_network(cell, run.readout.name, network, batch.x)

    output = update_contract.check_repeatable(cell, model, lambda: output_of(model))
    loss = task_contract.check_scores(run.task.name, task, output, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    module_contract.warn_of_no_gradient("cell", cell, model.cell)
    update_contract.check_update(cell, model, anew, output_of)
