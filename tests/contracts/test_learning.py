"""The contract of learning: every cell learns copying memory at T = 10.

All cells have the same width, optimizer and number of updates, and learn two symbols of an alphabet
of two. The bound is a validation loss of a tenth of the memoryless baseline. A tanh network whose
gradient is cut between the steps misses it by far, as ``test_new_component.py`` shows. A cell that
does not learn with the first learning rate is trained with the next one.

Where the recurrent matrix starts orthogonal, a cell can pass with its gradient cut: the readout
learns to decode a fixed recurrence (Jaeger, 2001). The comparison of gradients with finite
differences in ``test_cells.py`` finds that fault.
"""

import json
from math import ceil

import pytest
from contracts.selection import sizes_of

LEARNING_RATES = (1e-2, 3e-3)
# two symbols, the blank and the sign to recall
INPUTS, WIDTH = 4, 32

BENCHMARK = """\
title: Copying memory at T = 10
task: {name: copying, symbols: 2, recall: 2, validation_examples: 50, test_examples: 50}
T: [10]
hidden: 32
models: {rnn: }
fit:
  steps: 400
  batch: 32
  optimizer: {name: adam}
  clip: {norm: 1.0}
  log_every: 100
  evaluate_every: 25
  solved: {metric: cross_entropy_over_baseline, below: 0.1, stop: true}
"""


def ends_solved(bench, cell, options, rate):
    """Return whether a cell reaches the bound with a learning rate."""
    setting = ("--set", f"fit.optimizer.lr={rate}", "--results", f"results-{rate}")
    bench("run", "learning", "--model", cell, *options, *setting, "-q")
    (path,) = bench.folder.glob(f"results-{rate}/learning/*/run.json")
    return json.loads(path.read_text())["status"] == "solved"


def test_learns_copying_memory(cell_name, cell_type, include_options, bench):
    inputs, hidden = sizes_of(cell_type, INPUTS, WIDTH)
    if inputs != INPUTS:
        pytest.skip(f"its example has {inputs} inputs; this task has {INPUTS}")
    cell = cell_type(inputs, hidden, cell_type.Options())
    if not any(p.requires_grad for p in cell.parameters()):
        pytest.skip("nothing of it is trained")
    # a multiple of the example's width, as a cell may need
    width = ceil(WIDTH / hidden) * hidden
    bench.write("benchmarks/learning.yaml", BENCHMARK.replace("hidden: 32", f"hidden: {width}"))
    assert any(ends_solved(bench, cell_name, include_options, rate) for rate in LEARNING_RATES)
