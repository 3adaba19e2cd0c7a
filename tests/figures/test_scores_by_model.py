"""Scores by model: sorted by the mean that a table has, with every seed."""

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.analysis.statistics import geometric_mean, mean
from urnn_bench.figures._style import style
from urnn_bench.figures.scores_by_model import ScoresByModel

SCORES = {"rnn": (0.5, 0.7, 0.9), "lstm": (0.2, 0.3, 0.25), "urnn": (0.3, 0.4, 0.5)}


def draw(bench, **options):
    for model, losses in SCORES.items():
        for seed, loss in enumerate(losses):
            test = {"cross_entropy_nat": loss, "accuracy": 1 - loss}
            bench.record(model, seed=seed, test=test, parameters=1234)
    with style():
        results = load(bench.folder / "results", "made")
        return ScoresByModel(ScoresByModel.Options(**options)).draw(results)


@pytest.mark.parametrize(
    ("metric", "average"), [("cross_entropy_nat", geometric_mean), ("accuracy", mean)]
)
def test_the_best_model_is_on_top_at_the_mean_of_a_table(metric, average, bench):
    (ax,) = draw(bench, metric=metric).axes
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == [f"{model}\n1,234 parameters" for model in ("rnn", "urnn", "lstm")]
    marks = [line for line in ax.lines if line.get_marker() == "|"]
    for row, model in enumerate(("rnn", "urnn", "lstm")):
        losses = SCORES[model]
        expected = average([1 - x if metric == "accuracy" else x for x in losses])
        assert float(marks[row].get_xdata()[0]) == pytest.approx(expected.value)


def test_every_seed_is_a_dot(bench):
    (ax,) = draw(bench).axes
    dots = {float(x) for line in ax.lines if len(line.get_xdata()) == 3 for x in line.get_xdata()}
    assert dots == {loss for losses in SCORES.values() for loss in losses}


def test_a_panel_of_one_model_is_below_its_legend(bench):
    bench.record("lstm", point="hidden=4, lr=0.00912, depth=2, feedback=[]", test=2.0)
    for number in range(8):
        bench.record(
            "lstm", point=f"hidden={number}, lr=0.000129, depth=2, feedback=[[2, 1]]", test={}
        )
    with style():
        drawing = ScoresByModel(ScoresByModel.Options()).draw(
            load(bench.folder / "results", "made")
        )
        drawing.draw_without_rendering()
    ax, legend = drawing.axes[0], drawing.legends[0]
    assert ax.title.get_window_extent().y1 <= legend.get_window_extent().y0
    assert ax.get_tightbbox().y0 >= 0
