"""The claims engine on made-up records: every verdict, and why."""

import json

import pytest
from made_up import AGAINST, CLAIMS, record_runs


@pytest.fixture
def verify(bench):
    """Judge the made-up paper, and return its rows by claim."""
    path = bench.write("paper.yaml", CLAIMS)
    bench.write("benchmarks/made.yaml", bench.MADE)

    def run(code):
        bench("verify", path, code=code)
        rows = json.loads(bench("verify", path, "--json", code=code).out)
        return {row["claim"]: row for row in rows}

    return run


def test_reproduced_with_our_value_beside_the_papers(bench, verify):
    record_runs(bench)
    rows = verify(0)
    assert {row["verdict"] for row in rows.values()} == {"reproduced"}
    assert rows["solves"]["ours"].startswith("3 of 3") and rows["stuck"]["paper"]["value"] == 1.0
    assert rows["stuck"]["ours"].startswith("1.02 (")
    shown = bench("verify", "paper.yaml", "--format", "markdown").out
    assert (
        "It is stuck." in shown and "1 ± 0.1 of the baseline" in shown and "| reproduced" in shown
    )


@pytest.mark.parametrize(
    ("solved", "losses", "verdicts"),
    [
        ((False, False, False), (0.17, 0.17, 0.18), ("not reproduced", "reproduced")),
        ((True, False, True), (0.02, 0.02, 0.03), ("inconclusive", "not reproduced")),
        ((True, True, True), (0.10, 0.17, 0.25), ("reproduced", "inconclusive")),
    ],
)
def test_contradicted_and_undecided(bench, verify, solved, losses, verdicts):
    record_runs(bench, solved, losses)
    rows = verify(4 if "not reproduced" in verdicts else 5)
    assert (rows["solves"]["verdict"], rows["stuck"]["verdict"]) == verdicts


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ((0.15, 0.16, 0.17), "reproduced"),
        ((0.15, 0.16, 0.02), "inconclusive"),
        ((0.30, 0.01, 0.02), "not reproduced"),
    ],
)
def test_between_two_bounds_is_one_place(bench, verify, losses, verdict):
    bench.write("paper.yaml", CLAIMS.replace("{above: 0.9}", "{above: 0.8, below: 1.1}"))
    record_runs(bench, losses=losses)
    rows = verify({"reproduced": 0, "inconclusive": 5, "not reproduced": 4}[verdict])
    assert rows["stuck"]["verdict"] == verdict


def test_too_few_seeds_and_too_few_updates_decide_nothing(bench, verify):
    record_runs(bench, losses=(0.17, 0.17), steps_done=300)
    rows = verify(5)
    assert rows["stuck"]["verdict"] == "inconclusive" and "2 of 3 seeds" in rows["stuck"]["reason"]
    assert "300 updates instead of 1,000" in rows["solves"]["reason"]


def test_missing_runs_come_with_the_command_that_makes_them(verify):
    rows = verify(5)
    assert rows["solves"]["verdict"] == "missing"
    assert "urnn-bench run made --model urnn --T 100 --seeds 3" in rows["solves"]["reason"]


def test_one_command_makes_what_several_claims_miss(bench, verify):
    verify(5)
    bench.write("benchmarks/made.yaml", bench.MADE.replace("T: 100", "T: [100, 200]"))
    for text, commands in (
        (CLAIMS, ["--model urnn --model lstm --T 100 --seeds 3"]),
        (
            CLAIMS.replace("T: 100}", "T: 200, seeds: 5}", 1),
            ["--model urnn --T 100 --seeds 3", "--model lstm --T 200 --seeds 5"],
        ),
    ):
        bench.write("paper.yaml", text)
        said = bench("verify", "paper.yaml", code=5).err.splitlines()
        assert [f"missing: urnn-bench run made {options}" for options in commands] == [
            line for line in said if line.startswith("missing:")
        ]
    assert "claims: 2 missing" in said and said[-1].endswith("error: 2 claims are missing")
    said = bench("verify", "paper.yaml", "--results", "elsewhere", code=5).err
    assert (
        said
        == "urnn-bench: error: elsewhere: there is no such folder of records; --run creates it\n"
    )


