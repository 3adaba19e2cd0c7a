"""What every figure of the registry must do, whoever wrote it."""

import pandas as pd
import pytest
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.base import Figure
from urnn_bench.registry import Registry

FIGURES = Registry("figure", "figures")
SCORES = ("learning_curves", "scores_by_length")
# all that a figure may ask for: probes at three updates, and runs that count as solved
FULL = (
    "--probe",
    "--set",
    "probes.at=[0]",
    "--set",
    "probes.every=2",
    "--set",
    "fit.solved={metric: cross_entropy_nat, below: 10}",
)


def draw(name, results, **options):
    kind = FIGURES.get(name, Figure)
    with style():
        return kind(kind.Options(**options)).draw(results)


def texts(drawing):
    found = [
        t.get_text() for ax in drawing.axes for t in (ax.title, ax.xaxis.label, ax.yaxis.label)
    ]
    return " | ".join([*found, *(t.get_text() for legend in drawing.legends for t in legend.texts)])


@pytest.mark.parametrize("name", FIGURES.names())
def test_draws_labelled_axes_and_models(name, bench):
    bench("run", "tiny", "--T", 4, "--T", 6, "--seeds", 2, *FULL, "-q")
    drawing = draw(name, load(bench.folder / "results", "tiny"))
    assert isinstance(drawing, Drawing)
    said = texts(drawing)
    plots = [ax for ax in drawing.axes if ax.get_label() != "<colorbar>"]
    assert all(ax.get_xlabel() for ax in plots) and plots[0].get_ylabel()
    assert {"urnn", "lstm"} <= {words.partition(",")[0] for words in said.split(" | ")}
    assert bench("plot", "tiny", "--figure", name).out.strip().endswith(f"{name}.png")


