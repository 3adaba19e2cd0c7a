"""Trials are runs: of several seeds, paused at rungs exactly, shared by equal values, labelled."""

import json
import shutil

import pytest
from searches import HALVING, SEARCHED, lines

from urnn_bench.records import metrics
from urnn_bench.records.record import Record

ONE_VALUE = SEARCHED.partition("  space:")[0] + "  space:\n    hidden: [4]\n  trials: 3\n"


def losses_of(folder):
    rows = metrics.read(folder / "metrics.csv", "validation")
    return {row.step: row.value for row in rows if row.metric == "cross_entropy_nat"}


def test_a_run_that_was_paused_at_rungs_is_that_of_one_piece(bench):
    scheduled = SEARCHED.replace("batch: 4", "batch: 4, schedule: cosine")
    bench.write("benchmarks/searched.yaml", scheduled + HALVING)
    bench("search", "searched", "-q")
    bench.write("benchmarks/searched.yaml", scheduled)
    bench("search", "searched", "-q", "--results", "whole")
    whole = [folder.name for folder in (bench.folder / "whole/searched").iterdir()]
    complete = [trial for trial in lines(bench) if trial["state"] == "complete"]
    names = [trial["runs"][0] for trial in complete if trial["runs"][0] in whole]
    assert names
    for name in names:
        folders = [bench.folder / results / "searched" / name for results in ("results", "whole")]
        assert losses_of(folders[0]) == losses_of(folders[1])
        first, second = map(Record.read, folders)
        assert first.test == second.test and len(first.sessions) > len(second.sessions)


def test_the_loss_is_the_mean_over_seeds_of_the_lowest_on_validation(bench):
    bench.write("benchmarks/searched.yaml", SEARCHED + HALVING + "  seeds: [3, 5]\n")
    bench("search", "searched", "-q")
    for trial in lines(bench):
        folders = [bench.folder / "results/searched" / name for name in trial["runs"]]
        assert [Record.read(folder).run.seed for folder in folders] == [3, 5] == trial["seeds"]
        for rung, loss in trial["rungs"]:
            best = [min(v for step, v in losses_of(f).items() if step <= rung) for f in folders]
            assert loss == sum(best) / 2
        assert trial["updates"] == 2 * trial["rungs"][-1][0]
        assert trial["loss"] == trial["rungs"][-1][1]


def test_equal_values_are_one_run_and_several_trials(bench):
    bench.write("benchmarks/searched.yaml", ONE_VALUE)
    bench("search", "searched", "-q")
    assert [trial["updates"] for trial in lines(bench)] == [8, 0, 0]
    assert len(bench.runs("searched")) == 1
    rows = json.loads(bench("table", "searched", "--trials", "--json").out)
    assert [row["trial"] for row in rows] == [0]


def test_values_that_were_pruned_cost_nothing_again(bench):
    two = ONE_VALUE.replace("hidden: [4]", "hidden: [2, 6]").replace("trials: 3", "trials: 6")
    bench.write("benchmarks/searched.yaml", two + HALVING)
    # of this seed the first trial is the better one
    bench("search", "searched", "-q", "--seed", 1)
    trials = lines(bench)
    pruned = [trial["label"] for trial in trials if trial["state"] == "pruned"]
    assert len(pruned) > len(set(pruned)) > 0
    for label in {trial["label"] for trial in trials}:
        same = [trial for trial in trials if trial["label"] == label]
        furthest = max(trial["rungs"][-1][0] for trial in same)
        assert sum(trial["updates"] for trial in same) == furthest


def test_a_run_that_was_trained_already_is_not_trained_again(bench):
    bench.write("benchmarks/searched.yaml", ONE_VALUE)
    bench("search", "searched", "-q")
    (folder,) = bench.runs("searched")
    before = (folder / "metrics.csv").read_bytes()
    # the trials alone are lost
    (bench.folder / "results/searched/trials.jsonl").unlink()
    bench("search", "searched", "-q")
    assert (folder / "metrics.csv").read_bytes() == before
    assert [trial["updates"] for trial in lines(bench)] == [8, 0, 0]


def test_a_run_that_diverged_before_fails_a_trial_where_it_did(bench):
    # rates at which the loss is soon not finite, but not at the first rung
    space = "    optimizer.name: [sgd]\n    optimizer.lr: {low: 4.9e+36, high: 5.1e+36}\n"
    text = SEARCHED.partition("  space:")[0] + "  space:\n" + space
    bench.write("benchmarks/searched.yaml", text + HALVING)
    command = ("search", "searched", "-q", "--trials", 1)
    bench(*command, code=3)
    (trial,) = lines(bench)
    assert trial["state"] == "failed" and trial["updates"] == 6
    assert [updates for updates, _ in trial["rungs"]] == [2, 4]
    # as a kill before the trial was recorded leaves it, or another search
    (bench.folder / "results/searched/trials.jsonl").unlink()
    bench(*command, code=3)
    assert lines(bench) == [trial]


