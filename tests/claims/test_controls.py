"""A model against another, and against a control."""

import json

import pytest
from made_up import AGAINST


@pytest.mark.parametrize(
    ("ours", "code", "verdict", "shown"),
    [
        ((0.1, 0.2, 0.3), 0, "reproduced", "-0.1 (range -0.1 to -0.1)"),
        ((0.3, 0.4, 0.5), 4, "not reproduced", "0.1 (range 0.1 to 0.1)"),
        ((0.1, 0.4, 0.3), 5, "inconclusive", "-0.0333 ("),
        ((0.1, 0.2), 5, "inconclusive", "-0.1, -0.1"),
    ],
)
def test_a_model_against_another_is_judged_seed_by_seed(bench, ours, code, verdict, shown):
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("paper.yaml", AGAINST)
    for seed, loss in enumerate(ours):
        bench.record("urnn", seed=seed, test=loss)
    for seed, loss in enumerate((0.2, 0.3, 0.4)):
        bench.record("lstm", seed=seed, test=loss)
    (row,) = json.loads(bench("verify", "paper.yaml", "--json", code=code).out)
    assert row["verdict"] == verdict and row["ours"].startswith(shown)
    assert row["command"].startswith("urnn-bench run made --model urnn --model lstm --T 100")


@pytest.mark.parametrize(
    ("control", "code", "verdict", "says"),
    [
        (
            (0.1, 0.2, 0.3),
            5,
            "explained by the control",
            "'gru', which has -0.1 (range -0.1 to -0.1); urnn - gru is below 0 in no seed",
        ),
        ((0.05, 0.1, 0.2), 5, "explained by the control", "but so is every seed of 'gru'"),
        ((0.15, 0.25, 0.35), 0, "reproduced", "3 seeds"),
        ((0.3, 0.4, 0.5), 0, "reproduced", "3 seeds"),
        ((0.1, 0.4, 0.3), 0, "reproduced", "3 seeds"),
        ((0.1, 0.2), 5, "inconclusive", "the control 'gru' is lacking; 2 of 3 seeds"),
        ((), 5, "inconclusive", "the control 'gru' is lacking; make the runs"),
    ],
)
def test_what_a_control_does_as_well_is_explained_by_it(bench, control, code, verdict, says):
    bench.write(
        "benchmarks/made.yaml", bench.MADE.replace("models: {", "models: {gru: {hidden: 8}, ")
    )
    bench.write("paper.yaml", AGAINST.replace("against: lstm,", "against: lstm, controls: [gru],"))
    for label, losses in (("urnn", (0.1, 0.2, 0.3)), ("lstm", (0.2, 0.3, 0.4)), ("gru", control)):
        for seed, loss in enumerate(losses):
            bench.record(label, seed=seed, test=loss)
    (row,) = json.loads(bench("verify", "paper.yaml", "--json", code=code).out)
    assert row["verdict"] == verdict and says in row["reason"]
    assert "--model urnn --model lstm --model gru" in row["command"]


@pytest.mark.parametrize(
    ("ours", "theirs", "expect", "verdict"),
    [
        ((500, 500, 500), (None, None, None), "{below: 0}", "reproduced"),
        ((None, None, None), (500, 500, 500), "{above: 100}", "reproduced"),
        ((None, None, None), (500, 500, 500), "{below: 100}", "not reproduced"),
    ],
)
def test_never_solved_is_an_end_of_the_line(bench, ours, theirs, expect, verdict):
    bench.write("benchmarks/made.yaml", bench.MADE)
    text = AGAINST.replace("{of: test}", "{of: solved_step}").replace("{below: 0}", expect)
    bench.write("paper.yaml", text)
    for seed in range(3):
        bench.record("urnn", seed=seed, solved_step=ours[seed])
        bench.record("lstm", seed=seed, solved_step=theirs[seed])
    code = 0 if verdict == "reproduced" else 4
    (row,) = json.loads(bench("verify", "paper.yaml", "--json", code=code).out)
    assert row["verdict"] == verdict
