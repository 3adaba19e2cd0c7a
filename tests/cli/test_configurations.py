"""Runs of several settings in one folder: what tells them apart, and what is shown of them."""

import csv
import io
import json
import re

import numpy as np
import pytest

FILE = """\
title: Made up
task: {name: copying, recall: 10}
T: [100, 200]
hidden: 8
models: {urnn: , lstm: }
fit: {steps: 1000, solved: {metric: cross_entropy_nat, below: 0.01}}
"""
ADAM = {"optimizer": {"name": "adam"}}


@pytest.fixture
def made(bench):
    """A folder with ten runs of a benchmark as its file has it."""
    bench.write("benchmarks/made.yaml", FILE)
    for seed in range(5):
        for label in ("urnn", "lstm"):
            bench.record(label, seed=seed)
    return bench


def rows(bench, *words):
    return list(csv.DictReader(io.StringIO(bench("table", "made", "--format", "csv", *words).out)))


def labels(bench, *words):
    return {row["model"]: int(row["seeds"]) for row in rows(bench, *words)}


def test_a_short_try_hides_no_run_and_is_averaged_with_none(made):
    before = rows(made)
    made.record("urnn", steps_done=5, test=1.0, settings=("fit.steps=5",))
    assert labels(made) == {"urnn": 5, "lstm": 5, "urnn [updates=5]": 1}
    assert [row for row in rows(made) if "[" not in row["model"]] == before


def test_a_label_says_all_that_differs(made):
    given = ("fit.optimizer.name=adam", "fit.batch=7")
    made.record("urnn", fit={**ADAM, "batch": 7}, settings=given)
    assert "urnn [batch=7, adam]" in labels(made)


def test_settings_that_all_runs_have_are_noted_once(bench):
    bench.write("benchmarks/made.yaml", FILE)
    for label in ("urnn", "lstm"):
        bench.record(label, steps_done=400, settings=("fit.steps=400",))
    said = bench("table", "made")
    assert "[" not in said.out
    assert "made T=100: trained with updates=400, unlike the benchmark" in said.err
    bench.record("urnn", T=200)
    assert "T=200: trained" not in bench("table", "made").err


def test_what_most_runs_have_is_not_in_their_labels(bench):
    bench.write("benchmarks/made.yaml", FILE)
    for seed in range(3):
        bench.record("urnn", seed=seed, steps_done=400, settings=("fit.steps=400",))
    bench.record("urnn", steps_done=5, settings=("fit.steps=5",))
    assert labels(bench) == {"urnn": 3, "urnn [updates=5]": 1}


def test_without_a_file_labels_say_in_what_the_runs_differ(bench):
    bench.record("urnn")
    bench.record("urnn", fit={"batch": 7})
    assert labels(bench) == {"urnn [batch=20]": 1, "urnn [batch=7]": 1}


def test_an_option_of_a_component_is_told_from_its_default(made):
    made.write("benchmarks/made.yaml", FILE.replace(", recall: 10", ""))
    made.record("urnn", recall=3, settings=("task.recall=3",))
    assert labels(made) == {"urnn": 5, "lstm": 5, "urnn [recall=3]": 1}


