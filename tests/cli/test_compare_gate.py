"""``compare --gate``: fails if B is worse, and passes only what could have failed."""

import json
import shlex

import pytest


def sides(bench, ratio, seeds=7, models=("urnn", "lstm")):
    """Two folders in which every loss of the second is ``ratio`` times that of the first."""
    for model in models:
        for seed in range(seeds):
            loss = 0.01 * (1 + 0.1 * seed)
            bench.record(model, seed=seed, test=loss, results="old")
            bench.record(model, seed=seed, test=loss * ratio, results="new")


def test_equal_losses_pass_and_are_not_called_different(bench):
    sides(bench, 1.0)
    done = bench("compare", "old", "new", "--gate")
    assert "no difference found: made lstm T=100, made urnn T=100" in done.err
    assert "more than 1.05 times that in old in any of 2 comparisons" in done.err
    assert "no difference found" in done.out and "inconclusive" not in done.out + done.err


def test_what_is_within_the_tolerance_passes_with_the_digits_that_say_so(bench):
    sides(bench, 1.000001)
    done = bench("compare", "old", "new", "--gate")
    assert "1.000001" in done.out
    assert "loss in new is 1.000001 times that in old, within the tolerance of 1.05" in done.err
    bench("compare", "old", "new", "--gate", "--tolerance", 1.0000001, code=4)
    found = json.loads(bench("compare", "old", "new", "--gate", "--json").out)
    rows = found["rows"]
    assert (found["verdict"], found["missing"]) == ("passes", [])
    assert [row["verdict"] for row in rows] == ["passes"] * 2
    assert [row["tolerance"] for row in rows] == [1.05] * 2
    assert [row["p_above_tolerance"] for row in rows] == [1.0] * 2


def test_a_worse_loss_fails_and_every_message_names_the_model(bench):
    sides(bench, 2)
    failed = bench("compare", "old", "new", "--gate", code=4).err
    error = next(line for line in failed.splitlines() if "error" in line)
    assert "the loss in new is more than 1.05 times that in old" in error
    assert "made lstm T=100 (2 times, p = 0.0156, 7 seeds)" in error
    assert "(p: one-sided, corrected by Holm)" in error
    assert failed.count("urnn T=") == 1, "a row is told once"
    bench("compare", "new", "old", "--gate")
    bench("compare", "old", "new", "--gate", "--tolerance", 3)
    bench("compare", "old", "new")


@pytest.mark.parametrize("worse", [1, 2])
def test_models_that_one_side_lacks_are_named_and_not_passed(bench, worse):
    sides(bench, worse, models=("urnn",))
    bench.record("lstm", seed=0, results="old")
    bench.record("gru", T=300, seed=3, results="old", settings=("fit.steps=7",))
    bench.record("urnn", seed=8, T=200, results="new")
    done = bench("compare", "old", "new", "--gate", code=5 if worse == 1 else 4).err
    assert "missing in A, old: made urnn T=200, seed 8; train with: " in done
    assert "missing in B, new: made lstm T=100, seed 0; train with: " in done
    lines = [line for line in done.splitlines() if "train with: " in line]
    commands = [shlex.split(line.split("train with: ")[1]) for line in lines]
    (of_gru,) = [command for command in commands if "gru" in command]
    run = ["--results", "new", "--model", "gru", "--T", "300", "--seed", "3"]
    assert of_gru == ["urnn-bench", "run", "made", *run, "--set", "fit.steps=7"]
    assert ("one side also lacks runs" in done) == (worse == 2)
    assert ("as one side lacks runs" in done) == (worse == 1)
    assert "missing in B" in bench("compare", "old", "new").err


