"""The figure of scores at lengths that were not trained on."""

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.length_generalisation import LengthGeneralisation


def there(loss, baseline=0.05):
    baselines = {"cross_entropy_nat": {"memoryless": baseline}}
    return {"test": {"cross_entropy_nat": loss}, "baselines": baselines}


def drawn(bench, **options):
    with style():
        figure = LengthGeneralisation(LengthGeneralisation.Options(**options))
        return figure.draw(load(bench.folder / "results", "made"))


def line(ax, label):
    (found,) = [entry for entry in ax.lines if label in entry.get_label()]
    return [list(map(float, values)) for values in (found.get_xdata(), found.get_ydata())]


def test_a_panel_for_each_length_of_training_with_every_score_at_its_length(bench):
    for T in (100, 200):
        for seed, loss in enumerate((0.2, 0.3, 0.7)):
            bench.record("urnn", T=T, seed=seed, test=0.1, evaluations={400: there(loss)})
    drawing = drawn(bench)
    assert [ax.get_title() for ax in drawing.axes] == ["trained at T = 100", "trained at T = 200"]
    for place, ax in enumerate(drawing.axes):
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["100", "200", "400"]
        assert line(ax, "length of training")[0] == [place, place]
        assert line(ax, "urnn") == [[place, 2.0], [0.1, pytest.approx(0.3)]]
        baseline = line(ax, "memoryless")[1]
        assert baseline[place] == 0.17 and baseline[2] == 0.05
        assert ax.get_ylim() == drawing.axes[0].get_ylim()
    # every seed has a point of its own
    points = drawing.axes[0].lines[0]
    assert sorted(points.get_ydata()) == [0.1, 0.1, 0.1, 0.2, 0.3, 0.7]


def test_a_model_scored_at_one_length_is_named_and_not_drawn(bench):
    bench.record("urnn", evaluations={400: there(0.2)})
    bench.record("lstm")
    (legend,) = drawn(bench).legends
    assert "not shown: lstm (scored at one length)" in legend.get_title().get_text()


def test_without_other_lengths_it_proposes_the_command_that_scores_some(bench):
    bench.record("urnn")
    with pytest.raises(NothingToShowError, match=r"run made .*evaluate.T=\[200\]"):
        drawn(bench)


def test_the_vertical_axis_may_be_linear(bench):
    bench.record("urnn", test=0.9, evaluations={400: there(0.01)})
    scales = [drawn(bench, **options).axes[0].get_yscale() for options in ({}, {"scale": "linear"})]
    assert scales == ["log", "linear"]
