"""A grid over keys of fit: every model with every combination of values."""

import json

import pytest

GRID = "grid: {optimizer.lr: [0.001, 0.1], batch: [2, 4]}\n"


@pytest.fixture
def gridded(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("benchmarks/grid.yaml", text + GRID)
    return bench


def models(bench, *arguments):
    rows = json.loads(bench("run", "grid", "--dry-run", "--json", *arguments).out)
    return [row["model"] for row in rows]


def test_a_grid_trains_every_model_with_every_combination(gridded):
    found = models(gridded, "--model", "lstm")
    assert found == [f"lstm @ lr={lr}, batch={batch}" for lr in (0.001, 0.1) for batch in (2, 4)]
    assert len(models(gridded)) == 8


def test_a_setting_takes_the_place_of_an_axis(gridded):
    found = models(gridded, "--model", "lstm", "--set", "fit.optimizer.lr=0.5")
    assert found == ["lstm @ batch=2", "lstm @ batch=4"]
    assert models(gridded, "--model", "lstm", "--batch", 3, "--set", "fit.optimizer={lr: 1}") == [
        "lstm"
    ]


def test_points_of_a_grid_of_one_form_are_trained_together(gridded):
    gridded("run", "grid", "--model", "lstm", "--together")
    output = gridded("run", "grid", "--model", "lstm", "--together", "--dry-run")
    assert "runs: 4 in 2 stacks" in output.err


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ("grid: {optimizer.rate: [1]}", "rate"),
        ("grid: {optimizer.lr: []}", "grid.optimizer.lr"),
        ("grid: {optimizer.lr: [-1.0]}", "greater than 0"),
        ("grid: [1]", "grid: must be a mapping, not a list"),
        ("grid: {clip.value: [1.0], clip: [null]}", "set the same key"),
    ],
)
def test_a_wrong_grid_is_one_sentence(bench, grid, said):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("benchmarks/grid.yaml", text + grid + "\n")
    error = bench("run", "grid", code=2).err
    assert said in error and "Traceback" not in error


def test_a_point_of_a_grid_can_be_asked_for(gridded):
    assert models(gridded, "--model", "lstm @ lr=0.1, batch=2") == ["lstm @ lr=0.1, batch=2"]
    error = gridded("run", "grid", "--model", "lstm @ lr=0.2", code=2).err
    assert "lstm @ lr=0.2" in error


def test_values_of_a_grid_may_be_mappings(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    axes = "{optimizer: [{name: adam, lr: 0.1}, {name: sgd, lr: 0.2}]}"
    bench.write("benchmarks/grid.yaml", text + f"grid: {axes}\n")
    assert len(models(bench, "--model", "lstm")) == 2


def test_two_files_of_one_name_are_not_mixed(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("a/same.yaml", text)
    bench.write("b/same.yaml", text)
    error = bench("run", "a/same.yaml", "b/same.yaml", "--dry-run", code=2).err
    assert "both called 'same'" in error
