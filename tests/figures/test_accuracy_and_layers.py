"""Accuracy over time with its grey steps, and norms of states by layer."""

import pandas as pd
import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.accuracy_over_time import AccuracyOverTime
from urnn_bench.figures.state_norms_by_layer import StateNormsByLayer, by_layer

BENCHMARK = """\
title: t
task: {name: shown_digits, shown: 3}
T: [5]
seeds: [0, 1, 2]
hidden: 6
models: {rnn: , deep: {cell: lstm, layers: 2}}
fit: {steps: 4, batch: 10, evaluate_every: 2}
probes: {at: [0, 4], batch: 30, read: [accuracy_over_time, state_norm]}
"""


@pytest.fixture
def results_of(bench):
    """Return a function that trains with probes and returns the records."""
    bench.write("benchmarks/b.yaml", BENCHMARK)

    def results(*options):
        bench("run", "b", "--probe", "-q", *options)
        return load(bench.folder / "results", "b")

    return results


def draw(figure_type, results, **options):
    with style():
        return figure_type(figure_type.Options(**options)).draw(results)


def labels(drawing):
    return [text.get_text() for legend in drawing.legends for text in legend.texts]


def grey_of(ax):
    """Return where an axis is shaded, as (first, last)."""
    return [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]


def test_accuracy_is_the_mean_and_the_band_reaches_to_every_seed(results_of):
    results = results_of()
    (ax,) = draw(AccuracyOverTime, results).axes
    last = results.readings("accuracy_over_time").query("step == 4")
    for model, curves in last.groupby("model"):
        by_step = curves.groupby("t")["value"]
        shown = [list(line.get_ydata()) for line in ax.lines if line.get_label() == model]
        assert shown == [list(by_step.mean())]
    bands = [band.get_paths()[0].get_extents() for band in ax.collections]
    values = [curves["value"] for _, curves in last.groupby("model")]
    assert sorted(band.y0 for band in bands) == sorted(v.min() for v in values)
    assert sorted(band.y1 for band in bands) == sorted(v.max() for v in values)


def test_grey_is_shaded_from_the_last_step_of_the_image_and_chance_is_dashed(results_of):
    results = results_of("--set", "probes.T=9")
    drawing = draw(AccuracyOverTime, results)
    (ax,) = drawing.axes
    assert grey_of(ax) == [(3.5, 9.5)] and ax.get_title() == "image shown for 3 steps"
    (chance,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert chance.get_ydata()[0] == results.baselines("accuracy", 5)["class frequencies"]
    assert labels(drawing)[-2:] == ["class frequencies (baseline)", "grey instead of the image"]


def test_a_panel_for_each_number_of_shown_steps(results_of):
    results = results_of("--set", "grid.task.shown=[1, 5]", "--seeds", 1)
    drawing = draw(AccuracyOverTime, results)
    assert [grey_of(ax) for ax in drawing.axes] == [[(1.5, 5.5)], []]
    assert [ax.get_title() for ax in drawing.axes] == [
        "image shown for 1 step",
        "image shown for 5 steps",
    ]
    assert not any(ax.collections for ax in drawing.axes)


def test_without_readings_the_command_that_makes_them_is_said(results_of):
    results = results_of("--model", "rnn", "--seeds", 1, "--set", "probes.read=[state_norm]")
    with pytest.raises(NothingToShowError, match="was probed with 'accuracy_over_time'"):
        draw(AccuracyOverTime, results)


def test_norms_have_a_panel_for_each_layer_and_a_dash_for_each_state(results_of):
    results = results_of("--seeds", 1)
    drawing = draw(StateNormsByLayer, results)
    assert [ax.get_title() for ax in drawing.axes] == ["layer 1", "layer 2"]
    drawn = {
        (layer, line.get_label()): (list(line.get_ydata()), line.get_linestyle())
        for layer, ax in enumerate(drawing.axes, 1)
        for line in ax.lines
    }
    last = results.readings("state_norm").query("step == 4")
    curves = {pair: list(c["value"]) for pair, c in last.groupby(["model", "state"])}
    assert drawn == {
        (1, "rnn, h"): (curves["rnn", "h"], "-"),
        (1, "deep, h"): (curves["deep", "h_1"], "-"),
        (1, "deep, c"): (curves["deep", "c_1"], "--"),
        (2, "deep, h"): (curves["deep", "h_2"], "-"),
        (2, "deep, c"): (curves["deep", "c_2"], "--"),
    }


def test_layers_are_told_by_numbers_only_where_every_state_has_one():
    states = [("top first", s) for s in ("h_2", "c_2", "h_1")]
    states += [("mixed", s) for s in ("h", "h_1")]
    frame = pd.DataFrame(states, columns=["model", "state"]).assign(position=9, value=1.0)
    found = by_layer(frame)[["model", "state", "layer", "position"]].to_numpy().tolist()
    assert sorted(found) == [
        ["mixed", "h", 1, 0],
        ["mixed", "h_1", 1, 1],
        ["top first", "c", 2, 1],
        ["top first", "h", 1, 0],
        ["top first", "h", 2, 0],
    ]
