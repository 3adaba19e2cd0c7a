"""Random numbers of a user's component are a function of the seed, wherever it draws them."""

import csv
import json
import random

import buildable
import numpy as np
import pytest
import torch
from own_cells import CELL, DRAWING, TASK, drawing, replaced

from urnn_bench.cells.base import Cell
from urnn_bench.random_streams import global_states, seeded
from urnn_bench.registry import Components
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

SIZES = ("--set", "hidden=5", "--threads", 1, "-q")
SOUND = "torch.randint(0, 2, (self.options.T, count), generator=rng)"
COPYING = {"T": 4, "validation_examples": 4, "test_examples": 4}
OWN_TASK = """\
title: A task of one's own
task: {name: own_task, validation_examples: 12, test_examples: 12}
T: [4]
hidden: 5
models: {rnn: , own: }
fit: {steps: 4, batch: 3, evaluate_every: 2, log_every: 1}
"""


def shake():
    """Move every global generator, as another program part would."""
    torch.rand(3), np.random.rand(5), random.random()


def curves(folder):
    """What a run has measured, by its slug, without the times."""
    return {path.parent.name: rows_of(path) for path in sorted(folder.glob("*/*/metrics.csv"))}


def rows_of(path):
    rows = csv.DictReader(path.read_text().splitlines())
    return [[v for k, v in row.items() if k != "train_s"] for row in rows]


def trained(bench, results, *arguments, model="own", benchmark="tiny"):
    shake()
    include = ("--include", "own.py")
    sizes = [word for word in SIZES if "--threads" not in arguments or word not in ("--threads", 1)]
    bench("run", benchmark, "--model", model, *include, *sizes, "--results", results, *arguments)
    return curves(bench.folder / results)


def record_of(bench, results):
    return json.loads(next((bench.folder / results).glob("*/*/run.json")).read_text())


@pytest.mark.parametrize("where", DRAWING)
def test_a_cell_that_draws_gives_the_same_numbers_again_and_in_a_stack(where, bench):
    bench.write("own.py", drawing(where))
    alone = trained(bench, "alone", "--seeds", 2)
    assert len(alone) == 2
    assert trained(bench, "again", "--seeds", 2) == alone
    stacked = trained(bench, "stacked", "--seeds", 2, "--stacked")
    for slug, rows in alone.items():
        # stacked as long as no update draws: equal to rounding
        expected = [float(row[-1]) for row in rows]
        assert [float(row[-1]) for row in stacked[slug]] == pytest.approx(expected, rel=1e-4)
    if not (where.startswith("init") or where == "update_end"):
        assert where == "late" or stacked == alone
        assert (
            "draws random numbers" in record_of(bench, "stacked")["sessions"][-1]["update_reason"]
        )


TELLING = replaced(
    replaced(CELL, "+ u),)", "+ u) + 0 * told(torch.rand(1)),)"),
    "class Own",
    "def told(x):\n    print('drew', float(x))\n    return x\n\n\nclass Own",
)


def test_a_draw_is_another_one_at_every_update_and_for_every_seed(bench):
    """A stream that began anew would hide that nothing is random any more."""
    bench.write("own.py", TELLING)
    err = bench("run", "tiny", "--model", "own", "--include", "own.py", *SIZES, "--seeds", 2).err
    drawn = [line for line in err.splitlines() if line.startswith("drew")]
    assert len(drawn) > 100
    # a split's numbers are the same whenever it is scored, and those of an update never
    assert len(set(drawn)) > len(drawn) / 2


THREADED = replaced(
    drawing("late"),
    "    def initial_state",
    "    def flops(self):\n        return 1e9\n\n    def initial_state",
)


