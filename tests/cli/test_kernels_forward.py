"""``urnn-bench kernels --forward`` as it is typed: rows, checks, sizes, and what is refused."""

import csv
import json

import pytest

from urnn_bench.machine import memory

FORWARD = ("kernels", "--forward", "--threads", "1", "--rounds", "1")
MEMORY = (*FORWARD, "--model", "hippo_memory")
# a memory of one input, whose kernel `fast` is right where FAULT is not
CELL = '''
"""A sum of what it sees."""

import torch
from urnn_bench.cells.base import Cell, Example
from urnn_bench.kernels.choose import Implementation


def run(cell, x, state, w):
    hs = x.cumsum(0) + state[0]
    return hs, (hs[-1].clone(),)


def last_state(cell, x, state, w):
    print(f"last_state {len(x)} {torch.is_grad_enabled()} {x.dtype}")
    return (x.sum(0) + state[0],)


class Total(Cell):
    kernels = {"fast": Implementation(frozenset({"cpu"}), run, last_state=last_state)}

    @classmethod
    def example(cls):
        return Example(inputs=1, hidden=1)

    def weights(self):
        return ()

    def drive(self, x, w):
        return x

    def step(self, u, state, w):
        return (state[0] + u,)

    def initial_state(self, batch):
        return (torch.zeros(batch, self.hidden, dtype=torch.get_default_dtype()),)
'''


def rows_of(bench, *arguments):
    return json.loads(bench(*arguments, "--json").out)


def test_times_every_kernel_of_a_memory_and_of_others_on_one_channel(bench):
    rows = rows_of(bench, *MEMORY, "--model", "lstm", "--steps", 30, "--batch", 2, "--hidden", 8)
    timed = {(r["model"], r["kernel"]): r for r in rows if r["forward_ms"]}
    assert {("hippo_memory", "eager"), ("lstm", "eager"), ("lstm", "bptt")} <= set(timed)
    for row in timed.values():
        assert row["inputs"] == 1 and row["error"] < 1e-9 and row["obstacle"] is None
        assert row["steps_per_s"] == pytest.approx(30 * 2 / (row["forward_ms"] / 1e3))
        ratio = timed[row["model"], "eager"]["forward_ms"] / row["forward_ms"]
        assert row["ratio"] == pytest.approx(ratio)
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]


def test_the_file_and_the_table_have_the_columns_of_a_forward_pass_alone(bench):
    done = bench(*MEMORY, "--steps", 9, "--hidden", 4, "--csv", "forward.csv")
    with (bench.folder / "forward.csv").open() as file:
        (eager,) = (r for r in csv.DictReader(file) if r["kernel"] == "eager")
    assert float(eager["steps_per_s"]) > 0 and eager["device_name"] and eager["torch"]
    columns = ["model", "kernel", "T", "B", "H", "forward ms", "steps/s", "x eager", "range", "MiB"]
    assert done.out.splitlines()[0].split("\t") == columns
    assert not {"update_ms", "share", "us_per_step", "gflop_per_s"} & set(eager)


def test_a_kernel_makes_the_last_state_alone_and_is_checked_on_the_first_steps(bench):
    bench.write("total.py", CELL)
    done = bench(*FORWARD, "--model", "total", "--include", "total.py", "--steps", 4000, "--json")
    # what a cell prints is not in the document
    assert {row["kernel"] for row in json.loads(done.out)} == {"eager", "fast"}
    calls = {line for line in done.err.splitlines() if line.startswith("last_state")}
    assert calls == {
        "last_state 1000 False torch.float64",
        "last_state 1000 False torch.float32",
        "last_state 4000 False torch.float32",
    }


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("x.sum(0) + state[0],", "x.sum(0) + state[0] + 1e-6,"),
        ("x.sum(0) + state[0],", "(x.sum(0) + state[0])[:1],"),
        ("x.cumsum(0) + state[0]", "x.cumsum(0) * 1.000001"),
        ("hs, (hs[-1].clone(),)", "hs, (hs[-2].clone(),)"),
        ("x.sum(0) + state[0],", "x.sum(0) * float('nan'),"),
    ],
)
def test_a_wrong_kernel_is_not_timed(bench, right, wrong):
    bench.write("total.py", CELL.replace(right, wrong))
    done = bench(*FORWARD, "--model", "total", "--include", "total.py", "--steps", 9, code=4)
    assert "the kernel 'fast' of 'total' differs from the time loop by" in done.err


def test_the_time_loop_is_left_out_of_long_sequences_unless_it_is_named(bench):
    bench.write("total.py", CELL)
    arguments = (*FORWARD, "--model", "total", "--include", "total.py", "--steps", 5001)
    done = bench(*arguments)
    assert [line.split("\t")[1] for line in done.out.splitlines()] == ["kernel", "fast"]
    assert done.err.count("is left out above 5,000 steps; --kernel eager times it") == 1
    named = rows_of(bench, *arguments, "--kernel", "eager")
    assert [r["kernel"] for r in named if r["forward_ms"]] == ["eager"]


