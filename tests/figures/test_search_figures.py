"""Figures of searches show what the trials are, however few, many or long they are."""

import re

import numpy as np
import pytest
from made_trials import UPDATES, record_trial, trial

from urnn_bench.analysis.importance import importance
from urnn_bench.analysis.results import load
from urnn_bench.analysis.statistics import geometric_mean
from urnn_bench.analysis.trials import frame
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._fitting import distinct_names, shortened
from urnn_bench.figures._search import short_names
from urnn_bench.figures._style import style
from urnn_bench.figures.search_axes import SearchAxes
from urnn_bench.figures.search_importance import SearchImportance
from urnn_bench.figures.search_progress import SearchProgress
from urnn_bench.proposals import Command
from urnn_bench.records.trials import path_of

FIGURES = [SearchProgress, SearchImportance, SearchAxes]
LOSSES = {0: (0.9, 0.5, None, 0.7), 1: (0.8, 0.9, 0.4, 0.3), 2: (0.7, 0.6, 0.65, 0.2)}


def drawn(figure_type, bench, **options):
    """Return a figure whose texts have their places."""
    with style():
        figure = figure_type(figure_type.Options(**options))
        drawing = figure.draw(load(bench.folder / "results", "made"))
        drawing.draw_without_rendering()
    return drawing


def line(ax, label):
    (curve,) = (curve for curve in ax.lines if curve.get_label() == label)
    return [float(x) for x in curve.get_xdata()], [float(y) for y in curve.get_ydata()]


def title(drawing):
    return drawing.legends[0].get_title().get_text().replace("\n", " ")


@pytest.fixture
def three(bench):
    """Three searches of TPE, one of whose trials has failed."""
    bench.record("lstm")
    for seed, losses in LOSSES.items():
        for number, loss in enumerate(losses):
            record_trial(bench, number, seed=seed, loss=loss)
    return bench


def test_the_thick_line_is_the_mean_of_what_is_best_so_far(three):
    drawing = drawn(SearchProgress, three)
    best = [(0.9, 0.8, 0.7), (0.5, 0.8, 0.6), (0.5, 0.4, 0.6), (0.5, 0.3, 0.2)]
    means = [geometric_mean(losses).value for losses in best]
    assert line(drawing.axes[0], "TPE") == ([1, 2, 3, 4], pytest.approx(means))
    assert "4 trials in each of 3 searches" in title(drawing)
    assert "of the best so far in their range" in title(drawing) and drawing.axes[0].collections


def test_over_updates_the_cost_of_a_failed_trial_counts(three):
    drawing = drawn(SearchProgress, three, x="updates")
    assert line(drawing.axes[0], "TPE")[0] == [UPDATES * n for n in (1, 2, 3, 4)]
    (failed,) = (c for c in drawing.axes[0].lines if "failed" in c.get_label())
    assert failed.get_xdata().tolist() == [3 * UPDATES]


def test_a_pruned_trial_is_hollow(bench):
    bench.record("lstm")
    for number, state in enumerate(("complete", "pruned", "complete")):
        record_trial(bench, number, state=state)
    for figure_type in (SearchProgress, SearchAxes):
        drawing = drawn(figure_type, bench)
        points = [c for c in drawing.axes[0].lines if c.get_marker() == "o" and len(c.get_xdata())]
        hollow = [c for c in points if c.get_markerfacecolor() == "none"]
        assert sorted(len(c.get_xdata()) for c in points) == [1, 2]
        assert [len(c.get_xdata()) for c in hollow] == [1]
        assert "hollow if pruned" in title(drawing)


def test_what_is_expected_of_random_search_is_drawn_unless_a_trial_was_pruned(bench):
    bench.record("lstm")
    for number, loss in enumerate((0.4, 0.1, 0.2)):
        record_trial(bench, number, sampler="random", loss=loss)
    expected = line(drawn(SearchProgress, bench).axes[0], "\u200brandom search (expected)")
    assert expected == ([1, 2, 3], pytest.approx([0.2, (0.1 * 0.1 * 0.2) ** (1 / 3), 0.1]))
    record_trial(bench, 3, sampler="random", state="pruned")
    names = [text.get_text() for text in drawn(SearchProgress, bench).legends[0].get_texts()]
    assert names == ["random search"]


def test_losses_below_zero_are_on_a_linear_axis(bench):
    bench.record("lstm")
    for number in range(3):
        record_trial(bench, number, loss=-1.0 - number)
    for figure_type in (SearchProgress, SearchAxes):
        assert drawn(figure_type, bench).axes[0].get_yscale() == "linear"


def test_a_bar_is_the_mean_importance_over_searches(bench):
    bench.record("lstm")
    rng = np.random.default_rng(0)
    searches = {
        seed: [
            trial(n, seed=seed, loss=float(rng.random()), values={"a": n, "b": float(rng.random())})
            for n in range(12)
        ]
        for seed in (0, 1)
    }
    for trials in searches.values():
        for one in trials:
            record_trial(bench, one.trial, one.sampler, one.seed, loss=one.loss, values=one.values)
    (ax,) = drawn(SearchImportance, bench).axes
    found = [importance(frame(trials)) for trials in searches.values()]
    for name, bar in zip(ax.get_yticklabels(), ax.patches, strict=True):
        assert bar.get_width() == pytest.approx(np.mean([f[name.get_text()] for f in found]))
    points = [point.get_xdata().tolist() for point in ax.lines]
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert points == [pytest.approx([f[name] for name in names]) for f in found]


