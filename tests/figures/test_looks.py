"""A model looks the same in every figure of a benchmark, and like no other one."""

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import MOST_LOOKS
from urnn_bench.figures._style import style, style_of
from urnn_bench.figures.base import Figure
from urnn_bench.registry import Registry

FIGURES = Registry("figure", "figures")
# the hash of all these chooses the same colour
CLASHING = ["goru", "eurnn", "vrnn", "ugrnn"]
FIGURE = '''\
"""A figure of a user, as docs/extending.md shows it."""

import json
from pathlib import Path

from matplotlib.figure import Figure as Drawing

from urnn_bench.figures._style import styles_of
from urnn_bench.figures.base import Figure


class Colours(Figure):
    def draw(self, results):
        Path("colours.json").write_text(json.dumps(styles_of(results.models)))
        return Drawing()
'''


def draw(bench, figure, **options):
    kind = FIGURES.get(figure, Figure)
    with style():
        return kind(kind.Options(**options)).draw(load(bench.folder / "results", "made"))


def colors(bench, figure):
    """Return the colour of every model by its label."""
    ax = draw(bench, figure).axes[0]
    handles, names = ax.get_legend_handles_labels()
    # a bar with its errors has several lines
    lines = [getattr(handle, "lines", [handle])[0] for handle in handles]
    return {name: line.get_color() for name, line in zip(names, lines, strict=True)}


@pytest.mark.parametrize("figure", ["scores_by_length", "cost", "solvability", "time_to_solve"])
def test_cells_whose_names_choose_the_same_colour_get_others(figure, bench):
    for model in (*CLASHING, "rnn", "lstm"):
        bench.record(model, solved_step=7)
    assert len({style_of(model) for model in CLASHING}) == 1
    shown = {name: color for name, color in colors(bench, figure).items() if "(" not in name}
    assert len(set(shown.values())) == len(shown) == 6
    assert shown["rnn"] == "#D55E00" and shown["lstm"] == "#009E73"


def test_a_length_that_some_models_lack_changes_no_colour(bench):
    for model in CLASHING:
        bench.record(model)
    for model in CLASHING[1:]:
        bench.record(model, T=200)
    path = bench.write("colours.py", FIGURE)
    seen = []
    for length in ((), ("--T", 200)):
        bench("plot", "made", "--figure", "colours", "--include", path, *length)
        seen.append((bench.folder / "colours.json").read_text())
    assert seen[0] == seen[1] and seen[0].count("#") == 4


def test_curves_of_24_models_are_told_apart_by_colour_and_mark(bench):
    for i in range(MOST_LOOKS):
        bench.record(f"cell{i}", solved_step=7)
    for figure, options in {"time_to_solve": {}, "learning_curves": {"metric": "loss"}}.items():
        (ax,) = draw(bench, figure, **options).axes
        thick = [line for line in ax.lines if line.get_label().startswith("cell")]
        looks = {(line.get_color(), line.get_marker()) for line in thick}
        assert len(looks) == len(thick) == MOST_LOOKS


def test_more_models_have_a_panel_each(bench):
    for i in range(MOST_LOOKS + 1):
        bench.record(f"cell{i}", solved_step=7)
    drawing = draw(bench, "learning_curves", metric="loss")
    shown = [ax for ax in drawing.axes if ax.get_visible()]
    assert {ax.get_title().split("\n")[0] for ax in shown} == {f"cell{i}" for i in range(25)}
    assert len({ax.get_ylim() for ax in shown}) == 1
    assert not any("cell" in text.get_text() for text in drawing.legends[0].get_texts())


def test_a_figure_of_one_panel_says_how_to_choose_models(bench):
    for i in range(MOST_LOOKS + 1):
        bench.record(f"cell{i}", solved_step=7)
    with pytest.raises(NothingToShowError, match=r"25 models .* choose some with --model"):
        draw(bench, "scores_by_length")
