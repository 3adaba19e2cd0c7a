"""A network and its task to the job that trains it, for a run or for one stage of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch

from urnn_bench.cells.base import Cell
from urnn_bench.engine import optim
from urnn_bench.engine.draws import Draws
from urnn_bench.engine.update import Job, StackedForward, UpdateStrategy
from urnn_bench.models import SequenceModel, stacked_forward, steps_are_independent
from urnn_bench.readouts.base import SolvedReadout
from urnn_bench.run import closed_form
from urnn_bench.run.component_check import has_users_part
from urnn_bench.run.feature_cache import feature_cache_of
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.tasks.base import Task


def stage_job(run: Run, task: Task, model: SequenceModel, strategy: UpdateStrategy) -> Job:
    """Return the job of a run without stages, or of one stage."""
    features = feature_cache_of(model, task, run.fit.batch, run.seed)
    is_stacked = model.kernel.stacked is not None and features is None
    return Job(
        model,
        task,
        _optimizer(run, model),
        run.fit,
        run.seed,
        strategy,
        model.cell.on_update_end,
        StackedForward(stacked_forward, steps_are_independent) if is_stacked else None,
        run.fit.batch * task.sequences_per_example * (model.cell.flops() or 0.0),
        Draws(model.cell.draws or model.readout.draws or has_users_part(task, model)),
        solve=_solve(run, task, model),
        features=features,
    )


def _solve(run: Run, task: Task, model: SequenceModel) -> Callable[[], str] | None:
    """Return what fits a network without updates; None for one that is updated."""
    if not isinstance(model.readout, SolvedReadout):
        return None
    return partial(closed_form.solve, model, model.readout, task, run.fit, run.seed)


def _trainable(model: SequenceModel) -> list[torch.nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


_OwnSettings = tuple[Sequence[torch.nn.Parameter], Mapping[str, float | None]]


def _optimizer(run: Run, model: SequenceModel) -> torch.optim.Optimizer:
    own = _own_settings(run.fit, model.cell)
    return optim.make(run.fit.optimizer, _trainable(model), own)


def _own_settings(fit: Fit, cell: Cell) -> list[_OwnSettings]:
    """Return parameters with settings of their own; those of the first that has one count."""
    of_recurrent = dict(fit.recurrent) if fit.recurrent else {}
    recurrent = cell.recurrent_parameters() if fit.recurrent else ()
    rate, ids = {"lr": fit.orthogonal_lr}, {id(p) for p in recurrent}
    orthogonal = cell.orthogonal_parameters() if fit.orthogonal_lr is not None else ()
    # an orthogonal matrix has a rate of its own, and the weight decay of what it is a part of
    in_both = [p for p in orthogonal if id(p) in ids]
    return [(in_both, {**of_recurrent, **rate}), (orthogonal, rate), (recurrent, of_recurrent)]
