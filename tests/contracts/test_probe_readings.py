"""The contract of probes: what holds for every probe, read from a trace of every cell."""

from copy import deepcopy
from fnmatch import fnmatch

import pytest
import torch
from contracts.selection import sizes_of
from tasks.lakes import task as lake_task

from urnn_bench.cells.base import Cell
from urnn_bench.errors import ComponentError
from urnn_bench.kernels.choose import choose
from urnn_bench.models import SequenceModel
from urnn_bench.pooling import pool_of
from urnn_bench.probes._trace import trace
from urnn_bench.random_streams import seeded
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components
from urnn_bench.spec.types import Config
from urnn_bench.tasks.base import Batch, Signature, Targets, Vectors
from urnn_bench.tasks.shown_digits import ShownDigits, ShownDigitsOptions

T, B, F, H = 6, 3, 2, 5


class MeanSquare:
    """What a trace needs of a task: a loss of the output."""

    def loss(self, output, batch):
        return (output - batch.y).square().mean()


# a task has the first of these that a probe reads
TASKS = (MeanSquare(), lake_task(T=T), ShownDigits(ShownDigitsOptions(T=T, shown=3)))


def make_trace(cell_type, targets, task):
    """Return the trace of a cell with random weights over a batch of a task, or random inputs."""
    is_task = task is not TASKS[0]
    batch = task.batch("validation", 0, B, 0) if is_task else None
    features, outputs = (batch.x.shape[-1], task.signature.outputs) if is_task else (F, 1)
    with seeded(0, "init"):
        cell = cell_type(*sizes_of(cell_type, features, H), cell_type.Options())
        signature = Signature(Vectors(cell.inputs), outputs, targets)
        kernel, pool = choose(cell, "cpu", "eager"), pool_of(None, targets is Targets.EVERY_STEP)
        readout = Components().readouts.get("linear", Readout)(cell.features, outputs, Config())
        model = SequenceModel(cell, signature, kernel, pool, readout)
    if is_task and (targets is Targets.LAST_STEP or cell.inputs != features):
        pytest.skip("the task has other inputs or targets")
    return trace(model, task, batch or random_batch(cell.inputs, targets))


def random_batch(inputs, targets):
    rng = torch.Generator().manual_seed(1)
    shape = (T, B, 1) if targets is Targets.EVERY_STEP else (B, 1)
    return Batch(torch.randn(T, B, inputs, generator=rng), torch.randn(shape, generator=rng))


@pytest.fixture(params=list(Targets), ids=lambda targets: targets.name.lower())
def made(request, cell_type, probe_type):
    task = next((task for task in TASKS if isinstance(task, probe_type.task_type)), None)
    if task is None:
        pytest.skip(f"no task here is a {probe_type.task_type.__name__}")
    return make_trace(cell_type, request.param, task)


@pytest.fixture
def probe(probe_type):
    return probe_type(probe_type.Options())


def test_reads_curves_over_time_or_numbers(probe, made):
    """Of states by their names, or of all states under the empty name or the probe's own names."""
    reading = probe.read(made)
    memory = {state.name for state in made.cell.states if state.memory}
    known = {"", *memory, *probe.names}
    assert reading and all(any(fnmatch(name, form) for form in known) for name in reading)
    for value in reading.values():
        assert not value.is_complex() and not value.requires_grad
        assert value.shape in ((), (T,))


def test_refuses_a_task_that_it_cannot_read(probe, components):
    if isinstance(TASKS[0], probe.task_type):
        pytest.skip("it reads every task")
    with pytest.raises(ComponentError, match="task"):
        probe.read(make_trace(components.cells.get("rnn", Cell), Targets.EVERY_STEP, TASKS[0]))


def test_reads_the_same_again_and_draws_nothing_from_the_global_generator(probe, made):
    before = torch.get_rng_state()
    first, second = probe.read(made), probe.read(made)
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(before, torch.get_rng_state())


def test_changes_neither_the_trace_nor_the_cell(probe, made):
    tensors = {**made.states, "x": made.x, **made.cell.state_dict()}
    gradients, initial = deepcopy(dict(made.gradients)), [s.clone() for s in made.initial]
    others = deepcopy(dict(made.others))
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    probe.read(made)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in before.items())
    assert all(torch.equal(made.gradients[name], g) for name, g in gradients.items())
    assert all(torch.equal(a, b) for a, b in zip(made.initial, initial, strict=True))
    assert all(torch.equal(made.others[i], s) for i, s in others.items())
    assert all(p.grad is None for p in made.cell.parameters())
