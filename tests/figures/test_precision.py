"""Figures of rounding: every reading where it belongs, and a command where there is none."""

import shlex

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.figures.precision_by_length import PrecisionByLength
from urnn_bench.figures.precision_over_training import PrecisionOverTraining

FIGURES = [PrecisionByLength, PrecisionOverTraining]
HEADER = "step,examples,train_s,split,metric,value\n"
PROBES = {"at": [0, 100], "read": [{"name": "gradient_precision", "options": {}}]}


def record(bench, label, values, T=100, seed=0):
    """Record a run whose probe has read the values, by update."""
    folder = bench.record(label, T=T, seed=seed, probes=PROBES)
    rows = [f"{step},1,0.1,probe,gradient_precision,{value}\n" for step, value in values.items()]
    (folder / "metrics.csv").write_text(HEADER + "".join(rows))


def draw(figure, bench):
    return figure(figure.Options()).draw(load(bench.folder / "results", "made"))


def line(ax, label):
    (found,) = [artist for artist in ax.get_lines() if artist.get_label() == label]
    return [float(y) for y in found.get_ydata()]


@pytest.fixture
def measured(bench):
    """Two lengths, two updates, three seeds of one model and one of another."""
    for seed, factor in enumerate((1, 2, 4)):
        record(bench, "urnn", {0: 1e-6 * factor, 100: 1e-3 * factor}, T=100, seed=seed)
        record(bench, "urnn", {0: 1e-5 * factor, 100: 10.0 * factor}, T=200, seed=seed)
    record(bench, "lstm", {0: 1e-7, 100: 2e-7}, T=100)
    record(bench, "lstm", {0: 3e-7, 100: "inf"}, T=200)
    return bench


def test_every_length_has_the_median_of_its_seeds(measured):
    start, later = draw(PrecisionByLength, measured).axes
    assert line(start, "urnn") == pytest.approx([2e-6, 2e-5])
    assert line(later, "urnn") == pytest.approx([2e-3, 20])
    # float32 has no gradient there: at the end of the axis
    assert line(later, "lstm") == pytest.approx([2e-7, 1e4])
    assert line(start, "all is rounding") == [1, 1]


def test_every_update_has_the_median_of_its_seeds(measured):
    short, long = draw(PrecisionOverTraining, measured).axes
    assert line(short, "urnn") == pytest.approx([2e-6, 2e-3])
    assert line(long, "urnn") == pytest.approx([2e-5, 20])
    assert [ax.get_title() for ax in (short, long)] == ["T = 100", "T = 200"]


@pytest.mark.parametrize(
    ("figure", "own"),
    [
        ("gradient_norms", "gradient_precision"),
        ("precision_over_training", "state_norm"),
        ("precision_by_length", "state_norm"),
    ],
)
def test_the_proposed_command_makes_what_the_figure_needs(figure, own, bench):
    """Also for a benchmark whose own probes are others."""
    small = ("--model", "lstm", "--updates", 2, "-q")
    probes = ("--probe", "--set", "probes.at=[0,2]", "--set", f"probes.read=[{own}]")
    bench("run", "tiny", *small, *probes)
    said = bench("plot", "tiny", "--figure", figure, code=5).err.splitlines()[0]
    command = shlex.split(said.split(" with: ")[1])
    bench(*command[1:], "--T", 5, "-q")
    bench("plot", "tiny", "--figure", figure)
