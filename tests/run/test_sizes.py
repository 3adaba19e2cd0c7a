"""Parameter counts of the uRNN paper's models, from the shapes in its authors' code."""

import pytest

from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.resolve import widest
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

COPY = {"name": "copying", "options": {"T": 100}}
ADD = {"name": "adding", "options": {"T": 100}}


@pytest.mark.parametrize(
    ("task", "cell", "hidden", "count"),
    [
        (COPY, "rnn", 80, 8_089),
        (COPY, "irnn", 80, 8_089),
        (COPY, "lstm_paper", 40, 10_209),
        (COPY, "lstm", 40, 8_529),
        (COPY, "urnn", 128, 6_153),
        (ADD, "rnn", 128, 17_025),
        (ADD, "irnn", 128, 17_025),
        (ADD, "lstm_paper", 128, 83_841),
        (ADD, "lstm", 128, 67_201),
        (ADD, "urnn", 512, 8_193),
    ],
)
def test_counts(task, cell, hidden, count):
    run = Run(
        benchmark="x",
        label=cell,
        task=ComponentSpec(**task),
        cell=ComponentSpec(name=cell),
        hidden=hidden,
        fit=Fit(),
        seed=0,
    )
    assert build.count_parameters(Components(), run) == count


@pytest.mark.parametrize(("cell", "hidden"), [("urnn", 135), ("lstm", 34)])
def test_a_budget_finds_the_widest_layer(cell, hidden):
    run = Run(
        benchmark="x",
        label=cell,
        task=ComponentSpec(**COPY),
        cell=ComponentSpec(name=cell),
        hidden=1,
        fit=Fit(),
        seed=0,
    )
    known = Components()
    assert widest(known, run, 6_500) == hidden
    at, over = (
        build.count_parameters(known, run.model_copy(update={"hidden": hidden + n})) for n in (0, 1)
    )
    assert at <= 6_500 < over
    assert widest(known, run, 3) is None
