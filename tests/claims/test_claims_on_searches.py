"""Claims on searches are judged by the best trials of each seed, at the same cost."""

import json
from math import log

import pytest
from made_trials import UPDATES, record_trial

PAPER = """\
title: A paper
paper: arXiv
claims:
  more:
    figure: "1"
    says: "TPE finds more."
    source: "read off"
    reference: {value: lower}
    needs: {benchmark: made, sampler: tpe, against: random}
    quantity: {of: search, trials: 4}
    expect: {below: 0}
"""
# of three seeds, the best of four trials is that of TPE; of two trials, that of random search
TPE = [(0.9, 0.8, 0.1, 0.3), (0.9, 0.7, None, 0.2), (0.8, 0.9, 0.3, 0.9)]
RANDOM = [(0.5, 0.6, 0.4, 0.5), (0.6, None, 0.7, 0.9), (0.5, 0.5, 0.7, 0.4)]


def record(bench, sampler, searches, **more):
    for seed, losses in enumerate(searches):
        for number, loss in enumerate(losses):
            record_trial(bench, number, sampler, seed, loss=loss, **more)


@pytest.fixture
def searched(bench):
    bench.write("benchmarks/made.yaml", bench.MADE)
    record(bench, "tpe", TPE)
    record(bench, "random", RANDOM)
    return bench


def judged(bench, code=0, **changed):
    text = PAPER
    for before, after in changed.values():
        assert before in text
        text = text.replace(before, after)
    path = bench.write("paper.yaml", text)
    (row,) = json.loads(bench("verify", path, "--json", code=code).out)
    return row


def test_the_number_is_the_log_ratio_of_the_best_losses(searched):
    row = judged(searched)
    assert row["verdict"] == "reproduced"
    assert row["values"] == pytest.approx([log(0.1 / 0.4), log(0.2 / 0.6), log(0.3 / 0.4)])
    assert row["number"] == "log(tpe / random)"


def test_the_verdict_turns_round_with_the_samplers(searched):
    swapped = ("sampler: tpe, against: random", "sampler: random, against: tpe")
    row = judged(searched, 4, needs=swapped)
    assert row["verdict"] == "not reproduced"
    assert row["values"] == pytest.approx([-value for value in judged(searched)["values"]])


def test_the_best_trials_are_named(searched):
    row = judged(searched)
    found = [(t["sampler"], t["seed"], t["trial"], t["loss"]) for t in row["trials"]]
    assert found == [
        ("tpe", 0, 2, 0.1),
        ("random", 0, 2, 0.4),
        ("tpe", 1, 3, 0.2),
        ("random", 1, 0, 0.6),
        ("tpe", 2, 2, 0.3),
        ("random", 2, 3, 0.4),
    ]
    assert all(t["label"] == f"lstm @ {t['trial']}" and t["values"] for t in row["trials"])
    assert "tpe 0: trial 2, random 0: trial 2" in row["reason"]


@pytest.mark.parametrize(
    "cost", ["trials: 2", f"updates: {2 * UPDATES}", f"updates: {3 * UPDATES - 1}"]
)
def test_later_trials_do_not_count(searched, cost):
    row = judged(searched, 4, cost=("trials: 4", cost))
    assert row["verdict"] == "not reproduced" and row["values"][0] == pytest.approx(log(0.8 / 0.5))


def test_at_equal_cost_a_dear_trial_is_left_out(bench):
    bench.write("benchmarks/made.yaml", bench.MADE)
    record(bench, "tpe", [(0.2, 0.1)] * 3, updates=600)
    record(bench, "random", [(0.4, 0.3, 0.05)] * 3, updates=400)
    row = judged(bench, cost=("trials: 4", "updates: 1100"))
    assert row["values"] == pytest.approx([log(0.2 / 0.3)] * 3)


def test_a_search_that_has_just_reached_the_cost_is_long_enough(searched):
    row = judged(searched, cost=("trials: 4", f"updates: {4 * UPDATES}"))
    assert row["verdict"] == "reproduced" and row["values"][0] == pytest.approx(log(0.1 / 0.4))


def test_of_equal_losses_the_first_is_named(bench):
    bench.write("benchmarks/made.yaml", bench.MADE)
    record(bench, "tpe", [(0.2, 0.1, 0.1, 0.3)] * 3)
    record(bench, "random", [(0.4, 0.4, 0.5, 0.4)] * 3)
    assert [trial["trial"] for trial in judged(bench)["trials"]] == [1, 0] * 3


def test_without_a_second_sampler_the_number_is_the_loss(searched):
    one = (", against: random", "")
    row = judged(searched, needs=one, expect=("below: 0", "above: 0.09, below: 0.31"))
    assert row["values"] == [0.1, 0.2, 0.3] and row["number"] == "tpe"
    assert row["ours"].startswith("0.182 (")


