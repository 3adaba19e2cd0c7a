"""States of whole numbers and of images train, stack, resume and are probed."""

import json
import signal
import time

import pytest
import torch
from conftest import EVERY_PROBE
from stateful_cells import CARRYING_TASK, CELLS
from test_resume import equal, state, table

from urnn_bench.probes.memory_capacity import MemoryCapacity
from urnn_bench.probes.reconstruction import Reconstruction
from urnn_bench.records.record import Record

# readings that belong to no state
NO_STATES = {*Reconstruction.names, *MemoryCapacity.names}
MEMORY = {"clocked": {"h", "c"}, "convolutional": {"h"}}
STEPS = 2000
CARRIED = f"""\
title: States that go from batch to batch
task: {{name: carried, validation_examples: 6, test_examples: 6}}
T: [3]
hidden: 3
models: {{rnn: }}
fit: {{steps: {STEPS}, batch: 2, evaluate_every: 100}}
"""


@pytest.fixture(params=CELLS)
def cell(request, bench):
    bench.write(f"{request.param}.py", CELLS[request.param])
    return request.param


def readings(folder):
    """The states that probes have read, and the names of all numbers of probes."""
    lines = (folder / "probes.csv").read_text().splitlines()[1:]
    numbers = {row[4] for row in table_of(folder) if row[3] == "probe"}
    return {line.split(",")[2] for line in lines}, numbers


def table_of(folder):
    return [line.split(",") for line in (folder / "metrics.csv").read_text().splitlines()]


def test_trains_stacks_is_probed_and_drawn(cell, bench):
    own = ("--model", cell, "--include", f"{cell}.py")
    run = ("run", "tiny", *own, "--seeds", 2, "--threads", 1, "--set", "fit.dtype=float64")
    probing = ("--probe", "--set", "probes.at=[0,3]", "--set", EVERY_PROBE)
    assert bench(*run, *probing, "-q").err == ""
    assert bench(*run, *probing, "-q", "--stacked", "--results", "stacked").err == ""
    for alone in bench.runs():
        stacked = bench.folder / "stacked" / "tiny" / alone.name
        (session,) = Record.read(stacked).sessions
        assert session.together == 2 and "not stacked" not in session.update_reason
        for (*found, value), (*expected, other) in zip(table(stacked), table(alone), strict=True):
            assert found == expected
            assert float(value) == pytest.approx(float(other), rel=1e-6, abs=1e-12)
        states, numbers = readings(alone)
        assert states - NO_STATES == MEMORY[cell]
        horizons = {f"memory_horizon_{name}" for name in MEMORY[cell]}
        capacity = {"memory_capacity_total", "memory_capacity_bound"}
        assert numbers == {"lyapunov", "gradient_precision", *capacity, *horizons}
    names = ("hidden_states", "gradient_norms", "memory_over_training")
    drawn = bench("plot", "tiny", *own[2:], *(word for n in names for word in ("--figure", n))).out
    assert [path.rpartition("/")[2] for path in drawn.split()] == [f"{n}.png" for n in names]


def test_a_killed_run_resumes_with_the_states_it_carried(cell, bench):
    bench.write("carried.py", CARRYING_TASK)
    bench.write("benchmarks/carried.yaml", CARRIED)
    files = ("--include", "carried.py", "--include", f"{cell}.py")
    arguments = ("run", "carried", "--model", cell, *files, "--threads", 1)
    process = bench.start(*arguments)
    for _ in range(20_000):
        if found := [*bench.folder.glob("results/carried/*/checkpoint.pt")]:
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.003)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    position = torch.load(found[0], weights_only=True)["position"]
    assert 0 < position["step"] < STEPS, "the kill must come in the middle"
    assert len(position["state"]) == {"clocked": 3, "convolutional": 1}[cell]
    assert f"resumed at update {position['step']}" in bench(*arguments).err
    bench(*arguments, "--results", "whole", "-q")
    (folder,) = bench.runs("carried")
    whole = bench.folder / "whole" / "carried" / folder.name
    assert table(folder) == table(whole) and equal(state(folder), state(whole))


def test_kernels_are_checked_and_the_cell_is_described(cell, bench):
    own = ("--include", f"{cell}.py")
    sizes = ("--steps", 4, "--batch", 2, "--hidden", 3, "--rounds", 1, "--threads", 1)
    rows = json.loads(bench("kernels", "--model", cell, *own, *sizes, "--json").out)
    assert {"eager", *(["numbered"] if cell == "clocked" else [])} <= {r["kernel"] for r in rows}
    states = {"clocked": "h, c, clock (no memory)", "convolutional": "h"}[cell]
    (description,) = json.loads(bench("describe", cell, *own, "--json").out)
    assert description["states"] == states