def test_updates_that_draw_are_not_spread_over_threads(bench):
    bench.write("own.py", THREADED)
    alone = trained(bench, "alone", "--seeds", 4)
    stacked = trained(bench, "stacked", "--seeds", 4, "--stacked", "--threads", 2)
    # the first updates do not draw, and are stacked: equal to rounding
    assert {slug: len(rows) for slug, rows in stacked.items()} == {
        slug: len(rows) for slug, rows in alone.items()
    }
    for slug, rows in stacked.items():
        found, expected = ([float(row[-1]) for row in r] for r in (rows, alone[slug]))
        assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("where", ["step_torch", "weights", "update_end", "step_python"])
def test_a_run_that_was_stopped_draws_what_it_would_have_drawn(where, bench):
    bench.write("own.py", drawing(where))
    whole = trained(bench, "whole")
    own = ("--model", "own", "--include", "own.py", *SIZES, "--results", "parts")
    for _ in range(2):
        # stops after one update
        shake()
        bench("run", "tiny", *own, "--time-limit", "1e-6", code=3)
        assert record_of(bench, "parts")["status"] == "timeout"
    assert record_of(bench, "parts")["steps_done"] == 2
    assert trained(bench, "parts") == whole


@pytest.mark.parametrize("kind", ["torch", "numpy", "python"])
def test_a_task_that_ignores_its_generator_shows_every_model_the_same_data(kind, bench):
    drawn = {
        "torch": "torch.randint(0, 2, (self.options.T, count))",
        "numpy": "torch.from_numpy(np.random.randint(0, 2, (self.options.T, count)))",
        "python": "torch.tensor([[random.randrange(2) for _ in range(count)]"
        " for _ in range(self.options.T)])",
    }[kind]
    bench.write("own_task.py", replaced(TASK, SOUND, drawn))
    bench.write("own.py", CELL)
    bench.write("benchmarks/parity.yaml", OWN_TASK)
    include = ("--include", "own.py", "--include", "own_task.py", "-q")
    bench("run", "parity", *include)
    shake()
    bench("run", "parity", *include, "--results", "again", "--stacked")
    assert curves(bench.folder / "again") == curves(bench.folder / "results")
    prints = {
        json.dumps(json.loads(path.read_text())["fingerprint"])
        for path in bench.folder.glob("*/*/*/run.json")
    }
    assert len(prints) == 1


def test_generators_of_a_components_own_are_told_before_training(bench):
    own = "torch.tensor(np.random.default_rng().normal(size=(hidden, hidden)))"
    bench.write("own.py", replaced(CELL, "0.3 * torch.randn(hidden, hidden)", own))
    err = bench("run", "tiny", "--model", "own", "--include", "own.py", *SIZES, code=3).err
    assert "starts from other weights for the same seed" in err
    bits = "torch.from_numpy(np.random.default_rng().integers(0, 2, (self.options.T, count)))"
    bench.write("own_task.py", replaced(TASK, SOUND, bits))
    bench.write("benchmarks/parity.yaml", OWN_TASK)
    err = bench("run", "parity", "--model", "rnn", "--include", "own_task.py", code=3).err
    assert "another batch for the same arguments" in err


@pytest.mark.parametrize("name", Components().cells.names())
def test_built_in_cells_draw_from_no_global_generator_after_they_are_built(name):
    """So their updates need not be seeded."""
    run = Run(
        benchmark="b",
        label=name,
        task=ComponentSpec(name="copying", options=COPYING),
        cell=ComponentSpec(name=name),
        hidden=4,
        seed=0,
        fit=Fit(steps=1, batch=2),
    )
    job, _ = buildable.job_of(Components(), run, Backend("cpu", "eager"))
    assert isinstance(job.model.cell, Cell) and not job.draws.possible
    before = global_states()
    batch = job.task.batch("train", 0, 2, 0)
    job.task.loss(job.model(batch.x)[0], batch).backward()
    job.on_update_end(1)
    assert global_states() == before


def test_a_stream_of_numpy_is_not_that_of_python():
    with seeded(0, "x"):
        # both are Mersenne twisters: the same key would give the same numbers
        assert random.random() != np.random.random_sample()


def test_seeding_leaves_no_trace():
    before = global_states()
    with seeded(3, "x"):
        shake()
    assert global_states() == before
