"""The figure of scores by model has room for its legend and for what it does not show."""

from urnn_bench.analysis.results import load
from urnn_bench.figures._style import style
from urnn_bench.figures.scores_by_model import ScoresByModel


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
