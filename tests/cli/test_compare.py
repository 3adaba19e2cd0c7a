"""``compare``: paired by seed, undecided at few, and never across different data."""

import json

import pytest


def pairs(bench, count, factor, **more):
    for seed in range(count):
        loss = 0.01 * (1 + 0.1 * seed)
        bench.record("urnn", seed=seed, test=loss, solved_step=100, **more)
        bench.record("lstm", seed=seed, test=loss * (factor + 0.01 * seed), **more)


@pytest.mark.parametrize(
    ("count", "verdict"), [(3, "too few seeds"), (5, "too few seeds"), (6, "higher")]
)
def test_models_are_compared_seed_by_seed(bench, count, verdict):
    pairs(bench, count, 3)
    (row,) = json.loads(bench("compare", "urnn", "lstm", "--json").out)
    assert (
        row["b_is"] == verdict and row["seeds"] == count and row["ratio"] == pytest.approx(3, 0.1)
    )
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"] and row["p"] == 2 / 2**count
    assert (row["solved_a"], row["solved_b"]) == (count, 0)
    text = bench("compare", "urnn", "lstm").out
    assert f"{count}, 0" in text and verdict in text
    back = json.loads(bench("compare", "lstm", "urnn", "--json").out)[0]["b_is"]
    assert back == {"higher": "lower"}.get(verdict, verdict)


def test_lengths_are_in_order_and_a_folder_that_is_not_there_is_named(bench):
    for T in (1000, 600):
        bench.record("urnn", T=T)
        bench.record("lstm", T=T)
    rows = json.loads(bench("compare", "urnn", "lstm", "--json").out)
    assert [row["T"] for row in rows] == [600, 1000]
    said = bench("compare", "results", "result", code=2).err
    assert "no recorded model or results folder is called 'result'" in said
    assert "did you mean 'results'?" in said
    assert "are the same folder" in bench("compare", "results", "./results", code=2).err
    bench.write("afile", "")
    assert "'afile' is a file, not" in bench("compare", "results", "afile", code=2).err
    (bench.folder / "results").rename(bench.folder / "old")
    assert "folder is called 'new'" in bench("compare", "old", "new", code=2).err


def test_only_seeds_on_both_sides_count(bench):
    pairs(bench, 6, 2)
    bench.record("urnn", seed=9)
    bench.record("lstm", seed=10, test=None)
    bench.record("urnn", seed=11)
    bench.record("lstm", seed=11, test=None, status="failed")
    done = bench("compare", "urnn", "lstm", "--json")
    (row,) = json.loads(done.out)
    assert row["seeds"] == 6 and row["untested"] == 1
    assert "not tested on one" in bench("compare", "urnn", "lstm").err
    assert "one side lacks runs" in bench("compare", "lstm", "urnn", "--gate", code=5).err


def test_folders_that_were_trained_otherwise_are_said_to_be(bench):
    for folder, steps in (("old", 20), ("new", 40)):
        bench.record("urnn", results=folder, steps_done=steps)
        bench.record("lstm", results=folder)
    found = bench("compare", "old", "new")
    assert "made urnn T=100: A and B were not trained alike: fit.steps (20 and 40)" in found.err
    assert found.err.count("not trained alike") == 1
    rows = {
        row["model"]: row["trained"]
        for row in json.loads(bench("compare", "old", "new", "--json").out)
    }
    assert rows == {"urnn": ["fit.steps (20 and 40)"], "lstm": []}


def test_other_data_are_refused_and_the_field_is_named(bench):
    bench.record("urnn")
    bench.record("lstm", recall=5)
    said = bench("compare", "urnn", "lstm", code=2).err
    assert "train and test data" in said and "task.options.recall (10 and 5)" in said


def test_what_cannot_be_compared_is_one_sentence(bench):
    bench.record("urnn")
    bench.record("lstm", T=200)
    assert "did you mean 'lstm'" in bench("compare", "urnn", "lstmm", code=2).err
    assert "both sides" in bench("compare", "urnn", "lstm", code=5).err


def test_tables_show_the_range_of_few_seeds_and_wilsons_interval(bench):
    for seed, loss in enumerate((0.01, 0.02, 0.04)):
        bench.record("urnn", seed=seed, test=loss, solved_step=100 * (seed + 1))
    (row,) = json.loads(bench("table", "--json").out)
    assert row["test"] == pytest.approx(0.02) and row["test_interval"] == "range"
    assert (row["test_low"], row["test_high"]) == (0.01, 0.04)
    assert row["solved_low"] == pytest.approx(0.438, abs=1e-3) and row["solved_step"] == 200
    assert "3/3 (44-100 %)@200" in bench("table").out


def accuracies(bench, model, values):
    ends = {"accuracy": (0.0, 1.0)}
    for seed, value in enumerate(values):
        test = {"cross_entropy_nat": 0.1, "accuracy": value}
        bench.record(model, seed=seed, test=test, metric_ends=ends)


def test_every_row_says_whether_it_has_an_interval_or_a_range(bench):
    accuracies(bench, "urnn", (0.1, 0.7, 1.0))
    assert "lowest\thighest" in bench("table", "--metric", "accuracy").out
    accuracies(bench, "lstm", (0.1, 1.0, 1.0, 1.0, 1.0, 1.0))
    accuracies(bench, "rnn", (0.5,))
    shown = bench("table", "--metric", "accuracy", "--format", "markdown")
    rows = {line.split("|")[1].strip(): line for line in shown.out.splitlines()}
    assert "interval" in rows["model"] and "range" in rows["urnn"] and "95 %" in rows["lstm"]
    assert "or the range of fewer than six seeds" in shown.err
    table = json.loads(bench("table", "--metric", "accuracy", "--json").out)
    found = {row["model"]: row for row in table}
    assert [found[name]["test_interval"] for name in ("lstm", "rnn", "urnn")] == [
        *("95 %", None, "range")
    ]
    lstm = found["lstm"]
    assert 0 < lstm["test_low"] < lstm["test"] == pytest.approx(0.85) and lstm["test_high"] < 1


def test_a_trained_run_records_the_ends_of_its_metrics(bench):
    """None is no end, as JSON has no infinity."""
    bench("run", "tiny", "--model", "lstm", "-q")
    (path,) = bench.folder.rglob("run.json")
    ends = json.loads(path.read_text())["metric_ends"]
    assert ends["recall_accuracy"] == [0.0, 1.0] and ends["cross_entropy_nat"] == [0.0, None]


def test_folders_are_labelled_alike(bench):
    for folder, steps in (("old", 5000), ("old", 50), ("new", 50)):
        bench.record("urnn", results=folder, steps_done=steps)
    found = bench("compare", "old", "new", "--json")
    (row,) = json.loads(found.out)
    assert row["model"] == "urnn" and row["ratio"] == 1 and not row["trained"]
    assert "missing in B, new: made urnn [updates=5000] T=100" in found.err
