"""A grid over keys of the task, the cells and the size, beside those of fit."""

import json

import pytest

from urnn_bench.records.record import Record
from urnn_bench.spec.grid import label_of
from urnn_bench.spec.run import Run


@pytest.fixture
def gridded(bench):
    """Write the benchmark "grid": "tiny" with the given axes."""
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    return lambda axes: bench.write("benchmarks/grid.yaml", f"{text}grid: {axes}\n")


def models(bench, *arguments):
    rows = json.loads(bench("run", "grid", "--dry-run", "--json", *arguments).out)
    return [row["model"] for row in rows]


def recorded(bench):
    folders = bench.runs("grid")
    runs = [json.loads((folder / "run.json").read_text())["run"] for folder in folders]
    return {run["label"]: Run.model_validate(run) for run in runs}


def test_the_values_of_every_key_are_what_is_trained(bench, gridded):
    axes = "{task.symbols: [3, 5], model.forget_bias: [0.5], hidden: [4], fit.batch: [2]}"
    gridded(axes)
    bench("run", "grid", "--model", "lstm", "-q")
    runs = recorded(bench)
    values = "forget_bias=0.5, hidden=4, batch=2"
    assert set(runs) == {f"lstm @ symbols={n}, {values}" for n in (3, 5)}
    for n in (3, 5):
        run = runs[f"lstm @ symbols={n}, {values}"]
        assert run.task.options["symbols"] == n and run.cell.options["forget_bias"] == 0.5
        assert (run.hidden, run.fit.batch) == (4, 2)


def test_a_key_of_fit_may_be_given_with_and_without_fit(bench, gridded):
    gridded("{optimizer.lr: [0.1, 0.2]}")
    short = bench("run", "grid", "--dry-run", "--json").out
    gridded("{fit.optimizer.lr: [0.1, 0.2]}")
    identities = [
        [row["run"] for row in json.loads(out)]
        for out in (short, bench("run", "grid", "--dry-run", "--json").out)
    ]
    assert identities[0] == identities[1]


def test_a_grid_over_an_option_leaves_cells_without_it_alone(bench, gridded):
    gridded("{model.forget_bias: [0.0, 1.0]}")
    assert models(bench) == ["urnn", "lstm @ forget_bias=0.0", "lstm @ forget_bias=1.0"]


def test_a_grid_sets_the_size_in_place_of_the_model_s(bench, gridded):
    gridded("{hidden: [3, 5]}")
    sizes = "models.lstm.parameters=900"
    rows = json.loads(bench("run", "grid", "--dry-run", "--json", "--set", sizes).out)
    assert {row["hidden"] for row in rows} == {3, 5}


@pytest.mark.parametrize(
    ("point", "label"),
    [
        ({"optimizer.lr": 0.1}, "m @ lr=0.1"),
        ({"solved.stop": True}, "m @ stop=True"),
        ({"task.noise": 0.1, "model.noise": 0.2}, "m @ task.noise=0.1, model.noise=0.2"),
        ({"task.order": "none", "model.on": True}, "m @ order=none, on=True"),
        ({"task.text": "true"}, "m @ text='true'"),
        ({}, "m"),
    ],
)
def test_labels_are_short_and_unambiguous(point, label):
    assert label_of("m", point) == label


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("{task.symbls: [3]}", "grid.task.symbls: unknown key 'symbls'; did you mean 'symbols'?"),
        ("{task.symbols: [-3]}", "grid.task.symbols: must be at least 2, not -3"),
        ("{model.forget_bia: [1.0]}", "no cell of the models has the option 'forget_bia'; did you"),
        ("{model.forget_bias: [a]}", "grid.model.forget_bias: must be a number, not 'a'"),
        ("{symbols: [3]}", "fit has no key 'symbols'"),
        ("{symbols: [3]}", "options of the task are task.KEY, those of the cells model.KEY"),
        ("{hiden: [3]}", "did you mean 'hidden'?"),
        ("{layer: [2]}", "did you mean 'layers'?"),
        ("{blocks.norm: [rms]}", "did you mean 'block'?"),
        ("{readout.widths: [[4]]}", "grid.readout.widths: unknown key 'widths'; the keys here are"),
        ("{symbols: [3]}", "others are hidden, parameters, layers, bidirectional, pool, block"),
        ("{hidden: [-3]}", "grid.hidden: must be at least 1, not -3"),
        ("{hidden: [3], parameters: [900]}", "'hidden' and 'parameters' set the same key"),
        ("{fit.batch: [3], batch: [4]}", "'fit.batch' and 'batch' set the same key"),
        ("{task: [copying]}", "'task' is not a single key; give one of its keys, task.KEY"),
        ("{hidden.x: [3]}", "there is nothing below 'hidden' to set"),
        ("{task.T: [3]}", "lengths belong under the top-level key 'T'"),
    ],
)
def test_a_key_that_nobody_has_is_one_sentence(bench, gridded, axes, said):
    gridded(axes)
    error = bench("run", "grid", "--dry-run", code=2).err
    assert said in error and "Traceback" not in error


