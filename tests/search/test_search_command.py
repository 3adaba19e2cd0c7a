"""`urnn-bench search`: trials in all, resumed after a kill, and refusals in sentences."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest
from searches import HALVING, SEARCHED, lines

PYTHON_WITHOUT_OPTUNA = """
import sys
sys.modules["optuna"] = None
sys.argv = ["urnn-bench", "search", "searched"]
from urnn_bench.__main__ import main
main()
"""


@pytest.fixture
def search(bench):
    bench.write("benchmarks/searched.yaml", SEARCHED + HALVING)
    return bench


def test_trials_are_counted_in_all(search):
    first = search("search", "searched", "--trials", 2)
    assert first.err.startswith("trial 0: ") and "urnn-bench table searched --trials" in first.err
    before = lines(search)
    again = search("search", "searched", "--trials", 2)
    assert lines(search) == before and "2 trials recorded before" in again.err
    search("search", "searched")
    assert lines(search)[:2] == before and len(lines(search)) == 5
    assert all(
        ("optimizer.decay" in trial["values"])
        == (trial["values"]["optimizer.name"] == "rmsprop_paper")
        for trial in lines(search)
    )


def test_a_search_in_parts_is_that_of_one_piece(search):
    search("search", "searched", "-q", "--results", "whole")
    for count in range(1, 6):
        search("search", "searched", "-q", "--trials", count, "--results", "parts")
    assert lines(search, "parts") == lines(search, "whole")


def test_the_trials_of_another_seed_are_others(search):
    search("search", "searched", "-q", "--trials", 2)
    search("search", "searched", "-q", "--trials", 2, "--seed", 1)
    first, second = lines(search)[:2], lines(search)[2:]
    assert [t["values"] for t in first] != [t["values"] for t in second]


def test_both_samplers_start_alike_and_share_their_runs(search):
    search("search", "searched", "-q", "--trials", 2)
    runs = search.runs("searched")
    search("search", "searched", "-q", "--trials", 2, "--random")
    tpe, drawn = lines(search)[:2], lines(search)[2:]
    assert [t["runs"] for t in tpe] == [t["runs"] for t in drawn]
    assert search.runs("searched") == runs and drawn[0]["sampler"] == "random"


def test_a_killed_search_goes_on_as_if_it_had_not_been(search):
    longer = (
        SEARCHED.replace("steps: 8", "steps: 400").replace("every: 2}", "every: 50}")
        + "  halving: {first: 100, factor: 2}\n"
    )
    search.write("benchmarks/searched.yaml", longer)
    search("search", "searched", "-q", "--results", "whole")
    path = search.folder / "results/searched/trials.jsonl"
    for count in (1, 3):
        process = search.start("search", "searched", "-q", env={"PYTHONHASHSEED": str(count)})
        while process.poll() is None and not (
            path.is_file() and path.read_bytes().count(b"\n") >= count
        ):
            time.sleep(0.005)
        # in the middle of the next trial
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    # and in the middle of a line
    path.write_bytes(path.read_bytes()[:-1])
    search("search", "searched", "-q")
    assert lines(search) == lines(search, "whole")


def test_a_stop_is_no_trial(search):
    search.write("benchmarks/searched.yaml", SEARCHED.replace("steps: 8", "steps: 100000"))
    process = search.start("search", "searched")
    started = (search.folder / "results").glob
    while process.poll() is None and not list(started("searched/*/metrics.csv")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "finishing this update" in err
    assert re.search("^to go on: .*python.* -m urnn_bench search searched$", err, re.MULTILINE)
    assert not (search.folder / "results/searched/trials.jsonl").exists()


def test_a_second_process_is_refused(search):
    from urnn_bench.records.lock import locked

    with locked(search.folder / "results/searched/search/lstm-T4-tpe-0"):
        refused = search("search", "searched", code=2)
        assert "another process is at work on this search" in refused.err
        search("search", "searched", "--trials", 1, "--seed", 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("high: 6, step", "high: 8, step", "'search.space.hidden' was"),
        ("[adam, rmsprop_paper]", "[adam, sgd, rmsprop_paper]", "'search.space.optimizer.name'"),
        ("factor: 2", "factor: 4", "'search.halving'"),
        ("batch: 4", "batch: 5", "'fit.batch' was 4 when this search began and is 5 now"),
    ],
)
def test_another_search_under_the_same_name_is_refused(search, old, new, said):
    search("search", "searched", "-q", "--trials", 1)
    search.write("benchmarks/searched.yaml", (SEARCHED + HALVING).replace(old, new))
    refused = search("search", "searched", code=2)
    assert said in refused.err and "give another --seed" in refused.err
    assert refused.err.count("\n") == 1
    search("search", "searched", "-q", "--trials", 1, "--seed", 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hidden: {low", "model.hiden: {low", "search.space.model.hiden"),
        ("decay: {choices: [0.9, 0.5]", "decay: {choices: [0.9, 1.5]", "must be less than 1"),
        ("high: 1.0e-1", "high: yes", "must be a number"),
        ("[adam, rmsprop_paper]", "[adam, adan, rmsprop_paper]", "'adan' is none of"),
        ("first: 2", "first: 3", "'first' must be a multiple of the 2 updates"),
        ("first: 2", "first: 8", "'first' must be below the 8 updates"),
        ("  space:", "  model: gru\n  space:", "no model of the benchmark is called 'gru'"),
    ],
)
def test_values_that_no_run_can_have_are_refused_before_anything_trains(search, old, new, said):
    search.write("benchmarks/searched.yaml", (SEARCHED + HALVING).replace(old, new, 1))
    refused = search("search", "searched", code=2)
    assert said in refused.err and "searched.yaml, line" in refused.err
    assert refused.err.count("\n") == 1 and not (search.folder / "results").exists()


def test_a_benchmark_without_a_search_is_refused(bench):
    refused = bench("search", "tiny", code=2)
    assert "has no section 'search'" in refused.err and refused.err.count("\n") == 1


def test_one_of_several_lengths_is_chosen(search):
    search.write("benchmarks/searched.yaml", SEARCHED.replace("T: [4]", "T: [4, 5]"))
    assert "choose it with --T 4" in search("search", "searched", code=2).err
    search("search", "searched", "-q", "--trials", 1, "--T", 5)
    assert lines(search)[0]["T"] == 5


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(search):
    # a rate at which the loss is soon not finite
    space = "  space:\n    optimizer.name: [sgd]\n    optimizer.lr: {low: 1.0e+38, high: 3.0e+38}\n"
    head = SEARCHED.partition("  space:")[0]
    search.write("benchmarks/searched.yaml", head + space)
    out = search("search", "searched", "--trials", 3, code=3)
    assert [trial["state"] for trial in lines(search)] == ["failed"] * 3
    assert "diverged" in lines(search)[0]["reason"] and "no trial is complete" in out.err


def test_json_has_a_line_for_every_trial(search):
    out = search("search", "searched", "--trials", 2, "--json").out
    assert [json.loads(line) for line in out.splitlines()] == lines(search)


def test_a_missing_library_is_named(search):
    done = subprocess.run(
        [sys.executable, "-c", PYTHON_WITHOUT_OPTUNA],
        cwd=search.folder,
        capture_output=True,
        text=True,
        env=search.env(),
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'urnn-bench[search]'" in done.stderr and done.stderr.count("\n") == 1


def test_nothing_of_optuna_reaches_the_terminal(search):
    out = search.process("search", "searched", env={"PYTHONWARNINGS": "default"})
    assert out.out == "" and "optuna" not in out.err.lower() and "Warning" not in out.err
    starts = ("trial ", "best: ", "to see the best")
    assert all(line.startswith(starts) for line in out.err.splitlines())


def test_all_faults_of_a_file_are_said_before_a_search(bench):
    path = bench.write(
        "faulty.yaml",
        "task: {name: copying, simbols: 3}\nT: [4]\nhidden: 6\ntitle: Faulty\n"
        "models:\n  lstm: {cell: {name: lstm, forget: 1}}\nfit: {optimizer: {name: adam, lrr: 1}}\n"
        "search: {trials: 2, space: {fit.batch: {choices: [2, 3]}}}\n",
    )
    said = bench("search", path, code=2).err.splitlines()
    faults = (
        "line 1: task.simbols",
        "line 6: models.lstm.cell.forget",
        "line 7: fit.optimizer.lrr",
    )
    assert all(fault in line for fault, line in zip(faults, said, strict=True))