def test_seeds_that_disagree_decide_nothing(searched):
    row = judged(searched, 5, expect=("below: 0", "below: -1"))
    assert row["verdict"] == "inconclusive" and "3 seeds disagree" in row["reason"]


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        ("trials: 6", "tpe 0 has 4 of 6 trials; go on with: urnn-bench search made --trials 6"),
        (f"updates: {6 * UPDATES}", "tpe 0 has 1,200 of 1,800 updates; go on with: "),
    ],
)
def test_a_search_that_is_too_short_is_named_with_what_goes_on_with_it(searched, cost, says):
    row = judged(searched, 5, cost=("trials: 4", cost))
    assert row["verdict"] == "inconclusive" and row["ours"] == "–"
    assert f"0 of 3 seeds; the search {says}" in row["reason"] and "--trials 6" in row["reason"]


def test_too_few_searches_name_the_next_one(searched):
    row = judged(searched, 5, needs=("against: random", "against: random, seeds: 4"))
    assert "3 of 4 seeds; the search tpe 3 has 0 of 4 trials" in row["reason"]
    assert "urnn-bench search made --trials 4 --seed 3" in row["reason"]


def test_a_trial_that_is_missing_makes_a_search_too_short(bench):
    record(bench, "random", RANDOM)
    for seed in range(3):
        for number in (0, 1, 2, 4, 5):
            record_trial(bench, number, "tpe", seed)
    assert "has 5 of 4" not in (reason := judged(bench, 5)["reason"])
    assert "the search tpe 0 has 3 of 4 trials" in reason


def test_missing_searches_are_listed(bench):
    bench.write("benchmarks/made.yaml", bench.MADE)
    path = bench.write("paper.yaml", PAPER)
    said = bench("verify", path, code=5)
    assert "missing" in said.out
    commands = [line for line in said.err.splitlines() if line.startswith("missing: ")]
    assert len(commands) == 6
    assert "missing: urnn-bench search made --trials 4 --seed 2 --random" in commands
    assert "--dry-run" not in said.err


def test_a_search_without_any_loss_decides_nothing(bench):
    record(bench, "tpe", TPE)
    record(bench, "random", [*RANDOM[:2], (None,) * 4])
    row = judged(bench, 5)
    assert row["reason"] == "1 of 3 seeds: every trial of a search has failed"


def test_losses_below_zero_have_no_ratio(bench):
    record(bench, "tpe", [(-1.0,) * 4] * 3)
    record(bench, "random", RANDOM)
    assert "3 of 3 seeds: a loss has no logarithm" in judged(bench, 5)["reason"]


def test_searches_that_trained_with_different_seeds_are_not_compared(bench):
    record(bench, "tpe", TPE)
    record(bench, "random", RANDOM, seeds=(0, 1))
    assert "trained with different seeds: 0 and 0, 1" in judged(bench, 5)["reason"]


def test_of_several_models_one_is_chosen(searched):
    record(searched, "tpe", [(0.9,) * 4] * 3, model="gru")
    record(searched, "random", [(0.5,) * 4] * 3, model="gru")
    row = judged(searched, 5)
    assert "gru at T = 100; lstm at T = 100; give 'model' and 'T'" in row["reason"]
    for model, code in (("lstm", 0), ("gru", 4)):
        judged(
            searched, code, needs=("against: random", f"against: random, model: {model}, T: 100")
        )


def test_a_damaged_file_is_one_sentence(bench):
    record(bench, "tpe", TPE)
    path = bench.folder / "results/made/trials.jsonl"
    path.write_text("x\n" + path.read_text())
    said = bench("verify", bench.write("paper.yaml", PAPER), code=2).err
    assert "trials.jsonl, line 1: is not a trial" in said


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("against: random", "against: tpe", "'tpe' cannot be set against itself"),
        ("sampler: tpe", "sampler: bayes", "must be 'tpe' or 'random', not 'bayes'"),
        ("sampler: tpe", "samplr: tpe", "unknown key 'samplr'; did you mean 'sampler'?"),
        ("trials: 4", "trials: 4, updates: 9", "give either 'trials' or 'updates'"),
        (", trials: 4", "", "give either 'trials' or 'updates'"),
        ("{below: 0}", "{every: true}", "'every' goes with the quantity \"solved\""),
    ],
)
def test_a_wrong_claim_is_one_sentence_with_its_place(bench, before, after, says):
    path = bench.write("paper.yaml", PAPER.replace(before, after))
    said = bench("verify", path, code=2).err
    assert says in said and "claims.more" in said and "[" not in said


def test_claims_on_runs_and_on_searches_are_in_one_file(searched):
    for seed in range(3):
        searched.record("lstm", seed=seed, test=0.2)
    others = """\
  low:
    figure: "1"
    says: "It is low."
    source: "read off"
    reference: {value: 0.2}
    needs: {benchmark: made, model: lstm, T: 100}
    quantity: {of: test}
    expect: {below: 0.3}
"""
    path = searched.write("paper.yaml", PAPER + others)
    rows = json.loads(searched("verify", path, "--json").out)
    assert [row["verdict"] for row in rows] == ["reproduced", "reproduced"]
    assert "trials" not in rows[1] and "in_float64" not in rows[0]
    assert "log(tpe / random) below 0" in searched("verify", path, "--format", "markdown").out
