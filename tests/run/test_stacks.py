"""Stacks: which runs they hold, and that they leave the files that single runs leave."""

import csv
import json
from types import SimpleNamespace

import psutil
import pytest

from urnn_bench.registry import Components
from urnn_bench.run import stacks
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit, RmspropPaper
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

COMPONENTS = Components()
SIZES = {"T": 6, "validation_examples": 6, "test_examples": 6}


def run_of(model="lstm", seed=0, lr=1e-3, batch=4):
    return Run(
        benchmark="b",
        label=model,
        task=ComponentSpec(name="copying", options=SIZES),
        hidden=6,
        seed=seed,
        cell=ComponentSpec(name=model),
        fit=Fit(steps=100, batch=batch, dtype="float64", optimizer=RmspropPaper(lr=lr)),
    )


def test_the_runs_of_a_stack_have_one_signature():
    runs = [
        run_of(model, seed, lr) for seed in (0, 1) for model in ("rnn", "lstm") for lr in (0.1, 1)
    ]
    runs.append(run_of("lstm", 0, batch=5))
    found = list(stacks.stacks(COMPONENTS, Backend("cpu", "eager"), runs))
    assert [len(stack) for stack in found] == [4, 4, 1]
    assert {(r.label, r.fit.batch) for r in found[1]} == {("lstm", 4)}


@pytest.mark.parametrize("layers", [1, 2])
def test_runs_without_a_step_in_time_are_stacked(layers):
    both = {"bidirectional": True, "layers": layers}
    runs = [run_of("lstm", seed).model_copy(update=both) for seed in range(3)]
    [stack] = stacks.stacks(COMPONENTS, Backend("cpu", "auto"), runs)
    assert len(stack) == 3


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_stack_takes_at_most_half_of_the_free_memory(monkeypatch, size):
    """With room for so many runs and a half, every stack but the last holds just so many."""
    runs = [run_of("lstm", seed) for seed in range(10)]
    backend = Backend("cpu", "eager")
    needs = stacks._needs(COMPONENTS, backend, runs[0])
    run_mb = needs.weights_mb + needs.update_mb
    free = SimpleNamespace(available=2 * 2**20 * run_mb * (size + 0.5))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    sizes = [len(stack) for stack in stacks.stacks(COMPONENTS, backend, runs)]
    assert sum(sizes) == 10 and set(sizes[:-1]) == {size}


@pytest.mark.parametrize(("room_mb", "size"), [(0.5, 1), (25, 2), (44, 4), (50, 10), (70, 30)])
def test_runs_that_are_updated_one_by_one_need_room_for_the_updates_at_once(room_mb, size):
    assert stacks._fitting(stacks._Needs(1.0, 10.0, at_once=4), room_mb) == size


def test_stacks_are_not_larger_than_open_files_allow():
    runs = [run_of("rnn", seed) for seed in range(150)]
    found = list(stacks.stacks(COMPONENTS, Backend("cpu", "c"), runs))
    assert [len(stack) for stack in found] == [64, 64, 22]


def test_activation_memory_is_what_the_backward_pass_needs():
    """h_t = f(W h_{t-1} + u_t) keeps h_t of every step, and so does the readout of all of them."""
    small, large = (run_of("rnn", batch=batch) for batch in (50, 100))
    more_mb = stacks.activation_mb(COMPONENTS, large) - stacks.activation_mb(COMPONENTS, small)
    steps, hidden = SIZES["T"] + 20, 6
    states_mb = 8 * steps * 50 * hidden / 2**20
    # u, h and their like: the readout's input, the loss's, and those of the step
    assert 2 * states_mb <= more_mb <= 5 * states_mb


def table(folder, columns=("step", "split", "metric", "value")):
    with (folder / "metrics.csv").open() as file:
        return [tuple(row[c] for c in columns) for row in csv.DictReader(file)]


def folders(root):
    return sorted(path for path in (root / "tiny").iterdir() if path.is_dir())


F64 = ("--set", "fit.dtype=float64", "--kernel", "eager")


def test_a_stack_leaves_the_files_that_single_runs_leave(bench):
    bench("run", "tiny", "--seeds", 3, *F64, "--together", "--probe")
    bench("run", "tiny", "--seeds", 3, *F64, "--probe", "--results", "single")
    several, single = folders(bench.folder / "results"), folders(bench.folder / "single")
    assert [path.name for path in several] == [path.name for path in single]
    for one, other in zip(several, single, strict=True):
        assert {p.name for p in one.iterdir()} == {p.name for p in other.iterdir()}
        assert (one / "probes.csv").read_text() != ""
        for found, expected in zip(table(one), table(other), strict=True):
            assert found[:3] == expected[:3]
            assert float(found[3]) == pytest.approx(float(expected[3]), rel=1e-8)
        records = [json.loads((path / "run.json").read_text()) for path in (one, other)]
        assert [r["sessions"][-1]["together"] for r in records] == [3, 1]
        for key in ("identity", "protocol", "status", "fingerprint", "steps_done", "parameters"):
            assert records[0][key] == records[1][key]


