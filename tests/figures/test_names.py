"""Names of models are shown as they are, whatever matplotlib would read in them."""

import warnings
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import load
from urnn_bench.figures._legend import MOST_SHARE
from urnn_bench.figures._looks import MOST_LOOKS
from urnn_bench.figures._panels import legend
from urnn_bench.figures._style import escaped, style
from urnn_bench.figures.learning_curves import LearningCurves
from urnn_bench.figures.scores_by_length import ScoresByLength
from urnn_bench.figures.solvability_map import SolvabilityMap

NAMES = [
    "_x",
    "__",
    "_nolegend_",
    "_child0",
    "$\\rho^{",
    "50 % {0}",
    "%s",
    "C0",
    "none",
    "a\\",
    "m" * 90,
]


def names_of(drawing):
    """Return the names in a legend; a long one is broken into lines."""
    return [text.get_text().replace("\n", "") for text in drawing.legends[0].get_texts()]


def drawn(figure_type, bench, benchmark, **options):
    """Return a figure of some records whose texts have their places."""
    with style():
        figure = figure_type(figure_type.Options(**options))
        drawing = figure.draw(load(bench.folder / "results", benchmark))
        drawing.draw_without_rendering()
    return drawing


@pytest.mark.parametrize("name", NAMES)
def test_a_legend_has_every_name(name, bench):
    bench.record("lstm")
    bench.record(name)
    drawing = drawn(ScoresByLength, bench, "made")
    assert {"lstm", name.replace("$", "\\$")} <= {*names_of(drawing)}
    width = drawing.legends[0].get_window_extent().width
    assert width <= drawing.bbox.width


WIDE = ["m" * 45, "W" * 90, "\\$" * 40, "two words " * 20]


@pytest.mark.parametrize(
    ("figure_type", "options"), [(ScoresByLength, {}), (LearningCurves, {"metric": "loss"})]
)
@pytest.mark.parametrize("name", WIDE)
def test_legend_and_title_of_wide_names_stay_within_the_drawing(figure_type, options, name, bench):
    for model in (name, *"abcdefghijkl"):
        bench.record(model, benchmark=name[:80].strip())
    drawing = drawn(figure_type, bench, name[:80].strip(), **options)
    legend_box = drawing.legends[0].get_window_extent()
    assert legend_box.x0 >= 0 and legend_box.x1 <= drawing.bbox.width
    for text in (*drawing.legends[0].get_texts(), drawing.legends[0].get_title()):
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= drawing.bbox.width


LONG = " [fit.optimizer=adam, hidden=64, fit.clip.value=1.0]"


@pytest.mark.parametrize("ending", ["", LONG])
def test_a_legend_of_24_models_takes_at_most_a_fifth(ending, bench):
    for i in range(MOST_LOOKS):
        bench.record(f"model_{i}{ending}")
    drawing = drawn(ScoresByLength, bench, "made")
    box = drawing.legends[0].get_window_extent()
    # to the pixel
    assert box.width * box.height <= 1.01 * MOST_SHARE * drawing.bbox.width * drawing.bbox.height
    assert max(drawing.get_size_inches()) < 12
    assert len({*names_of(drawing)}) == len(drawing.legends[0].get_texts()) == MOST_LOOKS + 1


def test_titles_begin_with_that_of_the_benchmark(bench):
    bench.record("lstm")
    results = load(bench.folder / "results", "made")
    for title, heading in {"made": "made", "A title for $5": "A title for \\$5"}.items():
        with style():
            drawing = ScoresByLength(ScoresByLength.Options()).draw(replace(results, title=title))
        assert drawing.legends[0].get_title().get_text().startswith(heading)


def test_titles_of_panels_do_not_overlap(bench):
    for name in ("m" * 60, "a", "W" * 60):
        bench.record(name, fit={"optimizer": {"name": "adam", "lr": 1e-3}})
    drawing = drawn(SolvabilityMap, bench, "made")
    boxes = sorted(
        (ax.title.get_window_extent() for ax in drawing.axes if ax.get_title()),
        key=lambda box: box.x0,
    )
    assert len(boxes) == 3
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_names_in_letters_that_the_font_lacks_are_told_apart(bench):
    for name in ("長短", "期記", "größer"):
        bench.record(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = names_of(drawn(ScoresByLength, bench, "made"))
    assert {"\\u9577\\u77ed", "\\u671f\\u8a18", "größer"} <= {*shown}


@pytest.mark.parametrize("name", ["diverged", "memoryless (baseline)"])
def test_a_model_may_be_called_as_another_entry_of_the_legend(name, bench):
    bench.record(name)
    bench.record("lstm", status="diverged")
    assert names_of(drawn(ScoresByLength, bench, "made")).count(name) == 2


@given(st.text("_$\\{}%^ab", min_size=1, max_size=90).filter(str.strip))
def test_no_name_is_read_as_mathematics_or_left_out(name):
    with style():
        drawing = Drawing(figsize=(3, 3))
        ax = drawing.subplots()
        ax.plot([1, 2], label=escaped(name))
        legend(drawing, [ax], escaped(name))
        drawing.draw_without_rendering()
        (text,) = drawing.legends[0].get_texts()
        title = drawing.legends[0].get_title()
    for shown in (text, title):
        _, is_mathematics = shown._preprocess_math(shown.get_text())
        assert not is_mathematics
    assert len(text.get_text()) >= len(name)


def test_a_legend_of_many_rows_leaves_the_panels_their_height(bench):
    heights = []
    for count in (2, 24):
        for i in range(count):
            bench.record(f"a model with a long name, number {i}")
        with style():
            results = load(bench.folder / "results", "made")
            drawing = ScoresByLength(ScoresByLength.Options()).draw(results)
            drawing.draw_without_rendering()
        heights.append(drawing.axes[0].get_window_extent().height)
    assert heights[1] > 0.6 * heights[0]
