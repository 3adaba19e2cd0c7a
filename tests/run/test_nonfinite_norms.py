"""A gradient whose norm overflows becomes 0 by clipping; that is told, counted and recorded."""

import json
from dataclasses import replace

import pytest
import torch
from conftest import with_setting
from engine.own_cells import CELL, replaced
from engine.test_cuda_graph import job_of, replay, run_of

from urnn_bench.engine import optim
from urnn_bench.engine.cuda_graph import CudaGraphUpdates
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.errors import DamagedRecordError
from urnn_bench.events import Updated
from urnn_bench.run.checkpoint import load, restore, save
from urnn_bench.spec.fit import Clip

# the value of the matrix is as it was, its gradient 1e25 times as large
HUGE = replaced(CELL, "Weights(self.v, self.w)",
                "Weights(self.v, self.w + 1e25 * (self.w - self.w.detach()))")  # fmt: skip
RUN = ("run", "tiny", "--model", "huge", "--include", "huge.py", "--set", "hidden=4",
       "--set", "fit.clip={norm: 1.0}")  # fmt: skip
TOLD = "the gradient's norm was not finite"


def record(bench):
    (folder,) = bench.runs()
    return json.loads((folder / "run.json").read_text())


def test_a_zeroed_gradient_is_told_once_and_recorded(bench):
    bench.write("huge.py", HUGE)
    err = bench(*RUN, "--set", "fit.log_every=2").err
    (warning,) = [line for line in err.splitlines() if TOLD in line]
    assert "at 2 of the updates until 2" in warning and "fit.clip={value: 1.0}" in warning
    seen = record(bench)
    assert seen["status"] == "done" and seen["nonfinite_norm_step"] == 2
    assert seen["nonfinite_norms"] == seen["steps_done"] > 2
    assert f"not finite at {seen['steps_done']} updates, first seen at 2" in err


@pytest.mark.parametrize(
    ("setting", "count"),
    [("fit.clip={value: 1.0}", None), ("fit.dtype=float64", 0), ("fit.clip=null", None)],
)
def test_what_the_warning_proposes_helps(setting, count, bench):
    bench.write("huge.py", HUGE)
    assert TOLD not in bench(*with_setting(RUN, setting)).err
    assert record(bench)["nonfinite_norms"] == count
    assert record(bench)["nonfinite_norm_step"] is None


def test_the_count_goes_on_when_a_run_is_resumed(bench):
    bench.write("huge.py", HUGE)
    bench(*RUN, "--time-limit", "0.000001", code=3)
    assert record(bench)["nonfinite_norms"] == 1
    bench(*RUN)
    assert record(bench)["nonfinite_norms"] == record(bench)["steps_done"]


def test_runs_of_a_stack_have_counts_of_their_own(bench):
    bench.write("huge.py", HUGE)
    bench(*RUN, "--stacked", "--seeds", 2)
    bench(*[word.replace("norm: 1.0", "value: 1.0") for word in RUN], "--seeds", 2)
    records = [json.loads((folder / "run.json").read_text()) for folder in bench.runs()]
    assert {r["nonfinite_norms"] for r in records} == {None, records[0]["steps_done"]}


OVERFLOWING = {0, 4, 5, 11}


def job_with_overflows(**changed):
    """A run in float32 whose gradient is 1e25 times as large in some updates."""
    job = job_of(run_of("rnn", clip=Clip(norm=1.0), dtype="float32", log_every=4), **changed)
    scales = iter([1e25 if step in OVERFLOWING else 1.0 for step in range(job.fit.steps)])
    matrix = next(p for p in job.model.parameters() if p.ndim == 2)
    matrix.register_hook(lambda gradient: gradient * next(scales))
    return job


@pytest.mark.parametrize("strategy", [None, CudaGraphUpdates(replay)], ids=["eager", "captured"])
def test_every_update_is_counted_and_none_waits(strategy):
    changed = {} if strategy is None else {"strategy": strategy}
    state = TrainState()
    for event in train_run(job_with_overflows(**changed), state):
        if isinstance(event, Updated) and event.step < 4:
            assert isinstance(state.nonfinite_norms, torch.Tensor), "read before it is logged"
    assert (state.nonfinite_norms, state.nonfinite_norm_step) == (len(OVERFLOWING), 4)


def test_a_checkpoint_between_two_logged_updates_keeps_the_count(tmp_path):
    job, state = job_with_overflows(), TrainState()
    events = train_run(job, state)
    while state.step < 6:
        next(events)
    save(tmp_path / "checkpoint.pt", job, state, "id", {})
    again = restore(load(tmp_path / "checkpoint.pt", "id"), job)
    assert int(again.nonfinite_norms) == 3 and again.nonfinite_norm_step == 4


@pytest.mark.parametrize("count", [-1, 99, 1.5, "1", torch.tensor(99), torch.zeros(2)])
def test_an_impossible_count_in_a_checkpoint_is_refused(count, tmp_path):
    job, state = job_with_overflows(), TrainState()
    events = train_run(job, state)
    while state.step < 6:
        next(events)
    save(tmp_path / "checkpoint.pt", job, replace(state, nonfinite_norms=count), "id", {})
    with pytest.raises(DamagedRecordError):
        restore(load(tmp_path / "checkpoint.pt", "id"), job)


def test_what_is_returned_by_clipping():
    p = torch.nn.Parameter(torch.zeros(2))
    p.grad = torch.full((2,), 1e25)
    check = optim.NormCheck()
    check.update(optim.clip([p], Clip(norm=1.0)))
    assert check.nonfinite == 1 and not p.grad.any()
    address = check.nonfinite.data_ptr()
    p.grad = torch.tensor([3.0, 4.0])
    check.update(optim.clip([p], Clip(norm=1.0)))
    assert check.nonfinite == 0 and check.nonfinite.data_ptr() == address
    assert optim.clip([p], Clip(value=1.0)) is None