def test_settings_of_the_command_line_win_over_the_grid(bench, gridded):
    gridded("{task.symbols: [3, 5], hidden: [3, 4], model.forget_bias: [0.0]}")
    shown = models(bench, "--model", "lstm", "--set", "task.symbols=4", "--set", "hidden=5")
    assert shown == ["lstm @ forget_bias=0.0"]


def test_a_network_of_the_command_line_wins_over_models_and_the_grid(bench, gridded):
    gridded("{layers: [2, 3], block.norm: [rms, none], hidden: [3]}")
    shown = models(bench, "--model", "lstm", "--set", "layers=2", "--set", "block.norm=rms")
    assert shown == ["lstm @ hidden=3"]
    own = ("--set", "models.lstm.layers=3", "--set", "models.lstm.readout=mlp")
    bench("run", "tiny", "--model", "lstm", *own, "--set", "layers=2", "--set", "readout=linear")
    (run,) = (Record.read(folder).run for folder in bench.runs("tiny"))
    assert (run.layers, run.readout.name) == (2, "linear")


def test_an_axis_can_be_set_added_and_replaced(bench, gridded):
    gridded("{optimizer.lr: [0.1]}")
    arguments = ["--model", "lstm", "--set", "grid.task.symbols=[3, 5]"]
    assert models(bench, *arguments, "--set", "grid.fit.optimizer.lr=[0.2]") == [
        "lstm @ symbols=3, lr=0.2",
        "lstm @ symbols=5, lr=0.2",
    ]
    error = bench("run", "grid", "--set", "grid.task.symbols=[a]", code=2).err
    assert "--set grid.task.symbols=['a']: must be a whole number" in error


def test_a_record_names_the_setting_of_an_axis_as_it_was_typed(bench, gridded):
    gridded("{}")
    bench("run", "grid", "--model", "lstm", "--set", "grid.task.symbols=[3]", "-q")
    assert recorded(bench)["lstm @ symbols=3"].settings == ("grid.task.symbols=[3]",)


def test_a_table_has_the_baseline_of_every_task_of_a_grid(bench, gridded):
    gridded("{task.recall: [1, 2]}")
    bench("run", "grid", "--model", "lstm", "-q")
    rows = json.loads(bench("table", "grid", "--json").out)
    assert len({row["baseline"] for row in rows}) == 2
    command = ("plot", "grid", "--figure", "scores_by_length")
    assert "scores_by_length" in bench(*command).out


def test_runs_of_different_tasks_are_not_compared(bench, gridded):
    gridded("{task.symbols: [3, 5]}")
    bench("run", "grid", "--model", "lstm", "-q")
    error = bench("compare", "lstm @ symbols=3", "lstm @ symbols=5", code=2).err
    assert "task.options.symbols (3 and 5)" in error


def test_a_map_over_an_option_has_a_panel_for_the_other_values(bench, gridded):
    gridded("{task.symbols: [3, 5], model.forget_bias: [0.0, 1.0]}")
    solved = "fit.solved={metric: cross_entropy_nat, below: 10}"
    bench("run", "grid", "-q", "--set", solved)
    from urnn_bench.analysis.results import load
    from urnn_bench.figures.solvability_map import SolvabilityMap, SolvabilityMapOptions

    results = load(bench.folder / "results", "grid")
    drawing = SolvabilityMap(SolvabilityMapOptions(y="model.forget_bias")).draw(results)
    titles = [ax.get_title().replace("\n", " ") for ax in drawing.axes if ax.get_title()]
    assert titles == ["lstm @ symbols=3", "lstm @ symbols=5"]
    drawing = SolvabilityMap(SolvabilityMapOptions(y="task.symbols")).draw(results)
    assert [label.get_text() for label in drawing.axes[0].get_yticklabels()] == ["3", "5"]


def test_a_grid_over_what_makes_the_network(bench, gridded):
    gridded("{layers: [1, 2], block.mixer: [none, glu], readout: [linear, mlp], pool: [every]}")
    bench("run", "grid", "--model", "lstm", "-q")
    runs = recorded(bench)
    assert len(runs) == 8
    deep = runs["lstm @ layers=2, mixer=glu, readout=mlp, pool=every"]
    assert (deep.layers, deep.block.mixer, deep.readout.name) == (2, "glu", "mlp")
    flat = runs["lstm @ layers=1, mixer=none, readout=linear, pool=every"]
    assert (flat.layers, flat.block.mixer, flat.readout.name) == (1, "none", "linear")


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("{layers: [0]}", "grid.layers: must be at least 1, not 0"),
        ("{layers.x: [1]}", "there is nothing below 'layers' to set"),
        ("{block.nrm: [rms]}", "unknown key 'nrm'; did you mean 'norm'?"),
        ("{readout: [mpl]}", "'mpl'; did you mean 'mlp'?"),
        ("{pool: [mean]}", "so it must be every, not mean"),
    ],
)
def test_wrong_parts_of_the_network_are_one_sentence(bench, gridded, axes, said):
    gridded(axes)
    done = bench("run", "grid", code=2)
    assert said in done.err and len(done.err.splitlines()) == 1
