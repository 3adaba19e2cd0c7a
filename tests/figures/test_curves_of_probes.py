"""Norms over a sequence: the curves that probes read, a length, and points read off a paper."""

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.gradient_heatmap import GradientHeatmap
from urnn_bench.figures.gradient_norms import GradientNorms
from urnn_bench.figures.hidden_states import HiddenStates

PROBED = ("--probe", "--set", "probes.at=[0]", "--set", "probes.every=2")
PAPER_CURVES = {
    GradientNorms: {"update": 4, "model": "lstm", "length": 6, "points": [[2, 0.5], [6, 1]]},
    HiddenStates: {
        "probe": "state_norm",
        "state": "c",
        "model": "lstm",
        "length": 6,
        "points": [[2, 0.5], [6, 1]],
    },
}


def results_of(bench, *options):
    """Train the LSTM of "tiny" with probes and return its records."""
    bench("run", "tiny", "--model", "lstm", *PROBED, *options, "-q")
    return load(bench.folder / "results", "tiny")


def draw(figure_type, results, **options):
    with style():
        return figure_type(figure_type.Options(**options)).draw(results)


def gradient_curves(probes):
    rows = probes.query("probe == 'gradient_norm' and state == 'h'")
    return [curve["value"] for _, curve in rows.groupby("step")]


def state_curves(probes):
    rows = probes[(probes["step"] == probes["step"].max()) & (probes["probe"] != "gradient_norm")]
    return [curve["value"] for _, curve in rows.groupby(["probe", "state"])]


@pytest.mark.parametrize(
    ("figure_type", "curves"), [(GradientNorms, gradient_curves), (HiddenStates, state_curves)]
)
def test_shows_what_probes_read(figure_type, curves, bench):
    results = results_of(bench)
    expected = [list(curve) for curve in curves(results.probes)]
    axes = draw(figure_type, results).axes
    shown = [list(line.get_ydata()) for ax in axes for line in ax.lines]
    assert len(expected) == 4 and all(curve in shown for curve in expected)


@pytest.mark.parametrize("figure_type", PAPER_CURVES)
@pytest.mark.parametrize(
    ("changed", "count"),
    [({}, 1), ({"model": "urnn"}, 0), ({"length": 1000}, 0), ({"points": []}, 0)],
)
def test_a_papers_points_are_in_the_panel_of_the_same_curve(figure_type, changed, count, bench):
    results = results_of(bench)
    length = int(results.probes["length"].max())
    curve = PAPER_CURVES[figure_type] | {"length": length} | changed
    axes = draw(figure_type, results, paper=[curve]).axes
    stars = [(ax.get_title(), line) for ax in axes for line in ax.lines if line.get_marker() == "*"]
    assert len(stars) == count
    for title, line in stars:
        assert title in ("after 4 updates", "c: its norm")
        assert line.get_xydata().tolist() == curve["points"]


@pytest.mark.parametrize("figure_type", PAPER_CURVES)
def test_a_papers_point_has_two_numbers(figure_type, bench):
    results_of(bench)
    name = figure_type.__module__.rpartition(".")[2]
    curve = PAPER_CURVES[figure_type] | {"points": [[1, 2, 3]]}
    text = (bench.folder / "benchmarks/tiny.yaml").read_text().partition("figures:")[0]
    bench.write("benchmarks/tiny.yaml", f"{text}figures: [{{name: {name}, paper: [{curve}]}}]\n")
    assert "paper" in bench("plot", "tiny", code=2).err


@pytest.mark.parametrize("figure_type", [GradientNorms, HiddenStates, GradientHeatmap])
def test_one_length_is_drawn_and_named(figure_type, bench):
    results = results_of(bench, "--T", 4, "--T", 6)
    for options, title in (({}, "T = 6 (of 4 to 6)"), ({"T": 4}, "T = 4 (of 4 to 6)")):
        drawing = draw(figure_type, results, **options)
        titles = [legend.get_title().get_text() for legend in drawing.legends]
        assert title in " ".join([*titles, drawing.get_suptitle()])
    with pytest.raises(NothingToShowError, match=r"no run trained at T = 5 .* there are: 4, 6"):
        draw(figure_type, results, T=5)


def test_a_heatmap_has_a_row_for_each_probed_update(bench):
    bench("run", "tiny", "--model", "lstm", "--probe", "--set", "probes.at=[0, 1, 6]", "-q")
    ax = draw(GradientHeatmap, load(bench.folder / "results", "tiny")).axes[0]
    (mesh,) = ax.collections
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "1", "6"]
    assert mesh.get_array().shape[0] == 3
