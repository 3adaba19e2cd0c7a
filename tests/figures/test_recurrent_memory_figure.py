"""The figure of scores against the bytes of recurrent weights."""

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.analysis.statistics import geometric_mean, mean
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style, style_of
from urnn_bench.figures.recurrent_memory import RecurrentMemory

LOSSES = (0.1, 0.2, 0.4)
HEADER = "step,examples,train_s,split,metric,value\n"


def drawn(bench, **options):
    with style():
        figure = RecurrentMemory(RecurrentMemory.Options(**options))
        return figure.draw(load(bench.folder / "results", "made"))


def record(bench, model, size, **more):
    folder = bench.record(
        model, recurrent_weights=None if size is None else 1, recurrent_bytes=size, **more
    )
    # its line would have all scores of a run that is given several
    (folder / "metrics.csv").write_text(HEADER + "1000,20000,10.0,validation,loss,0.1\n")


def bar(ax, model):
    """Return the place of a model's mean, the ends of its interval, and its colour."""
    (found,) = [bar for bar in ax.containers if bar.get_label() == model]
    point, _, (interval,) = found.lines
    (segment,) = interval.get_segments()
    return point.get_xydata()[0].tolist(), [y for _, y in segment], point.get_color()


def note(drawing):
    return drawing.legends[0].get_title().get_text().replace("\n", " ")


def test_a_panel_for_each_length_with_every_seed_and_its_mean(bench):
    for T in (100, 200):
        for seed, loss in enumerate(LOSSES):
            record(bench, "urnn", 2500, T=T, seed=seed, test=loss)
            record(bench, "lstm", 25_000, T=T, seed=seed, test=2 * loss)
    drawing = drawn(bench)
    assert [ax.get_title() for ax in drawing.axes] == ["T = 100", "T = 200"]
    for ax in drawing.axes:
        expected = geometric_mean(LOSSES)
        point, interval, color = bar(ax, "urnn")
        assert point == [2.5, pytest.approx(expected.value)]
        assert interval == pytest.approx([min(LOSSES), max(LOSSES)])
        assert color == style_of("urnn").color
        assert bar(ax, "lstm")[0] == [25, pytest.approx(2 * expected.value)]
        seeds = [[2.5, loss] for loss in LOSSES]
        assert any(line.get_xydata().tolist() == seeds for line in ax.lines)
        assert ax.get_xscale() == "log" and ax.get_ylim() == drawing.axes[0].get_ylim()
        low, high = ax.get_xlim()
        assert [tick for tick in ax.get_xticks() if low < tick < high] == [2, 5, 10, 20]
    labels = [text.get_text() for text in drawing.legends[0].get_texts()]
    assert labels == ["lstm", "urnn", "memoryless (baseline)"]


def test_another_metric_has_its_arithmetic_mean(bench):
    for seed, accuracy in enumerate(LOSSES):
        scores = {"cross_entropy_nat": 1.0, "accuracy": accuracy}
        record(bench, "urnn", 2500, seed=seed, test=scores)
    (ax,) = drawn(bench, metric="accuracy").axes
    assert bar(ax, "urnn")[0] == [2.5, pytest.approx(mean(LOSSES).value)]
    assert ax.get_ylabel() == "test accuracy"


def test_a_baseline_far_from_the_scores_is_named_and_does_not_flatten_them(bench):
    for seed, loss in enumerate((1e-6, 1.1e-6, 1.2e-6)):
        record(bench, "urnn", 2500, seed=seed, test={"cross_entropy_nat": loss})
    drawing = drawn(bench)
    (ax,) = drawing.axes
    assert ax.get_ylim()[1] < 1e-5
    labels = [text.get_text() for text in drawing.legends[0].get_texts()]
    assert labels == ["urnn"]
    assert "baseline, memoryless: " in drawing.legends[0].get_title().get_text()


def test_one_seed_has_no_interval_and_scores_elsewhere_do_not_count(bench):
    elsewhere = {400: {"test": {"cross_entropy_nat": 0.2}}}
    record(bench, "urnn", 2500, evaluations=elsewhere)
    (ax,) = drawn(bench).axes
    assert bar(ax, "urnn")[:2] == ([2.5, pytest.approx(0.01)], [])


def test_models_without_counts_or_scores_are_named_with_the_reason(bench):
    record(bench, "urnn", 2500)
    record(bench, "lstm", None)
    record(bench, "gru", 2500, test={})
    record(bench, "rnn", 0)
    found = note(drawn(bench))
    for text in (
        "lstm (recurrent weights not counted)",
        "gru (not tested)",
        "rnn (no recurrent weights)",
    ):
        assert text in found


def test_sizes_far_apart_have_powers_of_ten(bench):
    record(bench, "urnn", 2000)
    record(bench, "lstm", 20_000_000)
    (ax,) = drawn(bench).axes
    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low < tick < high] == [10, 100, 1000, 10_000]


def test_records_of_an_earlier_version_say_why_there_is_no_figure(bench):
    record(bench, "urnn", None)
    with pytest.raises(NothingToShowError, match="an earlier version did not count them"):
        drawn(bench)
