"""Names of models are shown as they are, whatever matplotlib would read in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import load
from urnn_bench.figures._panels import legend
from urnn_bench.figures._style import escaped, style
from urnn_bench.figures.scores_by_length import ScoresByLength

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
    "m" * 170,
]


def names_of(drawing):
    """Return the names in a legend; a long one is broken into lines."""
    return [text.get_text().replace("\n", "") for text in drawing.legends[0].get_texts()]


@pytest.mark.parametrize("name", NAMES)
def test_a_legend_has_every_name(name, bench):
    bench.record("lstm")
    bench.record(name)
    with style():
        drawing = ScoresByLength(ScoresByLength.Options()).draw(
            load(bench.folder / "results", "made")
        )
        drawing.draw_without_rendering()
    assert {"lstm", name.replace("$", "\\$")} <= {*names_of(drawing)}
    width = drawing.legends[0].get_window_extent().width
    assert width <= drawing.bbox.width


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
    for count in (2, 30):
        for i in range(count):
            bench.record(f"a model with a long name, number {i}")
        with style():
            results = load(bench.folder / "results", "made")
            drawing = ScoresByLength(ScoresByLength.Options()).draw(results)
            drawing.draw_without_rendering()
        heights.append(drawing.axes[0].get_window_extent().height)
    assert heights[1] > 0.6 * heights[0]
