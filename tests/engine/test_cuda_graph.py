"""Updates that a GPU can replay: what may be captured, and what is done with what cannot be.

Capturing itself needs a GPU; everything around it is the same for a recorder that plays a recorded
update by carrying it out again.
"""

import gc
import warnings
import weakref
from contextlib import nullcontext
from dataclasses import replace

import buildable
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from urnn_bench.cells.base import Cell
from urnn_bench.engine import optim
from urnn_bench.engine.cuda_graph import CudaGraphUpdates
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import UpdateRequest, train_step
from urnn_bench.events import Measured
from urnn_bench.kernels.choose import available, choose
from urnn_bench.registry import Components
from urnn_bench.run import build, checkpoint
from urnn_bench.run.device import Backend, configure_torch
from urnn_bench.spec.fit import Adam, Clip, Fit, Rmsprop, Sgd
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.tasks.base import Batch

COMPONENTS = Components()
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


def run_of(model="lstm", task="copying", steps=12, **fit):
    fit = {"batch": 4, "log_every": 2, "evaluate_every": 6, "dtype": "float64", **fit}
    return Run(
        benchmark="b",
        label=model,
        task=ComponentSpec(name=task, options={"T": 6}),
        hidden=8,
        seed=0,
        cell=ComponentSpec(name=model),
        fit=Fit(steps=steps, **fit),
    )


def job_of(run, **changed):
    job, _ = buildable.job_of(COMPONENTS, run, Backend("cpu", changed.pop("kernel", "auto")))
    return replace(job, **changed)


def replay(body):
    """A capture that replays an update by running it."""
    return body


def curve(job):
    events = list(train_run(job, TrainState()))
    return [(e.step, e.split, e.metrics) for e in events if isinstance(e, Measured)]


class Alone(TorchDispatchMode):
    """Refuses whatever makes the host wait for what a device has computed."""

    ASKING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert not name.startswith(self.ASKING), f"{func} asks the host"
        return func(*args, **(kwargs or {}))


