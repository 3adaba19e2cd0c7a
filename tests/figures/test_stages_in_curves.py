"""Learning curves of runs in stages: a segment and a named line for each."""

from pathlib import Path

import pandas as pd
import pytest

from urnn_bench.analysis.results import load
from urnn_bench.figures.learning_curves import LearningCurves, _median

STAGED = """\
title: In stages
task: {name: copying, symbols: 3, recall: 2, validation_examples: 12, test_examples: 16}
T: [4]
hidden: 6
seeds: [0, 1]
models: {lstm: }
stages: [{name: short, task: {T: 3}, fit: {steps: 4}}, {name: a_$long, fit: {steps: 6}}]
fit: {batch: 4, log_every: 2, evaluate_every: 2}
"""


@pytest.fixture
def drawn(bench):
    bench.write("staged.yaml", STAGED)
    bench("run", "staged.yaml", "-q")

    def draw(**options):
        figure = LearningCurves(LearningCurves.Options(**options))
        return figure.draw(load(Path(bench.folder / "results"), "staged")).axes[0]

    return draw


@pytest.mark.parametrize(("x", "begin"), [("updates", 4), ("examples", 16)])
def test_a_stage_is_marked_where_it_begins(drawn, x, begin):
    ax = drawn(x=x)
    vertical = [line for line in ax.lines if list(line.get_xdata()) == [begin, begin]]
    assert len(vertical) == 1
    places = {text.get_text(): text.xy[0] for text in ax.texts}
    assert list(places.values()) == [0, begin] and "short" in places


def test_no_line_is_drawn_through_a_boundary(drawn):
    medians = [line for line in drawn(x="updates").lines if line.get_linewidth() == 1.8]
    assert [list(line.get_xdata()) for line in medians] == [[0, 2, 4], [4, 6, 8, 10]]


def test_a_run_that_diverged_in_an_earlier_stage_counts_in_the_next():
    """Without it the median would be of those that are left, or of none."""
    curves = pd.DataFrame({"a": [3.0, 2.0], "b": [5.0, 4.0]}, index=[4, 6])
    status = {"run": ["a", "b", "c"], "status": ["done", "done", "diverged"]}
    assert list(_median(curves, pd.DataFrame(status), is_loss=True)) == [5.0, 4.0]
