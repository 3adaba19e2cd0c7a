"""What every figure of the registry must do, whoever wrote it."""

import pytest
from matplotlib.figure import Figure as Drawing

from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.base import Figure
from urnn_bench.records.results import load
from urnn_bench.registry import Registry

FIGURES = Registry("figure", "figures")
pytestmark = pytest.mark.parametrize("name", FIGURES.names())


def draw(name, results, **options):
    kind = FIGURES.get(name, Figure)
    with style():
        return kind(kind.Options(**options)).draw(results)


def texts(drawing):
    found = [
        t.get_text() for ax in drawing.axes for t in (ax.title, ax.xaxis.label, ax.yaxis.label)
    ]
    return " | ".join([*found, *(t.get_text() for legend in drawing.legends for t in legend.texts)])


def test_draws_labelled_axes_models_and_baselines(name, bench):
    bench("run", "tiny", "--T", 4, "--T", 6, "--seeds", 2, "-q")
    drawing = draw(name, load(bench.folder / "results", "tiny"))
    assert isinstance(drawing, Drawing)
    said = texts(drawing)
    assert all(ax.get_xlabel() for ax in drawing.axes) and drawing.axes[0].get_ylabel()
    assert {"urnn", "lstm"} <= set(said.split(" | ")) and "memoryless (baseline)" in said
    assert "cross-entropy (nat)" in said


def test_shows_what_was_recorded(name, bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    results = load(bench.folder / "results", "tiny")
    (ax,) = draw(name, results).axes
    shown = {float(y) for line in ax.lines for y in line.get_ydata()}
    recorded = results.metrics.query("metric == 'cross_entropy_nat'")
    wanted = recorded[recorded["split"] == ("validation" if name == "learning_curves" else "test")]
    assert set(wanted["value"]) <= shown


def test_says_so_when_there_is_nothing_to_draw(name, bench):
    bench("run", "tiny", "--model", "lstm", "--time-limit", "0", "-q", code=3)
    results = load(bench.folder / "results", "tiny")
    with pytest.raises(NothingToShowError, match="tiny"):
        draw(name, results, metric="nothing_of_the_kind")


def test_a_name_is_never_mathematics(name, bench):
    text = (bench.folder / "benchmarks/tiny.yaml").read_text()
    bench.write("benchmarks/tiny.yaml", text.replace("  lstm:", "  '$\\frac$': {cell: lstm}"))
    bench("run", "tiny", "--model", "$\\frac$", "-q")
    assert bench("plot", "tiny", "--figure", name).out
    drawing = draw(name, load(bench.folder / "results", "tiny"))
    assert "\\$\\frac\\$" in texts(drawing)
    ticks = [t.get_text() for ax in drawing.axes for t in ax.get_xticklabels()]
    assert not any("frac" in t for t in ticks)


def test_a_diverged_run_is_still_drawn(name, bench):
    bench("run", "tiny", "--model", "lstm", "-q", "--set", "fit.optimizer.lr=1e38", "--set",
          "fit.optimizer.name=sgd", "--set", "fit.clip=null", code=3)  # fmt: skip
    assert draw(name, load(bench.folder / "results", "tiny")).axes