def first(job):
    return job.task.batch("train", 0, job.fit.batch, 0).to(torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("model", COMPONENTS.cells.names())
def test_an_update_asks_nothing_of_the_host_unless_its_cell_says_so(model):
    kernel = "bptt" if "bptt" in COMPONENTS.cells.get(model, Cell).kernels else "eager"
    job = job_of(run_of(model, clip=Clip(norm=1.0)), kernel=kernel)
    train_step([UpdateRequest(job, first(job), ())])
    says_so = pytest.raises(AssertionError, match="asks the host")
    with says_so if job.model.cell.host_sync_reason else nullcontext(), Alone():
        train_step([UpdateRequest(job, first(job), ())])


class Here(TorchDispatchMode):
    """Refuses whatever takes a tensor from the host's memory."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        tensors, _ = tree_flatten((args, kwargs))
        for value in tensors:
            assert not isinstance(value, torch.Tensor) or value.is_meta, f"{func} fetches a tensor"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("model", COMPONENTS.cells.names())
def test_and_fetches_nothing_from_it(model):
    """What is on the meta device has no content; where it lies, and what goes there, is real."""
    cell = job_of(run_of(model), kernel="eager").model.cell
    for kernel in {*available(cell, "cuda")} - {"vendor", "triton"}:
        job = job_of(run_of(model, clip=Clip(norm=1.0)), kernel="eager")
        batch = Batch(first(job).x.to("meta"), first(job).y.to("meta"))
        network = job.model.to("meta")
        network.kernel = choose(network.cell, "cuda", kernel)
        optimizer = optim.make(job.fit.optimizer, list(network.parameters()))
        job = replace(job, model=network, optimizer=optimizer)
        [(_, state)] = train_step([UpdateRequest(job, batch, ())])
        with Here():
            train_step([UpdateRequest(job, batch, state)])


@pytest.mark.parametrize("task", ["adding", "copying", "digits", "pdigits"])
def test_nor_does_any_task(task):
    length = 64 if "digits" in task else 6
    run = run_of(task=task).model_copy(
        update={"task": ComponentSpec(name=task, options={"T": length})}
    )
    job = job_of(run, kernel="eager")
    with Alone():
        train_step([UpdateRequest(job, first(job), ())])


def test_what_does_is_noticed():
    job = job_of(run_of())
    with pytest.raises(AssertionError, match="asks the host"), Alone():
        job.task.scores(job.model(first(job).x)[0], first(job))


@pytest.mark.parametrize(
    "optimizer",
    [
        Adam(name="adam", lr=1e-2),
        Rmsprop(name="rmsprop", lr=1e-2),
        Sgd(name="sgd", lr=0.1),
        None,
    ],
)
def test_replayed_updates_are_the_same_updates(optimizer):
    run = run_of(**({"optimizer": optimizer} if optimizer else {}))
    captured = CudaGraphUpdates(replay)
    assert curve(job_of(run, strategy=captured)) == curve(job_of(run))
    assert captured.name == "captured" and captured.reason == "the device is a GPU"


def test_replayed_updates_of_several_runs_are_theirs():
    runs = [run_of(model="lstm").model_copy(update={"seed": seed}) for seed in range(3)]
    captured = CudaGraphUpdates(replay)
    jobs = [job_of(run, strategy=captured, kernel="eager") for run in runs]
    states = [() for _ in jobs]
    for step in range(8):
        batches = [
            job.task.batch("train", step, 4, job.seed).to(torch.device("cpu"), torch.float64)
            for job in jobs
        ]
        found = captured(
            [UpdateRequest(job, *of) for job, *of in zip(jobs, batches, states, strict=True)]
        )
        states = [tuple(s.clone() for s in last) for _, last in found]
    assert captured.name == "captured"
    for run, job in zip(runs, jobs, strict=True):
        alone, state = job_of(run, kernel="eager"), ()
        for step in range(8):
            batch = alone.task.batch("train", step, 4, run.seed)
            batch = batch.to(torch.device("cpu"), torch.float64)
            [(_, state)] = train_step([UpdateRequest(alone, batch, state)])
        for one, other in zip(job.model.parameters(), alone.model.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_graphs_of_earlier_stacks_are_dropped():
    """Each keeps the memory of an update; a run that leaves its stack makes a new one necessary."""
    graphs = []

    def capture(body):
        graphs.append(weakref.ref(body.__self__))
        return body

    updates = CudaGraphUpdates(capture)
    jobs = [job_of(run_of(model="rnn"), strategy=updates, kernel="eager") for _ in range(8)]
    for size in range(8, 0, -1):
        for _ in range(5):
            updates([UpdateRequest(job, first(job), ()) for job in jobs[:size]])
    gc.collect()
    assert len(graphs) == 8 and sum(graph() is not None for graph in graphs) == 4


def test_carried_states_go_through_the_recording(tmp_path, monkeypatch):
    for split in ("train", "valid", "test"):
        (tmp_path / "ptb").mkdir(exist_ok=True)
        (tmp_path / "ptb" / f"ptb.{split}.txt").write_text("a b c d e f g h i j k\n" * 40)
    monkeypatch.setenv("URNN_BENCH_DATA", str(tmp_path))
    run = run_of(task="ptb", steps=30)
    assert curve(job_of(run, strategy=CudaGraphUpdates(replay))) == curve(job_of(run))


def test_an_update_that_cannot_be_captured_is_carried_out_and_says_why():
    def refuse(body):
        try:
            body()
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")

    captured = CudaGraphUpdates(refuse)
    list(train_run(job_of(run_of(steps=8), strategy=captured), TrainState()))
    assert captured.name == "eager"
    reason = "an update cannot be captured: operation not permitted when stream is capturing"
    assert captured.reason == reason


def test_running_out_of_memory_is_not_a_reason_to_go_on():
    def refuse(_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        list(train_run(job_of(run_of(steps=8), strategy=CudaGraphUpdates(refuse)), TrainState()))


def test_on_a_cpu_nothing_is_captured():
    strategy = job_of(run_of()).strategy
    assert (strategy.name, strategy.reason) == ("eager", "there are no graphs on cpu")


@pytest.fixture
def as_in_a_run():
    """The settings that a run has: deterministic algorithms, above all."""
    configure_torch(1)
    yield
    torch.use_deterministic_algorithms(False)


@CUDA
@pytest.mark.usefixtures("as_in_a_run")
def test_a_captured_run_goes_on_from_its_checkpoint(tmp_path):
    def half(steps, path=None):
        job, _ = buildable.job_of(COMPONENTS, run_of("urnn", steps=steps), Backend("cuda"))
        train_state = checkpoint.restore(checkpoint.load(path, "id"), job) if path else TrainState()
        scores = [e.metrics for e in train_run(job, train_state) if isinstance(e, Measured)]
        return job, train_state, scores

    job, train_state, _ = half(6)
    path = tmp_path / "checkpoint.pt"
    train_state.ended = None
    checkpoint.save(path, job, train_state, "id", {})
    _, _, rest = half(12, path)
    _, _, whole = half(12)
    assert rest[-1] == pytest.approx(whole[-1], rel=1e-8)


@CUDA
@pytest.mark.usefixtures("as_in_a_run")
@pytest.mark.parametrize("model", sorted(COMPONENTS.cells.names()))
def test_captured_updates_are_eager_updates_on_a_gpu(model):
    run = run_of(model, clip=Clip(norm=1.0))
    with warnings.catch_warnings():
        # weights that are not one block, deterministic forms that do not exist
        warnings.simplefilter("ignore")
        job, _ = buildable.job_of(COMPONENTS, run, Backend("cuda"))
        captured = curve(job)
        eager = curve(
            replace(buildable.job_of(COMPONENTS, run, Backend("cuda"))[0], strategy=build.Eager())
        )
    assert (job.strategy.name == "captured") == (not job.model.cell.host_sync_reason), (
        job.strategy.reason
    )
    for (step, split, values), (other, of, expected) in zip(captured, eager, strict=True):
        assert (step, split) == (other, of)
        assert values == pytest.approx(expected, rel=1e-8)