def test_importance_may_be_that_at_the_first_rung(bench):
    bench.record("lstm")
    for number in range(12):
        more = {"values": {"a": number, "b": number % 5}}
        rungs = ((100, 0.5 + number % 5), (300, 1 / (1 + number)))
        state = "complete" if number < 2 else "pruned"
        record_trial(bench, number, rungs=rungs[: 2 if number < 2 else 1], state=state, **more)
    drawing = drawn(SearchImportance, bench, rung="first")
    assert "after 100 updates, 12 trials of one search" in title(drawing)
    first, _ = (text.get_text() for text in drawing.axes[0].get_yticklabels())
    assert first == "b" and drawing.axes[0].patches[0].get_width() > 0.8


def test_an_axis_that_is_not_always_active_says_so(bench):
    bench.record("lstm")
    for number in range(8):
        values = {"a": number, **({"model.unit.b": number**2} if number % 2 else {})}
        record_trial(bench, number, values=values)
    names = {text.get_text() for text in drawn(SearchImportance, bench).axes[0].get_yticklabels()}
    assert names == {"a", "b\nwhere active"}


def test_the_line_is_the_median_at_each_value(bench):
    bench.record("lstm")
    for number, (value, loss) in enumerate([(8, 0.1), (8, 0.3), (8, 0.2), (12, 0.5)]):
        record_trial(bench, number, loss=loss, values={"hidden": value})
    (ax,) = drawn(SearchAxes, bench).axes
    assert line(ax, "\u200bmedian of complete trials") == ([8, 12], [0.2, 0.5])


def test_an_axis_over_decades_is_logarithmic_and_words_have_places(bench):
    bench.record("lstm")
    for number, word in enumerate(("gru", "lstm", "gru")):
        record_trial(bench, number, values={"lr": 10.0**-number, "model.unit.name": word})
    rates, words = drawn(SearchAxes, bench).axes
    assert (rates.get_xscale(), rates.get_xlabel()) == ("log", "lr")
    assert words.get_xlabel() == "unit.name"
    assert [text.get_text() for text in words.get_xticklabels()] == ["gru", "lstm"]


LONG = ["a" * 80, "a" * 40 + "b" + "a" * 39, "$\\frac" * 14, "_x" * 40]


@pytest.mark.parametrize("figure_type", FIGURES)
def test_long_values_and_names_of_axes_leave_room_for_the_panels(figure_type, bench):
    bench.record("lstm")
    for number in range(12):
        values = {f"model.{LONG[0]}": LONG[number % 4], "task.$x": number}
        record_trial(bench, number, values=values)
    drawing = drawn(figure_type, bench)
    for ax in drawing.axes:
        box = ax.get_window_extent()
        assert box.width > 0.4 * drawing.bbox.width / len(drawing.axes)
        assert box.height > 0.2 * drawing.bbox.height


@pytest.mark.parametrize("figure_type", FIGURES)
def test_a_few_trials_of_one_search_are_drawn(figure_type, bench):
    bench.record("lstm")
    for number in range(3):
        record_trial(bench, number)
    assert "3 trials of one search" in title(drawn(figure_type, bench))


@pytest.mark.parametrize("figure_type", FIGURES)
def test_without_trials_the_command_that_searches_is_named(figure_type, bench):
    bench.record("lstm")
    with pytest.raises(
        NothingToShowError, match=r"no trial .* search with: urnn-bench search made"
    ):
        drawn(figure_type, bench)
    record_trial(bench, 0, loss=None)
    with pytest.raises(NothingToShowError, match="has a loss; search with: urnn-bench search made"):
        drawn(figure_type, bench)


@pytest.mark.parametrize("figure_type", FIGURES)
def test_the_command_that_searches_names_the_file_that_was_given(figure_type, bench):
    bench.record("lstm")
    given = Command({"own/made.yaml": "own/made.yaml"})
    with pytest.raises(NothingToShowError, match=r"urnn-bench search own/made\.yaml$"):
        figure_type(figure_type.Options()).draw(load(bench.folder / "results", "made", given))


def test_an_axis_of_whole_numbers_has_no_fractions(bench):
    bench.record("lstm")
    for number, depth in enumerate([2, 3, 3]):
        record_trial(bench, number, values={"model.depth": depth})
    (ax,) = drawn(SearchAxes, bench).axes
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_a_damaged_file_of_trials_hides_no_other_figure(bench):
    bench.record("lstm", test=0.1)
    path_of(bench.folder / "results", "made").write_text("{}\n")
    said = bench("plot", "made")
    assert "scores_by_length.png" in said.out
    assert len(re.findall(r"search_\w+: .*trials\.jsonl, line 1: is not a trial", said.err)) == 3
    assert "is not a trial" in bench("plot", "made", "--figure", "search_axes", code=5).err


def test_one_complete_trial_has_no_importance(bench):
    bench.record("lstm")
    record_trial(bench, 0)
    with pytest.raises(NothingToShowError, match="complete trials with different values"):
        drawn(SearchImportance, bench)


def test_axes_are_named_as_shortly_as_they_can_be_told_apart():
    axes = ["hidden", "optimizer.lr", "model.unit.name", "model.a.gate", "model.b.gate"]
    assert list(short_names(axes).values()) == ["hidden", "lr", "unit.name", "a.gate", "b.gate"]
    assert shortened("a" * 80) == f"{'a' * 11}…{'a' * 11}"
    assert distinct_names(["a" * 80, "a" * 79, "b"])[:2] == [
        f"{'a' * 11}…{'a' * 11} (1)",
        f"{'a' * 11}…{'a' * 11} (2)",
    ]