def test_runs_of_an_older_file_are_left_out_until_they_are_asked_for(made):
    made.write("benchmarks/made.yaml", FILE.replace("steps: 1000", "steps: 1000, batch: 7"))
    assert labels(made) == {"urnn": 5, "lstm": 5}, "there are no others"
    made.record("urnn", fit={"batch": 7})
    said = made("table", "made")
    assert (
        "5 runs left out, trained before the benchmark's file or its data were changed" in said.err
    )
    assert labels(made, "--model", "urnn") == {"urnn": 1}
    assert labels(made, "--all")["urnn [batch=20]"] == 5


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--where", "optimizer=adam"), {"urnn [adam]"}),
        (("--where", "fit.optimizer=adam", "--where", "lr=0.001"), {"urnn [adam]"}),
        (("--where", "updates=1000", "--model", "lstm"), {"lstm"}),
        (("--model", "urnn"), {"urnn", "urnn [adam]"}),
        (("--model", "urnn [adam]"), {"urnn [adam]"}),
        (("--model", "urnn [adam],lstm"), {"urnn [adam]", "lstm"}),
    ],
)
def test_filters_select_runs_and_change_no_label(made, words, shown):
    made.record("urnn", fit=ADAM, settings=("fit.optimizer.name=adam",))
    assert set(labels(made, *words)) == shown
    found = json.loads(made("status", "made", "--json", *words).out)
    assert {"adam" if row["settings"] else "" for row in found} == {
        "adam" if "adam" in label else "" for label in shown
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--where", "optimzer=adam"), 2, "did you mean 'optimizer'?"),
        (("--where", "adam"), 2, "--where takes KEY=VALUE"),
        (("--where", "batch=[1"), 2, "--where batch=[1"),
        (("--where", "batch=3"), 5, "there are: lstm T=100, urnn T=100; batch is 20"),
        (("--model", "lstmm"), 2, "no recorded model is called 'lstmm'; did you mean 'lstm'?"),
    ],
)
@pytest.mark.parametrize("command", ["table", "plot", "status"])
def test_what_selects_nothing_is_one_sentence(made, command, words, code, said):
    error = made(command, "made", *words, code=code).err
    assert said in error or (command == "status" and code == 5)
    assert len(error.splitlines()) == 1


NPZ = """\
title: Own arrays
task: {name: npz, file: own.npz}
T: 3
hidden: 2
models: {rnn: }
fit: {steps: 2, batch: 2, evaluate_every: 1, log_every: 1}
"""


def test_runs_of_changed_data_are_told_from_those_of_the_data_as_they_are(bench):
    y = np.arange(20) % 2
    bench.write("benchmarks/own.yaml", NPZ)
    for scale in (1.0, 2.0):
        np.savez(bench.folder / "own.npz", x=scale * np.ones((20, 3, 1)), y=y)
        if scale > 1:
            assert re.search(r"own T=3: trained with sha256=\w{7},", bench("table", "own").err)
        bench("run", "own", "-q")
    said = bench("table", "own")
    assert "1 run left out" in said.err and said.out.splitlines()[1].startswith("rnn\t")
    assert re.search(r"rnn \[sha256=\w{7}\]", bench("table", "own", "--all").out)


def test_figures_that_nobody_asked_for_are_named_and_no_more(made):
    said = made("plot", "made")
    (line,) = [line for line in said.err.splitlines() if line.startswith("not drawn")]
    assert "gradient_norms" in line and "urnn-bench run" not in said.err
    error = made("plot", "made", "--figure", "gradient_norms", code=5).err
    assert "urnn-bench run made" in error


def test_several_folders_are_shown_in_one_table(made):
    made.record("urnn", seed=1, results="other", test=0.02)
    made.record("lstm", seed=1, results="other", T=200)
    found = labels(made, "--results", "results", "--results", "other")
    assert found == {
        "urnn [results/]": 5,
        "urnn [other/]": 1,
        "lstm [results/]": 5,
        "lstm [other/]": 1,
    }


def test_a_model_of_several_settings_is_compared_by_its_label(made):
    for seed in range(5):
        made.record("urnn", seed=seed, fit=ADAM, settings=("fit.optimizer.name=adam",))
    (row,) = json.loads(made("compare", "urnn", "urnn [adam]", "--json").out)
    assert row["seeds"] == 5 and row["ratio"] == 1
    made.record("gru", fit=ADAM, settings=("fit.optimizer.name=adam",))
    assert json.loads(made("compare", "urnn", "gru", "--json").out)[0]["seeds"] == 1


def test_a_command_that_trains_nothing_writes_nothing(bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    (folder,) = bench.runs()
    before = (folder / "run.json").read_bytes()
    said = bench("run", "tiny", "--model", "lstm", "--set", "models.lstm.hidden=6").err
    assert "already done" in said
    bench("table", "tiny"), bench("plot", "tiny"), bench("status")
    assert (folder / "run.json").read_bytes() == before


@pytest.mark.parametrize("x", ["updates", "examples", "seconds"])
def test_figures_take_another_axis_and_metric(trained, x):
    words = ("--figure", "learning_curves", "--out", trained.folder / x, "--x", x)
    trained("plot", "tiny", *words, "--metric", "recall_accuracy")
    error = trained("plot", "tiny", "--figure", "gradient_norms", "--x", x, code=2).err
    assert "none of these figures has a choice of x" in error