@pytest.mark.parametrize("name", SCORES)
def test_scores_stand_beside_their_baseline(name, bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    said = texts(draw(name, load(bench.folder / "results", "tiny")))
    assert "memoryless (baseline)" in said and "cross-entropy (nat)" in said


@pytest.mark.parametrize("name", SCORES)
def test_shows_what_was_recorded(name, bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    results = load(bench.folder / "results", "tiny")
    (ax,) = draw(name, results).axes
    shown = {float(y) for line in ax.lines for y in line.get_ydata()}
    recorded = results.metrics.query("metric == 'cross_entropy_nat'")
    wanted = recorded[recorded["split"] == ("validation" if name == "learning_curves" else "test")]
    assert set(wanted["value"]) <= shown


@pytest.mark.parametrize("name", ["gradient_norms", "hidden_states"])
def test_shows_what_probes_read(name, bench):
    bench("run", "tiny", "--model", "lstm", *FULL, "-q")
    results = load(bench.folder / "results", "tiny")
    probes, last = results.probes, results.probes["step"].max()
    wanted = {
        "gradient_norms": [
            of["value"]
            for _, of in probes[
                (probes["probe"] == "gradient_norm") & (probes["state"] == "h")
            ].groupby("step")
        ],
        "hidden_states": [
            of["value"]
            for _, of in probes[
                (probes["step"] == last) & (probes["probe"] != "gradient_norm")
            ].groupby(["probe", "state"])
        ],
    }[name]
    shown = [list(line.get_ydata()) for ax in draw(name, results).axes for line in ax.lines]
    assert len(wanted) == 4 and all(list(curve) in shown for curve in wanted)


READ_OFF = {
    "gradient_norms": {"update": 4, "model": "lstm", "length": 6, "points": [[2, 0.5], [6, 1]]},
    "hidden_states": {
        "probe": "state_norm",
        "state": "c",
        "model": "lstm",
        "length": 6,
        "points": [[2, 0.5], [6, 1]],
    },
}


@pytest.mark.parametrize("name", READ_OFF)
@pytest.mark.parametrize(
    ("changed", "drawn"),
    [
        ({}, 1),
        ({"model": "urnn"}, 0),
        ({"length": 1000}, 0),
        ({"points": []}, 0),
    ],
)
def test_a_papers_points_stand_in_the_panel_that_shows_the_same(name, changed, drawn, bench):
    bench("run", "tiny", "--model", "lstm", *FULL, "-q")
    results = load(bench.folder / "results", "tiny")
    length = int(results.probes["length"].max())
    curve = READ_OFF[name] | {"length": length} | changed
    axes = draw(name, results, paper=[curve]).axes
    found = [(ax.get_title(), line) for ax in axes for line in ax.lines if line.get_marker() == "*"]
    assert len(found) == drawn
    for title, line in found:
        assert title in ("after 4 updates", "c: its norm")
        assert line.get_xydata().tolist() == curve["points"]


@pytest.mark.parametrize("name", READ_OFF)
def test_a_papers_curve_that_is_no_curve_is_refused(name, bench):
    bench("run", "tiny", "--model", "lstm", *FULL, "-q")
    wrong = READ_OFF[name] | {"points": [[1, 2, 3]]}
    text = (bench.folder / "benchmarks/tiny.yaml").read_text().partition("figures:")[0]
    bench.write("benchmarks/tiny.yaml", f"{text}figures: [{{name: {name}, paper: [{wrong}]}}]\n")
    assert "paper" in bench("plot", "tiny", code=2).err


def test_gradient_by_length_shows_first_over_last_of_every_run(bench):
    bench("run", "tiny", "--model", "lstm", "--T", 4, "--T", 6, "--seeds", 2, *FULL, "-q")
    results = load(bench.folder / "results", "tiny")
    of_h = results.probes.query("probe == 'gradient_norm' and state == 'h'").sort_values("t")
    norms = of_h.groupby(["step", "T", "run"])["value"]
    wanted = norms.first() / norms.last()
    axes = draw("gradient_by_length", results).axes
    shown = {float(y) for ax in axes for dots in ax.collections for _, y in dots.get_offsets()}
    assert len(axes) == of_h["step"].nunique() and shown == set(wanted)


@pytest.mark.parametrize(("t", "value", "drawn"), [(1, 0, 1e-24), (-1, 0, 1e24), (1, "nan", None)])
def test_gradient_by_length_hides_no_run_that_has_a_ratio(t, value, drawn, bench):
    bench("run", "tiny", "--model", "lstm", "--T", 4, "--T", 6, *FULL, "-q")
    for path in bench.folder.glob("results/tiny/*/probes.csv"):
        frame = pd.read_csv(path)
        norms = frame[(frame["probe"] == "gradient_norm") & (frame["state"] == "h")]
        at = norms["t"].min() if t == 1 else norms["t"].max()
        frame["value"] = frame["value"].astype(object)
        frame.loc[norms[norms["t"] == at].index, "value"] = value
        frame.to_csv(path, index=False)
    results = load(bench.folder / "results", "tiny")
    if drawn is None:
        with pytest.raises(NothingToShowError, match="no two lengths of 'tiny' have a gradient"):
            draw("gradient_by_length", results)
        return
    axes = draw("gradient_by_length", results).axes
    shown = [float(y) for ax in axes for dots in ax.collections for _, y in dots.get_offsets()]
    assert len(shown) == 2 * len(axes) and shown == pytest.approx([drawn] * len(shown))


@pytest.mark.parametrize("name", FIGURES.names())
def test_says_so_when_there_is_nothing_to_draw(name, bench):
    bench("run", "tiny", "--model", "lstm", "--time-limit", "0", "-q", code=3)
    results = load(bench.folder / "results", "tiny")
    options = {"metric": "nothing_of_the_kind"} if name in SCORES else {}
    if name == "cost":
        pytest.skip("one update is enough to draw what an update costs")
    with pytest.raises(NothingToShowError, match="tiny"):
        draw(name, results, **options)


@pytest.mark.parametrize("name", FIGURES.names())
def test_a_name_is_never_mathematics(name, bench):
    text = (bench.folder / "benchmarks/tiny.yaml").read_text()
    bench.write("benchmarks/tiny.yaml", text.replace("  lstm:", "  '$\\frac$': {cell: lstm}"))
    bench("run", "tiny", "--model", "$\\frac$", "--T", 4, "--T", 6, *FULL, "-q")
    assert bench("plot", "tiny", "--figure", name).out
    drawing = draw(name, load(bench.folder / "results", "tiny"))
    assert "\\$\\frac\\$" in texts(drawing)
    iterate_states = [t.get_text() for ax in drawing.axes for t in ax.get_xticklabels()]
    assert not any("frac" in t for t in iterate_states)


@pytest.mark.parametrize("name", SCORES)
def test_a_diverged_run_is_still_drawn(name, bench):
    bench(
        "run",
        "tiny",
        "--model",
        "lstm",
        "-q",
        "--set",
        "fit.optimizer.lr=1e38",
        "--set",
        "fit.optimizer.name=sgd",
        "--set",
        "fit.clip=null",
        code=3,
    )
    drawing = draw(name, load(bench.folder / "results", "tiny"))
    assert "diverged" in texts(drawing)


def end(bench, seed, status, scores):
    """Let a recorded run have ended with a status, after the first of its scores."""
    (folder,) = bench.folder.glob(f"results/tiny/lstm-T4-s{seed}-*")
    text = (folder / "run.json").read_text()
    assert '"status": "done"' in text
    (folder / "run.json").write_text(text.replace('"status": "done"', f'"status": "{status}"'))
    frame = pd.read_csv(folder / "metrics.csv")
    kept = frame[(frame["split"] != "validation") | frame["step"].isin(scores)].copy()
    for step, value in scores.items():
        kept.loc[(kept["split"] == "validation") & (kept["step"] == step), "value"] = value
    kept.to_csv(folder / "metrics.csv", index=False)


@pytest.mark.parametrize(
    ("states", "middle"),
    [
        (("solved", "solved", "done"), [4, 0.5, 0.5]),
        (("solved", "diverged", "done"), [4, 0.5, 1]),
        (("diverged", "diverged", "done"), [4, 0.5]),
        (("failed", "solved", "done"), [4, 0.5]),
        (("solved", "running", "done"), [4, 1.125, 0.625]),
        (("running", "interrupted", "running"), [4, 0.5]),
    ],
)
def test_a_median_is_that_of_all_seeds_that_ended(states, middle, bench):
    bench("run", "tiny", "--model", "lstm", "--seeds", 3, "-q")
    scores = ({0: 5, 3: 0.25}, {0: 4, 3: 0.5}, {0: 3, 3: 2, 6: 1})
    for seed, (state, of) in enumerate(zip(states, scores, strict=True)):
        end(bench, seed, state, of)
    drawing = draw("learning_curves", load(bench.folder / "results", "tiny"))
    (line,) = (line for line in drawing.axes[0].lines if line.get_label() == "lstm")
    assert list(line.get_xdata()) == [0, 12, 24][: len(middle)]
    assert list(line.get_ydata()) == middle
    title = drawing.legends[0].get_title().get_text()
    assert ("held once solved" in title) == ("solved" in states)


def test_survival_curves_that_are_equal_lie_on_each_other(bench):
    bench("run", "tiny", *FULL, "-q")
    (ax,) = draw("time_to_solve", load(bench.folder / "results", "tiny")).axes
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    widths = [line.get_linewidth() for line in curves]
    assert {line.get_label() for line in curves} == {"urnn", "lstm"}
    assert widths == sorted(set(widths), reverse=True)
    assert all(y in (0, 1) for line in curves for y in line.get_ydata())


@pytest.mark.parametrize(("looks", "said"), [("[0]", False), ("[0, 6]", True)])
def test_gradient_by_length_says_where_a_run_was_not_looked_at(looks, said, bench):
    bench(
        "run",
        "tiny",
        "--model",
        "lstm",
        "--T",
        4,
        "--T",
        6,
        "--probe",
        "--set",
        "probes.at=[0]",
        "-q",
    )
    more = ("--probe", "--set", f"probes.at={looks}")
    bench("run", "tiny", "--model", "lstm", "--T", 4, "--seed", 1, *more, "-q")
    drawing = draw("gradient_by_length", load(bench.folder / "results", "tiny"))
    assert ("not looked at" in drawing.legends[0].get_title().get_text()) == said


def test_a_heatmap_has_a_row_for_each_look_however_far_apart(bench):
    looks = ("--probe", "--set", "probes.at=[0, 1, 6]")
    bench("run", "tiny", "--model", "lstm", *looks, "-q")
    ax = draw("gradient_heatmap", load(bench.folder / "results", "tiny")).axes[0]
    (mesh,) = ax.collections
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "1", "6"]
    assert mesh.get_array().shape[0] == 3


@pytest.mark.parametrize("name", ["gradient_norms", "hidden_states", "gradient_heatmap"])
def test_of_several_lengths_one_is_drawn_and_said(name, bench):
    bench("run", "tiny", "--model", "lstm", "--T", 4, "--T", 6, *FULL, "-q")
    results = load(bench.folder / "results", "tiny")
    for options, said in (({}, "T = 6 (of 4 to 6)"), ({"T": 4}, "T = 4 (of 4 to 6)")):
        drawing = draw(name, results, **options)
        titles = [legend.get_title().get_text() for legend in drawing.legends]
        assert said in " ".join([*titles, drawing.get_suptitle()])
    with pytest.raises(NothingToShowError, match=r"no run trained at T = 5 .* there are: 4, 6"):
        draw(name, results, T=5)


def test_plot_draws_all_it_can_and_says_what_is_missing_and_how_to_get_it(bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    found = bench("plot", "tiny")
    drawn = {line.rpartition("/")[2].removesuffix(".png") for line in found.out.splitlines()}
    assert drawn == {*SCORES, "cost"}
    assert "urnn-bench run tiny --probe" in found.err and "fit.solved" in found.err
    (bench.folder / "results").rename(bench.folder / "other one")
    found = bench("plot", "tiny", "--results", "other one")
    assert "urnn-bench run tiny --results 'other one' --probe" in found.err


def test_a_benchmark_given_as_a_path_is_named_as_one_in_proposed_commands(bench):
    path = "benchmarks/tiny.yaml"
    for command in (("plot",), ("table",), ("status",), ("compare", "a", "b", "--benchmark")):
        said = bench(*command, path, code=5).err
        assert f"urnn-bench run {path}" in said, command
