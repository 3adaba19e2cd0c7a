"""Every line, mark and colour of the figures is what pandas says of the records."""

import json
from dataclasses import replace

import numpy as np
import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.base import Figure
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.registry import Registry

FIGURES = Registry("figure", "figures")
MODELS = ("urnn", "lstm")


@pytest.fixture
def results(trained):
    return load(trained.folder / "results", "tiny")


def draw(name, results, **options):
    kind = FIGURES.get(name, Figure)
    with style():
        return kind(kind.Options(**options)).draw(results)


def line(ax, label):
    """The thick line of that name."""
    (curve,) = (curve for curve in ax.lines if curve.get_label() == label)
    return [float(x) for x in curve.get_xdata()], [float(y) for y in curve.get_ydata()]


def medians(frame, by, column="value"):
    series = frame.groupby(by)[column].median()
    return [float(x) for x in series.index], series.tolist()


def close(one, two):
    return all(a == pytest.approx(b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("x", ["step", "examples"])
def test_learning_curves_are_medians_over_seeds(results, model, x):
    option = {"step": "updates", "examples": "examples"}[x]
    for ax, T in zip(draw("learning_curves", results, x=option).axes, (4, 6), strict=True):
        readings = results.metrics.query(
            "model == @model and T == @T and split == 'validation' and metric == @results.criterion"
        )
        assert ax.get_title() == f"T = {T}" and close(line(ax, model), medians(readings, x))


def test_an_axis_ends_at_so_many_baselines_and_counts_in_thousands(results):
    baseline = results.baselines(results.criterion, 4)["memoryless"]
    ax, _ = draw("learning_curves", results, scale="linear", top=3).axes
    assert ax.get_ylim()[1] == pytest.approx(3 * baseline)
    results.metrics["examples"] *= 1000
    ax, _ = draw("learning_curves", results).axes
    assert ax.get_xlabel() == "training examples (thousands)"
    assert ax.xaxis.get_major_formatter()(24000, 0) == "24"


def test_a_papers_points_are_drawn_as_far_as_the_curves_go(results):
    paper = {"lstm": {4: [[0, 1.5], [24, 1.0], [25, 0.5]]}, "gru": {4: [[0, 1]]}}
    first, second = draw("learning_curves", results, paper=paper).axes
    stars = [curve for ax in (first, second) for curve in ax.lines if curve.get_marker() == "*"]
    assert [curve.get_xydata().tolist() for curve in stars] == [[[0, 1.5], [24, 1.0]]]
    assert stars[0] in first.lines and stars[0].get_label() == "lstm (paper, read off)"


@pytest.mark.parametrize("model", MODELS)
def test_gradient_norms_are_medians_over_seeds(results, model):
    axes = draw("gradient_norms", results).axes
    titles = ["at the start", "after 3 updates", "after 6 updates"]
    assert [ax.get_title() for ax in axes] == titles
    readings = results.probes.query(
        "probe == 'gradient_norm' and state == 'h' and T == 6 and model == @model"
    )
    for ax, step in zip(axes, (0, 3, 6), strict=True):
        assert close(line(ax, f"{model}, h"), medians(readings[readings["step"] == step], "t"))


def test_hidden_states_are_medians_under_their_names(results):
    axes = {ax.get_title(): ax for ax in draw("hidden_states", results).axes}
    names = {"state_norm": "its norm", "distance_to_last": "distance to the last one"}
    readings = results.probes.query("step == 6 and T == 6")
    for probe, name in names.items():
        for model, state in (("urnn", "h"), ("lstm", "h"), ("lstm", "c")):
            wanted = readings[
                (readings["probe"] == probe)
                & (readings["model"] == model)
                & (readings["state"] == state)
            ]
            assert close(line(axes[f"{state}: {name}"], f"{model}, {state}"), medians(wanted, "t"))
    assert len(axes) == 4


def test_states_are_those_of_the_runs_that_were_probed_last(results):
    left = results.probes["run"].iloc[0]
    late = (results.probes["run"] == left) & (results.probes["step"] == 6)
    results.__dict__["probes"] = results.probes[~late]
    model, T = results.runs.set_index("run").loc[left, ["model", "T"]]
    drawing = draw("hidden_states", results, T=int(T))
    assert "2 to 3 seeds" in drawing.legends[0].get_title().get_text()
    wanted = results.probes.query(
        "model == @model and T == @T and step == 6 and state == 'h' and probe == 'state_norm'"
    )
    assert close(line(drawing.axes[0], f"{model}, h"), medians(wanted, "t"))
    titles = [ax.get_title() for ax in draw("gradient_norms", results, T=int(T)).axes]
    assert titles == ["at the start", "after 3 updates", "after 6 updates, 2 to 3 seeds"]


def test_a_heatmap_is_the_logarithm_of_the_median(results):
    axes = {ax.get_title(): ax for ax in draw("gradient_heatmap", results).axes}
    readings = results.probes.query("probe == 'gradient_norm' and state == 'h' and T == 6")
    for model in MODELS:
        (mesh,) = axes[model].collections
        wanted = (
            readings[readings["model"] == model].groupby(["step", "t"])["value"].median().unstack()
        )
        assert np.allclose(mesh.get_array(), np.log10(wanted.to_numpy()))


@pytest.mark.parametrize("model", MODELS)
def test_memory_over_training_is_of_all_seeds_or_ends(results, model):
    first, second = draw("memory_over_training", results).axes
    readings = results.metrics.query("split == 'probe' and model == @model and T == 6")
    for ax, metric in ((first, "memory_horizon_h"), (second, "lyapunov")):
        assert close(line(ax, model), medians(readings[readings["metric"] == metric], "step"))
    ended = readings[(readings["step"] == 6) & (readings["seed"] == 0)].index
    fewer = replace(results, metrics=results.metrics.drop(index=ended))
    assert line(draw("memory_over_training", fewer).axes[1], model)[0] == [0, 3]


def test_probes_on_other_lengths_is_left_out_and_said(bench):
    for T, seed in ((9, 0), (12, 1)):
        bench(
            "run",
            "tiny",
            "--model",
            "lstm",
            "--seed",
            seed,
            "--probe",
            "--set",
            f"probes.T={T}",
            "--set",
            "probes.every=3",
            "-q",
        )
    with pytest.warns(RecordsWarning, match="probe readings of 1 run left out"):
        results = load(bench.folder / "results", "tiny")
    assert set(results.probes["length"]) == {12} and len(results.runs) == 2
    for name in ("gradient_norms", "memory_over_training", "gradient_heatmap"):
        drawing = draw(name, results)
        titles = [legend.get_title().get_text() for legend in drawing.legends]
        said = " ".join([*titles, drawing.get_suptitle()]).replace("\n", " ")
        assert "trained at T = 4, run at T = 12" in said and "one seed" in said


def test_what_is_under_way_hides_nothing_that_has_ended(bench):
    for T, seed in ((9, 0), (12, 1)):
        bench(
            "run",
            "tiny",
            "--model",
            "lstm",
            "--seed",
            seed,
            "--probe",
            "--set",
            f"probes.T={T}",
            "-q",
        )
    end(bench, 1, "running")
    with pytest.warns(RecordsWarning, match="probe readings of 1 run left out"):
        assert set(load(bench.folder / "results", "tiny").probes["length"]) == {9}


def end(bench, seed, status):
    (path,) = bench.folder.glob(f"results/tiny/lstm-T4-s{seed}-*/run.json")
    path.write_text(path.read_text().replace('"status": "done"', f'"status": "{status}"'))


def test_states_that_no_model_has_are_no_figure(results):
    probes = results.probes
    results.__dict__["probes"] = probes[probes["model"] == "urnn"]
    with pytest.raises(NothingToShowError, match="no model of 'tiny' has such states"):
        draw("gradient_norms", results, states=["c"])


def test_probes_at_different_updates_have_a_median_up_to_the_first_end(results):
    readings = results.metrics
    kept = (readings["split"] != "probe") | ((readings["seed"] == 0) == (readings["step"] != 3))
    fewer = replace(results, metrics=readings[kept])
    xs, _ = line(draw("memory_over_training", fewer).axes[1], "lstm")
    assert xs == [0, 3]


def test_marks_of_diverged_runs_are_drawn_in_one_order(bench):
    bench(
        "run",
        "tiny",
        "--model",
        "lstm",
        "--seeds",
        5,
        "-q",
        "--set",
        "fit.optimizer.lr=1e38",
        "--set",
        "fit.optimizer.name=sgd",
        "--set",
        "fit.clip=null",
        code=3,
    )
    results = load(bench.folder / "results", "tiny")
    (ax,) = draw("learning_curves", results).axes
    marks = [curve.get_xydata()[0].tolist() for curve in ax.lines if curve.get_marker() == "x"]
    readings = results.metrics.query("split == 'validation' and metric == @results.criterion")
    last = readings.sort_values("step").groupby("run")[["examples", "value"]].last()
    assert len(marks) == 5 and marks == last.sort_index().to_numpy().tolist()


def test_many_models_stand_beside_each_other_within_their_length(bench):
    for T in (100, 200):
        for i in range(12):
            bench.record(f"model{i}", T=T)
    (ax,) = draw("solvability", load(bench.folder / "results", "made")).axes
    places = np.array([curve.lines[0].get_xdata() for curve in ax.containers])
    assert places[:, 0].max() < 0.5 and places[:, 1].min() > 0.5 and len(set(places[:, 0])) == 12


@pytest.mark.parametrize("model", MODELS)
def test_scores_and_costs_are_medians_over_seeds(results, model):
    runs = results.runs[results.runs["model"] == model]
    places = runs["T"].map({4: 0, 6: 1})
    (ax,) = draw("scores_by_length", results).axes
    column = f"test_{results.criterion}"
    assert close(line(ax, model), medians(runs, places, column))
    pace, solving = draw("cost", results).axes
    assert close(line(pace, model), medians(runs, places, "updates_per_s"))
    seconds = runs.assign(s=runs["solved_step"].astype(float) / runs["updates_per_s"])
    assert close(line(solving, model), medians(seconds, places, "s"))


def test_costs_say_how_they_were_made(bench):
    bench("run", "tiny", "--threads", 1, "-q")
    bench("run", "tiny", "--threads", 2, "--seed", 1, "--seed", 2, "--together", "-q")
    drawing = draw("cost", load(bench.folder / "results", "tiny"))
    title = drawing.legends[0].get_title().get_text().replace("\n", " ")
    assert "with one thread" in title and "with 2 threads, 2 runs at once" in title


def test_gradient_by_length_fills_the_marks_of_solved_runs(results):
    runs = results.runs
    runs.loc[runs["seed"] > 0, "solved_step"] = None
    ax = draw("gradient_by_length", results).axes[0]
    marks = {
        bool(len(dots.get_facecolors())): len(dots.get_offsets())
        for dots in ax.collections
        if dots.get_label().startswith("_")
    }
    assert marks == {True: 2, False: 4}
    readings = results.probes.query("probe == 'gradient_norm' and state == 'h' and step == 0")
    norms = readings.sort_values("t").groupby(["model", "T", "run"])["value"]
    ratio = (norms.first() / norms.last()).groupby(["model", "T"]).median()
    drawn = [curve.get_ydata().tolist() for curve in ax.lines if len(curve.get_xdata())]
    for heights, wanted in zip(
        sorted(drawn), sorted(ratio[m].tolist() for m in MODELS), strict=True
    ):
        assert heights == pytest.approx(wanted)


@pytest.fixture
def solved(bench):
    """Four seeds: the uRNN solves it at 100, 100, 400 and diverges at 50, the LSTM never does."""
    for seed, step in enumerate((100, 100, 400, None)):
        status = "done" if step else "diverged"
        bench.record(
            "urnn",
            seed=seed,
            solved_step=step,
            status=status,
            steps_done=1000 if step else 50,
            fit={"steps": 1000},
        )
        bench.record(
            "lstm", seed=seed, steps_done=(200, 1000, 1000, 1000)[seed], fit={"steps": 1000}
        )
    bench.record("urnn", seed=4, status="running", solved_step=10)
    return load(bench.folder / "results", "made")


def test_survival_falls_when_seeds_solve_it_and_marks_those_that_stopped(solved):
    (ax,) = draw("time_to_solve", solved).axes
    assert line(ax, "urnn") == ([1, 100, 400, 1000], [1, 0.5, 0.25, 0.25])
    assert line(ax, "lstm") == ([1, 1000], [1, 1])
    curves = [curve for curve in ax.lines if curve.get_label() in MODELS]
    assert all(curve.get_drawstyle() == "steps-post" for curve in curves)
    marks = [curve.get_xydata().tolist() for curve in ax.lines if curve.get_marker() == "|"]
    assert sorted(marks) == [[[200, 1], [1000, 1], [1000, 1], [1000, 1]], [[1000, 0.25]]]


def test_bars_of_solvability_are_wilsons_and_of_ended_seeds(solved):
    (ax,) = draw("solvability", solved).axes
    bars_of = {bars.get_label(): bars for bars in ax.containers}
    (data, _, (segments,)) = bars_of["urnn"].lines
    low, high = segments.get_segments()[0][:, 1]
    assert data.get_ydata().tolist() == [0.75]
    assert (low, high) == pytest.approx((0.3006, 0.9544), abs=1e-3)


@pytest.mark.usefixtures("solved")
def test_a_table_counts_a_diverged_seed_as_never_solving(bench):
    _, row = json.loads(bench("table", "made", "--json").out)
    assert (row["seeds"], row["good"], row["solved"], row["solved_step"]) == (5, 3, 4, 100)