def test_a_last_state_alone_needs_no_room_for_states_over_time(bench, monkeypatch):
    monkeypatch.setattr(memory, "free_with_swap", lambda: 10**8)
    bench.write("total.py", CELL)
    arguments = (*FORWARD, "--model", "total", "--include", "total.py", "--batch", 1)
    wide = ("--steps", 10**6, "--hidden", 100)
    assert "fast" in bench(*arguments, *wide).out
    refused = bench(*arguments, *wide, "--kernel", "eager", code=2)
    assert "1,000,000 steps with 1 input and 100 hidden units needs at least" in refused.err
    refused = bench(*arguments, "--steps", 10**8, code=2)
    assert "100,000,000 steps with 1 input needs at least" in refused.err


def test_a_long_sequence_of_a_cell_without_kernels_is_refused(bench):
    bench.write("slow.py", CELL.replace("    kernels =", "    table ="))
    done = bench(*FORWARD, "--model", "slow", "--include", "slow.py", "--steps", 5001, code=2)
    assert "nothing is left to time: eager of slow: it is left out above 5,000" in done.err


@pytest.mark.parametrize("shape", [(10**6, 10**5, 256), (10**9, 10**3, 1)])
def test_what_does_not_fit_is_refused_for_a_kernel_without_a_last_state(bench, shape):
    sizes = zip(("--steps", "--batch", "--hidden"), shape, strict=True)
    arguments = [*FORWARD, "--model", "lstm", *(a for pair in sizes for a in pair)]
    done = bench(*arguments, code=2)
    assert "GB are free; lower --steps" in done.err and len(done.err.splitlines()) == 1


def test_a_benchmark_times_its_models_with_their_options(bench):
    bench.write(
        "benchmarks/memories.yaml",
        """\
title: Memories
task: {name: reconstruct, window: 20, points: 4, band_limit: 0.1}
T: [20]
seeds: [0, 1]
hidden: 4
readout: ridge
models:
  legs: {cell: hippo_memory}
  legt: {cell: {name: hippo_memory, measure: legt, window: 20}}
fit: {steps: 2, batch: 3}
""",
    )
    arguments = ("kernels", "memories", *FORWARD[1:])
    rows = rows_of(bench, *arguments)
    kernels = {r["model"]: {q["kernel"] for q in rows if q["model"] == r["model"]} for r in rows}
    assert set(kernels) == {"legs", "legt"}
    timed = {(r["model"], r["kernel"]) for r in rows if r["forward_ms"]}
    # LegS has a matrix of its own for every step
    assert ("legt", "pieces") in timed and ("legs", "pieces") not in timed
    assert {(r["steps"], r["batch"], r["hidden"], r["inputs"]) for r in rows} == {(20, 3, 4, 1)}
    assert {r["model"] for r in rows_of(bench, *arguments, "--model", "legt")} == {"legt"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--profile",), "--forward times the forward pass alone; leave out --profile and --seeds"),
        (("--seeds", "2"), "leave out --profile and --seeds"),
        (("tiny", "--steps", "5"), "a benchmark sets the sizes: leave out --steps"),
        (("--model", "lstm", "--kernel", "bppt"), "no kernel is called 'bppt'"),
        (("--model", "lstn"), "did you mean 'lstm'"),
        (
            ("--model", "hippo_memory", "--hidden", 4, "--kernel", "pieces"),
            "nothing is left to time: pieces of hippo_memory: every step has another matrix",
        ),
    ],
)
def test_wrong_input_is_one_sentence(bench, arguments, said):
    done = bench("kernels", "--forward", *arguments, code=2)
    assert said in done.err and len(done.err.splitlines()) == 1


def test_a_model_without_the_wanted_kernel_is_named(bench):
    sizes = ("--steps", 9, "--hidden", 4)
    done = bench(*FORWARD, "--model", "lmu", "--model", "lstm", *sizes, "--kernel", "bptt")
    assert "skipped: lmu has no kernel bptt" in done.err
    assert [line.split("\t")[0] for line in done.out.splitlines()[1:]] == ["lstm"]


def test_a_model_that_cannot_be_built_is_skipped(bench):
    bench.write(
        "total.py",
        CELL.replace(
            "    def weights",
            "    def __init__(self, *_):\n        raise ValueError('no')\n\n    def weights",
        ),
    )
    sizes = ("--steps", 9, "--hidden", 4)
    arguments = ("--model", "total", "--include", "total.py", *sizes)
    done = bench(*MEMORY, *arguments)
    assert "skipped: the model 'total' cannot be measured" in done.err
    assert "hippo_memory" in done.out