def test_a_length_of_the_test_that_one_side_lacks_is_missing(bench):
    for seed in range(6):
        for folder in ("old", "new"):
            scored = {9: {"test": {"cross_entropy_nat": 0.1 + 0.01 * seed}}}
            more = {} if (seed, folder) == (5, "new") else {"evaluations": scored}
            bench.record("urnn", seed=seed, results=folder, **more)
    said = bench("compare", "old", "new", "--gate", code=5).err
    assert "missing in B, new: made urnn T=100 tested at T=9, seed 5" in said
    assert said.count("missing") == 1


def test_models_are_named_by_the_sides(bench):
    for seed in range(6):
        for T in (100, 200):
            bench.record("urnn", T=T, seed=seed, test=0.01 + 0.001 * seed)
        bench.record("lstm", seed=seed, test=0.34 + 0.03 * seed)
    said = bench("compare", "urnn", "lstm", "--gate", code=4).err
    assert "is worse than" not in said
    assert "missing in B, lstm: made lstm T=200, seeds 0, 1, 2, 3, 4, 5; train with: " in said
    assert "run made --model lstm --T 200 --seeds 6" in said
    assert "the loss of lstm is more than 1.05 times that of urnn: made T=100" in said
    assert "urnn is better than lstm at T = 100" in bench("compare", "lstm", "urnn").err


@pytest.mark.parametrize(("models", "needed"), [(1, 6), (3, 6), (4, 7)])
def test_seeds_that_can_fail_no_gate_pass_none(bench, models, needed):
    """However much worse: of so many comparisons, no p of fewer seeds is small enough."""
    names = ("urnn", "lstm", "gru", "rnn")[:models]
    sides(bench, 100, seeds=needed - 1, models=names)
    said = bench("compare", "old", "new", "--gate", code=5).err
    assert "cannot be decided with so few seeds" in said and f"with --seeds {needed}" in said
    assert f"made urnn T=100 has {needed - 1}" in said
    sides(bench, 100, seeds=needed, models=names)
    bench("compare", "old", "new", "--gate", code=4)


def test_runs_without_any_score_on_one_side_are_judged_not_to_pass(bench):
    sides(bench, 1.0, models=("urnn",))
    bench.record("lstm", results="old")
    bench.record("lstm", results="new", test=None, status="failed")
    said = bench("compare", "old", "new", "--gate", code=5).err
    assert "missing in B, new: made lstm T=100, seed 0 (1 run failed); train with" in said
    assert "one side lacks runs" in said and "no ratio" not in said


@pytest.mark.parametrize("test", [0.01, None])
def test_runs_that_diverged_in_b_alone_fail_the_gate(bench, test):
    sides(bench, 1.0, models=("urnn",))
    for folder in ("old", "new"):
        bench.record("urnn", seed=8, results=folder, test=test, status="diverged")
    assert "diverged in A and B: seed 8" in bench("compare", "old", "new", "--gate").err
    for seed in (1, 3):
        bench.record("urnn", seed=seed, results="new", test=test, status="diverged")
    said = bench("compare", "old", "new", "--gate", code=4).err
    assert "in new diverged and those in old did not: made urnn T=100 seeds 1, 3" in said
    assert "missing" not in said


@pytest.mark.parametrize("wrong", ["0.9", "nan", "inf", "much"])
def test_a_tolerance_is_a_ratio_of_a_gate(bench, wrong):
    sides(bench, 1.0, models=("urnn",))
    assert "ratio" in bench("compare", "old", "new", "--gate", "--tolerance", wrong, code=2).err
    assert "give --gate too" in bench("compare", "old", "new", "--tolerance", 2, code=2).err


@pytest.mark.parametrize("loss", [0.0, float("nan"), float("inf")])
def test_the_gate_judges_nothing_by_a_loss_without_a_logarithm(bench, loss):
    for seed in range(6):
        bench.record("urnn", seed=seed, results="old")
        bench.record("urnn", seed=seed, test=0.02 if seed else loss, results="new")
    said = bench("compare", "old", "new", "--gate", code=5).err
    assert (
        "the gate cannot pass, as a seed has no finite test loss above zero: made urnn T=100"
        in said
    )
