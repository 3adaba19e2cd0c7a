"""The share of solved seeds over training time."""

from urnn_bench.analysis.results import load
from urnn_bench.figures._style import style
from urnn_bench.figures.time_to_solve import TimeToSolve


def test_equal_curves_can_be_told_apart_by_their_widths(bench):
    bench("run", "tiny", "--set", "fit.solved={metric: cross_entropy_nat, below: 10}", "-q")
    with style():
        figure = TimeToSolve(TimeToSolve.Options())
        (ax,) = figure.draw(load(bench.folder / "results", "tiny")).axes
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    widths = [line.get_linewidth() for line in curves]
    assert {line.get_label() for line in curves} == {"urnn", "lstm"}
    assert widths == sorted(set(widths), reverse=True)
    assert all(y in (0, 1) for line in curves for y in line.get_ydata())
