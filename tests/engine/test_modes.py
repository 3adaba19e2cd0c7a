"""Networks train in training mode, and are scored and probed in evaluation mode."""

import json
from collections import Counter

import pytest
import torch
from own_cells import CELL, replaced

TELLING = replaced(
    CELL,
    "        return x @ w.v",
    "        print('mode', 'training' if self.training else 'evaluation',"
    " 'with' if torch.is_grad_enabled() else 'without')\n        return x @ w.v",
)
# batch norm with running means, which scores in training mode take from what they score
BATCH_NORM = replaced(
    replaced(
        CELL, "        self.v =", "        self.bn = nn.BatchNorm1d(hidden)\n        self.v ="
    ),
    "return x @ w.v",
    "return self.bn((x @ w.v).flatten(0, 1)).view(*x.shape[:2], -1)",
)
FROZEN = replaced(
    BATCH_NORM, "self.bn = nn.BatchNorm1d(hidden)", "self.bn = nn.BatchNorm1d(hidden).eval()"
)


def run(bench, *arguments, code=0):
    own = ("--model", "own", "--include", "own.py")
    return bench("run", "tiny", *own, "-q", *arguments, code=code)


def score(bench, results="results"):
    records = (bench.folder / results).glob("*/*/run.json")
    return [json.loads(path.read_text())["test"] for path in sorted(records)]


def modes(err):
    return Counter(line for line in err.splitlines() if line.startswith("mode"))


def test_scores_are_taken_in_evaluation_mode_and_updates_made_in_training_mode(bench):
    bench.write("own.py", TELLING)
    seen = modes(run(bench).err)
    # six updates and five checks of what the cell returns; three validations and a test; the count
    # of recurrent weights
    modes_of_calls = {"mode training with": 11, "mode evaluation without": 4}
    assert seen == {**modes_of_calls, "mode evaluation with": 1}


def test_probes_read_in_evaluation_mode(bench):
    bench.write("own.py", TELLING)
    seen = modes(run(bench, "--probe", "--set", "probes.at=[0,2]").err)
    # two probes and the count of recurrent weights
    assert seen["mode evaluation with"] == 3
    assert seen.keys() == {
        "mode training with", "mode evaluation with", "mode evaluation without",
    }  # fmt: skip


def test_batch_norm_scores_the_same_for_every_size_of_evaluation_batches(bench):
    bench.write("own.py", BATCH_NORM)
    for size in (3, 12):
        run(bench, "--set", f"fit.evaluate_batch={size}", "--results", str(size))
    (small,), (large,) = score(bench, "3"), score(bench, "12")
    assert small == {name: pytest.approx(value, rel=1e-6) for name, value in large.items()}


def test_running_means_are_part_of_weights_and_of_a_stack(bench):
    """A check of the stack runs the network without an update, which must leave no trace."""
    bench.write("own.py", BATCH_NORM)
    run(bench, "--seeds", 2)
    run(bench, "--seeds", 2, "--stacked", "--results", "stacked")
    assert score(bench) == score(bench, "stacked")


def test_running_means_are_resumed(bench):
    bench.write("own.py", BATCH_NORM)
    run(bench)
    # stops after one update
    run(bench, "--time-limit", "1e-6", "--results", "parts", code=3)
    run(bench, "--results", "parts")
    assert score(bench) == score(bench, "parts")


def test_a_part_that_the_cell_keeps_in_evaluation_mode_stays_there(bench):
    bench.write("own.py", FROZEN)
    run(bench)
    checkpoint = next(bench.folder.glob("results/*/*/checkpoint.pt"))
    weights = torch.load(checkpoint, weights_only=True)["model"]
    assert weights["cell.bn.num_batches_tracked"] == 0
