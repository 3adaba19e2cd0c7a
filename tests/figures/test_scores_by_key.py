"""Test scores over a key of the grid: points, means, intervals and baselines are the records'."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from urnn_bench.analysis.results import load
from urnn_bench.analysis.statistics import geometric_mean, mean, range_of_few
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style, styles_of
from urnn_bench.figures.scores_by_key import ScoresByKey

SCORES = {2: (0.5, 0.7, 0.9), 20: (0.3, 0.35, 0.5), 200: (0.2, 0.22, 0.24)}


def make(bench, model="lstm", factor=1.0, **more):
    for recall, scores in SCORES.items():
        for seed, score in enumerate(scores):
            bench.record(
                f"{model} @ recall={recall}",
                recall=recall,
                seed=seed,
                test={"cross_entropy_nat": factor * score, "accuracy": 1 - score},
                **more,
            )


def draw(bench, key="task.recall", **options):
    with style():
        results = load(bench.folder / "results", "made")
        drawing = ScoresByKey(ScoresByKey.Options(key=key, **options)).draw(results)
        drawing.draw_without_rendering()
    return drawing


def line(ax, label):
    (found,) = [line for line in ax.lines if line.get_label().lstrip("\u200b") == label]
    return [float(x) for x in found.get_xdata()], [float(y) for y in found.get_ydata()]


def bars(ax):
    """Return the intervals of every model, in the order in which they are drawn."""
    drawn = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [[tuple(segment[:, 1]) for segment in c.get_segments()] for c in drawn]


@pytest.mark.parametrize(
    ("metric", "average"), [("cross_entropy_nat", geometric_mean), ("accuracy", mean)]
)
def test_a_model_has_the_mean_and_the_interval_that_a_table_has(metric, average, bench):
    make(bench)
    (ax,) = draw(bench, metric=metric).axes
    scores = [[1 - s if metric == "accuracy" else s for s in seeds] for seeds in SCORES.values()]
    expected = [range_of_few(seeds, average(seeds)) for seeds in scores]
    assert line(ax, "lstm")[1] == pytest.approx([interval.value for interval in expected])
    (drawn,) = bars(ax)
    assert np.allclose(drawn, [(interval.low, interval.high) for interval in expected])
    points = {float(y) for curve in ax.lines if curve.get_ls() == "None" for y in curve.get_ydata()}
    assert points == {score for seeds in scores for score in seeds}


def test_values_beyond_a_decade_are_evenly_spaced_by_their_logarithm(bench):
    make(bench)
    (ax,) = draw(bench).axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["2", "20", "200"]
    assert np.allclose(np.diff(ax.get_xticks()), 1)
    assert np.allclose(draw(bench, x_scale="linear").axes[0].get_xticks(), [2, 20, 200])
    assert np.allclose(draw(bench, x_scale="even").axes[0].get_xticks(), [0, 1, 2])


def test_models_have_one_colour_and_stand_side_by_side(bench):
    for model in ("gru", "lstm", "urnn"):
        make(bench, model)
    (ax,) = draw(bench).axes
    places = [line(ax, model)[0] for model in ("gru", "lstm", "urnn")]
    ticks = ax.get_xticks()
    assert np.allclose(places[1], ticks) and (np.diff(places, axis=0) > 0.1).all()
    assert max(places[2]) < ticks[-1] + 0.5
    colors = {curve.get_label(): curve.get_color() for curve in ax.lines}
    for model, (color, _) in styles_of(["gru", "lstm", "urnn"]).items():
        assert colors[model] == color


def test_a_baseline_is_drawn_at_the_values_that_have_it(bench):
    for recall, height in ((2, 0.4), (20, 0.3)):
        for model in ("gru", "lstm"):
            baselines = {"cross_entropy_nat": {"memoryless": height}}
            bench.record(f"{model} @ recall={recall}", recall=recall, baselines=baselines)
    (ax,) = draw(bench).axes
    assert line(ax, "memoryless (baseline)")[1] == [0.4, 0.4, 0.3, 0.3]


def test_one_seed_has_no_interval_and_an_interval_does_not_shrink_the_scores(bench):
    bench.record("lstm @ recall=2", recall=2, test=0.4)
    bench.record("lstm @ recall=4", recall=4, test=0.4)
    assert "bars" not in draw(bench).legends[0].get_title().get_text()
    bench.record("lstm @ recall=2", recall=2, seed=1, test=0.1)
    title = draw(bench).legends[0].get_title().get_text()
    assert "bars: range of the seeds" in title
    # one seed far below the others makes the interval of a geometric mean wide
    for seed in range(1, 6):
        bench.record("lstm @ recall=2", recall=2, seed=seed, test=0.1 if seed > 1 else 1e-6)
    drawing = draw(bench, metric="cross_entropy_nat", scale="linear")
    assert "bars: 95 % interval" in drawing.legends[0].get_title().get_text()
    low, high = drawing.axes[0].get_ylim()
    scores = (0.4, 1e-6, *[0.1] * 4)
    assert high - low < 2 * 0.4 < geometric_mean(scores).high


def test_one_value_of_a_key_is_nothing_to_compare(bench):
    bench.record("lstm @ recall=2", recall=2)
    with pytest.raises(NothingToShowError, match=r"one value of 'task\.recall'; name a key"):
        draw(bench)


def test_text_is_evenly_spaced_and_has_no_other_scale(bench):
    for name in ("adam", "rmsprop"):
        optimizer = {"name": name, "lr": 1e-3}
        bench.record(f"lstm @ optimizer={name}", fit={"optimizer": optimizer})
    (ax,) = draw(bench, "optimizer.name").axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["adam", "rmsprop"]
    with pytest.raises(NothingToShowError, match="x_scale: even"):
        draw(bench, "optimizer.name", x_scale="log")


def test_lengths_have_panels_with_one_axis_of_scores(bench):
    for T in (50, 100):
        make(bench, T=T, factor=T)
    drawing = draw(bench)
    assert [ax.get_title() for ax in drawing.axes] == ["T = 50", "T = 100"]
    assert len({ax.get_ylim() for ax in drawing.axes}) == 1


def test_what_cannot_be_shown_is_a_sentence(bench):
    make(bench)
    bench.record("gru")
    with pytest.raises(NothingToShowError, match="metric 'mse'"):
        draw(bench, metric="mse")
    with pytest.raises(NothingToShowError, match="no model has the option 'nothing'"):
        draw(bench, "model.nothing")
    with pytest.raises(NothingToShowError, match="task has no key 'recal'; did you mean 'recall'"):
        draw(bench, "task.recal")
    with pytest.raises(NothingToShowError, match=r"fit\.schedule has no key 'end'"):
        draw(bench, "schedule.end")
