"""The width that a budget of parameters allows, of cells that compute or refuse while built."""

import random
from math import isqrt

import numpy as np
import pytest
import torch

CELL = """\
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from urnn_bench.cells.base import Cell

BUILT = []


class Weights(NamedTuple):
    wx: torch.Tensor
    wh: torch.Tensor


class Drawn(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        BUILT.append(hidden)
        {check}
        # neither is on the device "meta"
        self.wx = nn.Parameter(torch.from_numpy(np.random.uniform(-0.1, 0.1, (hidden, inputs))))
        self.wh = nn.Parameter(torch.from_numpy(np.random.normal(0, 0.1, (hidden, hidden))))

    def weights(self):
        return Weights(self.wx, self.wh)

    def drive(self, x, w):
        return x @ w.wx.T

    def step(self, u, state, w):
        return (torch.tanh(u + state[0] @ w.wh.T),)

    def initial_state(self, batch):
        return (self.wx.new_zeros(batch, self.hidden),)
"""
BENCHMARK = """\
title: Widths
task: {name: copying, symbols: 3, recall: 2, validation_examples: 8, test_examples: 8}
T: [4, 6]
seeds: [0, 1]
parameters: 6000
models:
  drawn:
fit: {steps: 2, batch: 2}
"""
INPUTS, OUTPUTS = 5, 4


def parameters(hidden):
    return hidden * (hidden + INPUTS + OUTPUTS) + OUTPUTS


def prepared(bench, check="", budget=6000):
    bench.write("drawn.py", CELL.replace("{check}", check))
    bench.write("benchmarks/widths.yaml", BENCHMARK.replace("6000", str(budget)))
    return "run", "widths", "--include", "drawn.py", "--dry-run"


def widths(said):
    return {int(line.split("\t")[4]) for line in said.out.splitlines()[1:]}


def built_widths(bench):
    from urnn_bench.registry import load_file

    return load_file((bench.folder / "drawn.py").resolve()).BUILT


REFUSALS = {
    "none": ("pass", lambda _: True),
    "odd": ("assert hidden % 2 == 0", lambda w: w % 2 == 0),
    "even": ("assert hidden % 2", lambda w: w % 2),
    "not of 3": ("assert hidden % 3 == 0", lambda w: w % 3 == 0),
    "not of heads": ("assert hidden % 12 == 0, 'heads'", lambda w: w % 12 == 0),
    "not square": ("assert round(hidden**0.5) ** 2 == hidden", lambda w: isqrt(w) ** 2 == w),
    "not a power": ("assert hidden & (hidden - 1) == 0", lambda w: w & (w - 1) == 0),
    "not a power of 4": (
        "assert hidden in [4**i for i in range(9)]",
        lambda w: w in [4**i for i in range(9)],
    ),
    "too narrow": ("assert hidden >= 10", lambda w: w >= 10),
    "too wide": ("assert hidden <= 50", lambda w: w <= 50),
    "by value": ("if not float(torch.ones(()).sum()): raise ValueError", lambda _: True),
}


@pytest.mark.parametrize(("check", "accepts"), REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("budget", [1000, 6000])
def test_the_widest_accepted_width_within_the_budget(bench, check, accepts, budget):
    fitting = [w for w in range(1, 200) if accepts(w) and parameters(w) <= budget]
    assert widths(bench(*prepared(bench, check, budget))) == {fitting[-1]}


@pytest.mark.parametrize("multiple", [64, 100, 128])
def test_a_width_that_only_multiples_of_a_large_number_have(bench, multiple):
    arguments = prepared(bench, f"assert hidden % {multiple} == 0", parameters(3 * multiple) + 9)
    assert widths(bench(*arguments)) == {3 * multiple}


def test_no_network_is_built_much_wider_than_the_result(bench):
    (result,) = widths(bench(*prepared(bench)))
    assert result >= 8 and max(built_widths(bench)) <= 2 * result


def test_one_search_serves_all_seeds_and_lengths(bench):
    (result,) = widths(bench(*prepared(bench)))
    tried = [width for width in built_widths(bench) if width != result]
    assert len(tried) == len(set(tried)) >= 4


def test_the_width_follows_inputs_that_change_with_the_length(bench):
    text = """\
    from urnn_bench.tasks.adding import Adding
    from urnn_bench.tasks.base import Signature, Targets, Vectors


    class Growing(Adding):
        @property
        def signature(self):
            return Signature(Vectors(self.options.T), 1, Targets.LAST_STEP)
    """
    bench.write("growing.py", "\n".join(line[4:] for line in text.splitlines()))
    arguments = prepared(bench)
    task = "{name: growing, validation_examples: 8, test_examples: 8}"
    known = BENCHMARK.replace(BENCHMARK.splitlines()[1], f"task: {task}")
    bench.write("benchmarks/widths.yaml", known.replace("[4, 6]", "[4, 60]"))
    said = bench(*arguments, "--include", "growing.py", "--seed", 0)
    expected = [max(w for w in range(1, 100) if w * w + w * T + w + 1 <= 6000) for T in (4, 60)]
    assert [int(line.split("\t")[4]) for line in said.out.splitlines()[1:]] == expected


def test_a_cell_that_refuses_every_width_is_told_by_its_first_error(bench):
    arguments = prepared(bench, "raise ValueError(f'never {hidden}')")
    said = bench(*arguments, code=2).err
    assert "the cell 'drawn' cannot be built 1 wide: ValueError: never 1" in said
    assert len(built_widths(bench)) < 500


def test_a_budget_below_the_narrowest_accepted_width(bench):
    arguments = prepared(bench, "assert hidden % 16 == 0", 100)
    assert "no width has as few as 100 parameters" in bench(*arguments, code=2).err


def test_what_a_cell_draws_while_widths_are_tried_changes_nothing(bench):
    def states():
        return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())

    before = states()
    bench(*prepared(bench, "torch.rand(1); np.random.rand()"))
    assert states() == before


def test_a_cell_that_draws_is_trained_at_its_width(bench):
    arguments = prepared(bench, "if not float(torch.ones(()).sum()): raise ValueError")
    for kind in ((), ("--stacked",)):
        said = bench(*arguments[:-1], *kind, "--results", f"r{len(kind)}")
        assert "4 done" in said.err
    resumed = bench(*arguments[:-1], "--updates", 4, "--time-limit", "0", "--seed", 0, code=3)
    assert "Traceback" not in resumed.err
    assert "2 done" in bench(*arguments[:-1], "--updates", 4, "--seed", 0).err