def test_a_diverged_run_is_no_evidence_of_being_stuck(bench, verify):
    record_runs(bench, losses=(0.17, 0.17))
    bench.record("lstm", seed=2, test=0.17, status="diverged")
    row = verify(5)["stuck"]
    assert row["verdict"] == "inconclusive" and row["reason"] == "seed 2 diverged"


def test_runs_with_settings_of_their_own_are_not_the_papers(bench, verify):
    solved = {"metric": "cross_entropy_nat", "below": 10}
    record_runs(bench, settings=("fit.solved.below=10",), fit={"solved": solved})
    rows = verify(5)
    assert rows["solves"]["verdict"] == "missing"
    assert "3 with other settings are not judged" in rows["solves"]["reason"]


def test_what_was_asked_for_since_changes_no_verdict(bench, verify):
    record_runs(bench)
    bench.record("urnn", settings=("fit.optimizer.lr=1",), steps_done=2000, asked="2")
    bench.record("lstm", settings=("fit.steps=10",), steps_done=10, test=9.0, asked="3")
    assert {row["verdict"] for row in verify(0).values()} == {"reproduced"}


def test_values_that_lie_far_apart_are_shown_themselves(bench, verify):
    record_runs(bench, losses=(1e-9, 0.17, 0.18))
    assert verify(5)["stuck"]["ours"] == "5.88e-09, 1, 1.06"


def test_probes_do_not_make_a_run_another_one(bench, verify):
    record_runs(bench)
    record_runs(bench, settings=("probes={}",), probes={}, asked="2")
    assert {row["verdict"] for row in verify(0).values()} == {"reproduced"}
    (row, _) = json.loads(bench("table", "--json").out)
    assert row["seeds"] == 3


def test_models_that_saw_other_data_are_not_judged(bench):
    bench.write("paper.yaml", CLAIMS)
    bench.record("urnn", solved_step=100)
    bench.record("lstm", recall=5)
    said = bench("verify", "paper.yaml", code=2).err
    assert "task.options.recall" in said and said.count("\n") == 1


def test_what_a_longer_run_did_later_is_no_part_of_the_claim(bench, verify):
    record_runs(bench, solved=(True, True, True), steps_done=50_000, settings=("fit.steps=50000",))
    assert verify(0)["solves"]["verdict"] == "reproduced"
    for seed in range(3):
        bench.record(
            "urnn", seed=seed, solved_step=40_000, steps_done=50_000, settings=("fit.steps=50000",)
        )
    assert verify(4)["solves"]["verdict"] == "not reproduced"


def test_longer_runs_are_no_other_protocol(bench):
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("paper.yaml", AGAINST.replace("updates: 1000", "updates: 5000"))
    for label, loss in (("urnn", 0.1), ("lstm", 0.2)):
        for seed in range(3):
            bench.record(label, seed=seed, test=loss)
    (row,) = json.loads(bench("verify", "paper.yaml", "--json", code=5).out)
    assert "1,000 updates instead of 5,000" in row["reason"] and "--updates 5000" in row["reason"]
    for label, loss in (("urnn", 0.1), ("lstm", 0.2)):
        for seed in range(3):
            bench.record(
                label,
                seed=seed,
                test=loss,
                steps_done=5000,
                asked="2",
                settings=("fit.steps=5000",),
            )
    bench("verify", "paper.yaml")


def test_quick_is_part_of_it_and_run_makes_what_is_missing(bench):
    text = CLAIMS.replace("made", "tiny").replace("T: 100", "T: 4").replace("updates: 1000", "")
    bench.write(
        "paper.yaml",
        text.replace("{of: solved}", "{of: test}").replace("{every: true}", "{below: 10}"),
    )
    (row,) = json.loads(bench("verify", "paper.yaml", "--quick", "--run", "--json").out)
    assert row["verdict"] == "reproduced" and len(row["values"]) == 3
    assert len(bench.runs()) == 3
