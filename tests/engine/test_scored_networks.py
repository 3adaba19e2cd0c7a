"""The best weights are tested with their own running means, and scores leave no trace."""

import json
from dataclasses import replace

import pytest
import torch
from own_cells import CELL, replaced
from test_modes import BATCH_NORM

from urnn_bench.engine.cuda_graph import CudaGraphUpdates
from urnn_bench.engine.draws import Draws
from urnn_bench.engine.evaluate import evaluate
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.events import Measured
from urnn_bench.probes._trace import trace
from urnn_bench.random_streams import global_states
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.run.resolve import include
from urnn_bench.spec.fit import Fit, Sgd
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

SIZES = {"T": 4, "validation_examples": 12, "test_examples": 12}
DROPOUT = replaced(
    replaced(CELL, "        self.v =", "        self.drop = nn.Dropout(0.4)\n        self.v ="),
    "return (torch.tanh(state[0] @ w.w + u),)",
    "return (self.drop(torch.tanh(state[0] @ w.w + u)),)",
)
# dies once, in the middle of an update, as by kill -9
KILLED = replaced(
    DROPOUT,
    "    def initial_state",
    """\
    def on_update_end(self, step):
        import os, pathlib, signal
        order = pathlib.Path("die")
        if step == 4 and order.exists():
            order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    def initial_state""",
)


def job_of(bench, source, **changed):
    path = bench.write("own.py", source)
    run = Run(
        benchmark="b",
        label="own",
        task=ComponentSpec(name="copying", options=SIZES),
        cell=ComponentSpec(name="own"),
        hidden=5,
        seed=0,
        # so large a rate that the best weights are not the last
        fit=Fit(steps=12, batch=4, log_every=1, evaluate_every=3, optimizer=Sgd(name="sgd", lr=9)),
    )
    components = include(Components(), [path])
    return replace(build.job_of(components, run, Backend("cpu", "eager"))[0], **changed)


def measured(job, state=None):
    events = train_run(job, state or TrainState())
    return [(e.step, e.split, e.metrics) for e in events if isinstance(e, Measured)]


def test_the_best_weights_are_tested_with_their_own_running_means(bench):
    job, state = job_of(bench, BATCH_NORM), TrainState()
    *_, (_, split, tested) = measured(job, state)
    assert split == "test" and state.best_step < state.step
    name = "cell.bn.running_mean"
    last, best = job.model.state_dict()[name], state.best_weights[name]
    assert not torch.equal(last, best)
    anew = job_of(bench, BATCH_NORM).model
    anew.load_state_dict(state.best_weights)
    assert evaluate(anew, job.task, "test", 500, 0) == tested
    # scored with the last means, the best weights are others
    anew.load_state_dict({**state.best_weights, name: last})
    assert evaluate(anew, job.task, "test", 500, 0) != tested


def test_an_evaluation_that_fails_puts_modes_and_last_weights_back(bench, monkeypatch):
    job, state = job_of(bench, BATCH_NORM), TrainState()
    job.model.cell.bn.eval()
    weights = {}
    sound = job.task.batch

    def broken(split, *arguments):
        if split == "test":
            raise RuntimeError("no test")
        weights.update({name: v.clone() for name, v in job.model.state_dict().items()})
        return sound(split, *arguments)

    monkeypatch.setattr(job.task, "batch", broken)
    with pytest.raises(RuntimeError, match="no test"):
        measured(job, state)
    assert job.model.training and job.model.cell.training and not job.model.cell.bn.training
    assert state.best_step < state.step
    now = job.model.state_dict()
    assert all(torch.equal(now[name], value) for name, value in weights.items())


def test_recorded_updates_move_the_running_means_that_are_scored_in_between(bench):
    captured = CudaGraphUpdates(lambda body: body)
    eager = measured(job_of(bench, BATCH_NORM))
    assert measured(job_of(bench, BATCH_NORM, strategy=captured)) == eager
    assert captured.name == "captured"


@pytest.mark.parametrize("source", [DROPOUT, BATCH_NORM], ids=["dropout", "batch norm"])
def test_scores_and_traces_draw_nothing_and_change_nothing(source, bench):
    job = job_of(bench, source)
    weights = {name: v.clone() for name, v in job.model.state_dict().items()}
    batch = job.task.batch("validation", 0, 4, 0)
    before = global_states()
    evaluate(job.model, job.task, "validation", 4, 0, Draws())
    trace(job.model, job.task, batch)
    assert global_states() == before
    now = job.model.state_dict()
    assert all(torch.equal(now[name], value) for name, value in weights.items())


def rows(folder):
    """What a run has measured, to the byte, but for the seconds."""
    [path] = folder.glob("*/*/metrics.csv")
    parts = [line.split(",") for line in path.read_text().splitlines()]
    seconds = parts[0].index("train_s")
    return [[*row[:seconds], *row[seconds + 1 :]] for row in parts]


def weights_of(folder):
    [path] = folder.glob("*/*/checkpoint.pt")
    return torch.load(path, weights_only=True)["model"]


def train(bench, results, *arguments, **options):
    own = ("--model", "own", "--include", "own.py", "--threads", 1, "-q", "--results", results)
    bench("run", "tiny", *own, *arguments, **options)
    return bench.folder / results


def test_dropout_goes_on_to_the_byte_after_a_kill(bench):
    bench.write("own.py", KILLED)
    whole = train(bench, "whole")
    # saved after one update, killed three later
    killed = train(bench, "killed", "--time-limit", "1e-6", code=3)
    bench.write("die", "")
    command = ("--model", "own", "--include", "own.py", "--threads", 1, "--results", "killed")
    bench.process("run", "tiny", *command, code=-9)
    assert not (bench.folder / "die").exists()
    train(bench, "killed")
    assert rows(killed) == rows(whole)
    for name, value in weights_of(whole).items():
        assert torch.equal(value, weights_of(killed)[name])


def test_dropout_is_the_same_in_a_stack_and_another_one_at_every_update(bench):
    bench.write("own.py", DROPOUT)
    alone = train(bench, "alone", "--seeds", 2)
    stacked = train(bench, "stacked", "--seeds", 2, "--stacked")
    for one, other in zip(sorted(alone.glob("*/*")), sorted(stacked.glob("*/*")), strict=True):
        first, second = (
            torch.load(folder / "checkpoint.pt", weights_only=True)["model"]
            for folder in (one, other)
        )
        assert one.name == other.name
        assert all(torch.equal(first[name], second[name]) for name in first)
        reason = json.loads((other / "run.json").read_text())["sessions"][-1]["update_reason"]
        assert "not stacked" in reason and reason.endswith("draws random numbers")


UNSAVED = 'self.register_buffer("mean", torch.zeros(hidden), persistent=False)\n        self.v ='
MOVED = """\
u = x @ w.v
        if self.training:
            self.mean += 0.1 * u.detach().mean((0, 1))
        return u if self.training else u - self.mean"""
LOST = replaced(replaced(CELL, "self.v =", UNSAVED), "return x @ w.v", MOVED)
BUFFERS = {
    "lost": LOST,
    "saved": replaced(LOST, ", persistent=False", ""),
    "made anew every time": replaced(LOST, "self.mean += 0.1 *", "self.mean = 0.1 *"),
}


@pytest.mark.parametrize("kind", BUFFERS)
def test_a_running_mean_that_no_checkpoint_has_is_told(kind, bench):
    bench.write("own.py", BUFFERS[kind])
    err = bench("run", "tiny", "--model", "own", "--include", "own.py", "-q").err
    sentence = "changes the buffer 'cell.mean', which no checkpoint has"
    assert (sentence in err) == (kind == "lost")