def test_a_run_that_was_killed_beyond_a_rung_is_scored_at_the_rung(bench):
    bench.write("benchmarks/searched.yaml", SEARCHED + HALVING)
    bench("search", "searched", "-q")
    before, records = lines(bench), [folder / "run.json" for folder in bench.runs("searched")]
    paused = [path for path in records if '"interrupted"' in path.read_text()]
    assert paused
    for path in paused:
        path.write_text(path.read_text().replace('"interrupted"', '"running"'))
    (bench.folder / "results/searched/trials.jsonl").unlink()
    bench("search", "searched", "-q")
    assert lines(bench) == before


def test_a_run_that_was_trained_beyond_a_rung_costs_what_it_takes_to_the_rung(bench):
    drawn = SEARCHED.replace("startup_trials: 2", "startup_trials: 5")
    bench.write("benchmarks/searched.yaml", drawn)
    bench("search", "searched", "-q")
    bench.write("benchmarks/searched.yaml", drawn + HALVING)
    shutil.rmtree(bench.folder / "results/searched/search")
    (bench.folder / "results/searched/trials.jsonl").unlink()
    bench("search", "searched", "-q")
    bench("search", "searched", "-q", "--results", "whole")
    assert lines(bench) == lines(bench, "whole")
    assert "pruned" in {trial["state"] for trial in lines(bench)}


def test_a_solved_run_ends_before_the_last_rung(bench):
    solved = "evaluate_every: 2, solved: {metric: cross_entropy_nat, below: 100, stop: true}"
    text = SEARCHED.replace("evaluate_every: 2", solved)
    bench.write("benchmarks/searched.yaml", text + HALVING)
    bench("search", "searched", "-q", "--trials", 1)
    (trial,) = lines(bench)
    assert trial["state"] == "complete" and trial["updates"] < 8


def test_a_long_label_is_shortened_and_the_values_are_kept(bench):
    axis = "    hidden: {low: 2, high: 6, step: 2}\n"
    text = ONE_VALUE.replace(
        "    hidden: [4]\n",
        axis + "    block: [{norm: layer, dropout: 0.1}, {norm: rms, dropout: 0.123}]\n"
        "    optimizer: [{name: adam, lr: 0.01, betas: [0.8, 0.99]}]\n",
    )
    bench.write("benchmarks/searched.yaml", text)
    out = bench("search", "searched", "--trials", 2)
    for trial in lines(bench):
        model, _, digest = trial["label"].partition(" @ ")
        assert model == "lstm" and len(digest) == 8 and "hidden" in trial["values"]
        assert trial["values"]["optimizer"]["betas"] == [0.8, 0.99]
    assert 'optimizer={"name": "adam", "lr": 0.01, "betas": [0.8, 0.99]}' in out.err
    again = bench("search", "searched", "--trials", 2)
    assert "2 trials recorded before" in again.err


def test_stages_have_no_rungs(bench):
    stages = "stages:\n  - {name: first}\n  - {name: second}\n"
    bench.write("benchmarks/searched.yaml", SEARCHED + HALVING + stages)
    assert "search of runs with stages" in bench("search", "searched", code=2).err
    bench.write("benchmarks/searched.yaml", SEARCHED + stages)
    bench("search", "searched", "-q", "--trials", 1)
    assert lines(bench)[0]["updates"] == 16


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[1:], "trial 0 is missing"),
        (lambda data: [data[0].replace('"hidden":', '"hiddem":'), *data[1:]], "are not of"),
        (lambda data: ["{}", *data[1:]], "line 1: is not a trial"),
    ],
)
def test_a_damaged_record_is_refused(bench, change, said):
    bench.write("benchmarks/searched.yaml", SEARCHED)
    bench("search", "searched", "-q", "--trials", 2)
    path = bench.folder / "results/searched/trials.jsonl"
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))
    refused = bench("search", "searched", code=2)
    assert said in refused.err and refused.err.count("\n") == 1


def test_a_run_that_is_damaged_ends_the_search(bench):
    bench.write("benchmarks/searched.yaml", ONE_VALUE)
    bench("search", "searched", "-q", "--trials", 1)
    (folder,) = bench.runs("searched")
    (folder / "run.json").write_text("{}")
    refused = bench("search", "searched", code=2)
    assert str(folder.name) in refused.err and len(lines(bench)) == 1


def test_other_commands_read_trials_as_runs(bench):
    bench.write("benchmarks/searched.yaml", SEARCHED)
    bench("search", "searched", "-q", "--trials", 2)
    assert lines(bench)[0]["label"] in bench("table", "searched").out
    assert lines(bench)[1]["label"] in bench("status", "--json").out