def test_a_done_run_is_not_part_of_a_stack(bench):
    bench("run", "tiny", "--model", "lstm", "--seed", 1)
    said = bench("run", "tiny", "--model", "lstm", "--seeds", 3, "--together").err
    assert "seed 1: already done" in said and "3 done" in said


def test_a_stopped_stack_goes_on_with_each_run_where_it_stood(bench):
    arguments = ("run", "tiny", "--model", "lstm", *F64, "--seeds", 2)
    bench(*arguments, "--steps", 40, "--together", "--time-limit", "0", code=3)
    # one goes on by itself, then both are asked for together again
    bench(*arguments[:3], "lstm", *F64, "--steps", 40, "--seed", 1)
    bench(*arguments, "--steps", 40, "--together")
    bench(*arguments, "--steps", 40, "--results", "single")
    pairs = zip(folders(bench.folder / "results"), folders(bench.folder / "single"), strict=True)
    for one, other in pairs:
        for found, expected in zip(table(one), table(other), strict=True):
            assert found[:3] == expected[:3]
            assert float(found[3]) == pytest.approx(float(expected[3]), rel=1e-8)


def test_one_that_has_solved_its_task_leaves_the_stack(bench):
    solved = ("--set", "fit.solved={metric: cross_entropy_nat, below: 1.36, stop: true}")
    arguments = ("run", "tiny", "--model", "lstm", "--seeds", 4, "--steps", 30, *F64, *solved)
    bench(*arguments, "--together")
    bench(*arguments, "--results", "single")
    ends = [
        [json.loads((path / "run.json").read_text())["steps_done"] for path in folders(root)]
        for root in (bench.folder / "results", bench.folder / "single")
    ]
    assert ends[0] == ends[1]
    assert len(set(ends[0])) > 1, "they should end at different updates for this to show anything"


def test_dry_run_shows_the_stacks(bench):
    output = bench("run", "tiny", "--seeds", 3, "--together", "--kernel", "eager", "--dry-run")
    header, *rows = [line.split("\t") for line in output.out.strip().splitlines()]
    assert header[-1] == "stack"
    assert {(row[1], row[-1]) for row in rows} == {("urnn", "1"), ("lstm", "2")}
    assert "runs: 6 in 2 stacks" in output.err
    assert "stack" not in bench("run", "tiny", "--seeds", 3, "--dry-run").out


def test_a_benchmark_may_request_stacks(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("benchmarks/both.yaml", text + "together: true\n")
    assert "stacks" in bench("run", "both", "--seeds", 2, "--dry-run").err
    assert "stacks" not in bench("run", "both", "--seeds", 2, "--dry-run", "--one-by-one").err


MOVED = '''
import torch
from urnn_bench.cells.rnn import Rnn

class Moved(Rnn):
    """A step that reads a buffer, which changes with training only."""

    kernels = {}

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.register_buffer("base", torch.zeros(hidden))

    def on_update_end(self, step):
        self.base += 0.1 * self.bias.detach()

    def initial_state(self, batch):
        # not beside the parameters, as users write it
        return (torch.zeros(batch, self.hidden, dtype=self.bias.dtype),)

    def step(self, u, state, w):
        return (super().step(u + self.base, state, w)[0],)
'''


def test_a_step_that_reads_what_differs_only_later_is_noticed(bench):
    path = bench.write("moved.py", MOVED)
    arguments = ("run", "tiny", "--model", "moved", "--include", path, "--seeds", 3, "--steps", 20)
    bench(*arguments, *F64, "--together")
    bench(*arguments, *F64, "--results", "single")
    pairs = zip(folders(bench.folder / "results"), folders(bench.folder / "single"), strict=True)
    for one, other in pairs:
        assert "reads more than its weights" in (one / "run.json").read_text()
        assert table(one) == table(other)


def test_a_cell_that_reads_values_is_trained_all_the_same(bench):
    text = MOVED.replace("Moved", "Asking").replace(
        "u + self.base", "u + 0 * float(u.detach().sum())"
    )
    path = bench.write("asking.py", text)
    said = bench(
        "run", "tiny", "--model", "asking", "--include", path, "--seeds", 2, "--together"
    ).err
    assert "2 done" in said
