"""The claims engine on made-up records: every verdict, and why."""

import json

import pytest

CLAIMS = """\
title: A paper
paper: arXiv
quick: [solves]
claims:
  solves:
    figure: "1"
    says: "It solves it."
    source: "read off"
    reference: {value: solved}
    needs: {benchmark: made, model: urnn, T: 100, updates: 1000}
    quantity: {of: solved}
    expect: {every: true}
  stuck:
    figure: "1"
    says: "It is stuck."
    source: "read off"
    reference: {value: 1.0, error: 0.1, unit: of the baseline}
    needs: {benchmark: made, model: lstm, T: 100}
    quantity: {of: test, over_baseline: true}
    expect: {above: 0.9}
"""

SCORES = """\
step,examples,train_s,split,metric,value
5000,1,1.0,validation,cross_entropy_nat,0.1
"""
TESTED = "T: 100}\n    quantity: {of: test, over_baseline: true}"
SCORED = "T: 100, updates: 50}}\n    quantity: {{of: {}}}"


@pytest.fixture
def verify(bench):
    """Judge the made-up paper, and return its rows by claim."""
    path = bench.write("paper.yaml", CLAIMS)
    bench.write("benchmarks/made.yaml", bench.MADE)

    def run(code):
        bench("verify", path, code=code)
        found = json.loads(bench("verify", path, "--json", code=code).out)
        return {row["claim"]: row for row in found}

    return run


def made(bench, solved=(True, True, True), losses=(0.17, 0.17, 0.18), **more):
    for seed, done in enumerate(solved):
        bench.record("urnn", seed=seed, solved_step=100 * (seed + 1) if done else None, **more)
    for seed, loss in enumerate(losses):
        bench.record("lstm", seed=seed, test=loss, **more)


def test_reproduced_with_our_value_beside_the_papers(bench, verify):
    made(bench)
    found = verify(0)
    assert {row["verdict"] for row in found.values()} == {"reproduced"}
    assert found["solves"]["ours"].startswith("3 of 3") and found["stuck"]["paper"]["value"] == 1.0
    assert found["stuck"]["ours"].startswith("1.02 (")
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
    made(bench, solved, losses)
    found = verify(4 if "not reproduced" in verdicts else 5)
    assert (found["solves"]["verdict"], found["stuck"]["verdict"]) == verdicts


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
    made(bench, losses=losses)
    found = verify({"reproduced": 0, "inconclusive": 5, "not reproduced": 4}[verdict])
    assert found["stuck"]["verdict"] == verdict


def test_too_few_seeds_and_too_few_updates_decide_nothing(bench, verify):
    made(bench, losses=(0.17, 0.17), steps_done=300)
    found = verify(5)
    assert (
        found["stuck"]["verdict"] == "inconclusive" and "2 of 3 seeds" in found["stuck"]["reason"]
    )
    assert "300 updates instead of 1,000" in found["solves"]["reason"]


def test_a_benchmark_may_be_named_by_its_path(bench, verify):
    made(bench)
    bench.write("paper.yaml", CLAIMS.replace("benchmark: made", "benchmark: benchmarks/made.yaml"))
    assert {row["verdict"] for row in verify(0).values()} == {"reproduced"}


def test_missing_runs_come_with_the_command_that_makes_them(verify):
    found = verify(5)
    assert found["solves"]["verdict"] == "missing"
    assert "urnn-bench run made --model urnn --T 100 --seeds 3" in found["solves"]["reason"]


def test_one_command_makes_what_several_claims_miss(bench, verify):
    verify(5)
    bench.write("benchmarks/made.yaml", bench.MADE.replace("T: 100", "T: [100, 200]"))
    for text, asked in (
        (CLAIMS, ["--model urnn --model lstm --T 100 --seeds 3"]),
        (
            CLAIMS.replace("T: 100}", "T: 200, seeds: 5}", 1),
            ["--model urnn --T 100 --seeds 3", "--model lstm --T 200 --seeds 5"],
        ),
    ):
        bench.write("paper.yaml", text)
        said = bench("verify", "paper.yaml", code=5).err.splitlines()
        assert [f"missing: urnn-bench run made {each}" for each in asked] == [
            line for line in said if line.startswith("missing:")
        ]
    assert "claims: 2 missing" in said and "2 claims not decided" in said[-1]
    said = bench("verify", "paper.yaml", "--results", "elsewhere", code=5).err
    assert (
        said
        == "urnn-bench: error: elsewhere: there is no such folder of records; --run creates it\n"
    )


def test_a_diverged_run_is_no_evidence_of_being_stuck(bench, verify):
    made(bench, losses=(0.17, 0.17))
    bench.record("lstm", seed=2, test=0.17, status="diverged")
    found = verify(5)["stuck"]
    assert found["verdict"] == "inconclusive" and found["reason"] == "seed 2 diverged"


def test_runs_with_settings_of_their_own_are_not_the_papers(bench, verify):
    made(bench, settings=("fit.solved.below=10",))
    found = verify(5)
    assert found["solves"]["verdict"] == "missing"
    assert "3 with other settings are not judged" in found["solves"]["reason"]


def test_what_was_asked_for_since_changes_no_verdict(bench, verify):
    made(bench)
    bench.record("urnn", settings=("fit.optimizer.lr=1",), steps_done=2000, asked="2")
    bench.record("lstm", settings=("fit.steps=10",), steps_done=10, test=9.0, asked="3")
    assert {row["verdict"] for row in verify(0).values()} == {"reproduced"}


def test_values_that_lie_far_apart_are_shown_themselves(bench, verify):
    made(bench, losses=(1e-9, 0.17, 0.18))
    assert verify(5)["stuck"]["ours"] == "5.88e-09, 1, 1.06"


def test_probes_do_not_make_a_run_another_one(bench, verify):
    made(bench)
    made(bench, settings=("probes={}",), probes={}, asked="2")
    assert {row["verdict"] for row in verify(0).values()} == {"reproduced"}
    (row, _) = json.loads(bench("table", "--json").out)
    assert row["seeds"] == 3


def test_models_that_saw_other_data_are_not_judged(bench):
    bench.write("paper.yaml", CLAIMS)
    bench.record("urnn", solved_step=100)
    bench.record("lstm", recall=5)
    said = bench("verify", "paper.yaml", code=2).err
    assert "task.options.recall" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("quantity: {of: solved}", "quantity: {off: solved}", "unknown key 'off'"),
        ("quick: [solves]", "quick: [solve]", "'quick' names 'solve'"),
        ("expect: {every: true}", "expect: {below: 1}", "goes with the quantity"),
        ("model: lstm,", "model: lstm, controls: [urnn],", "'controls' go with 'against'"),
        ("model: lstm,", "model: lstm, against: urnn, controls: [urnn],", "a third model"),
        ("model: lstm,", "model: lstm, against: lstm,", "cannot be set against itself"),
        ("model: urnn,", "model: urnn, against: lstm,", "'against' takes one number from another"),
        ("expect: {above: 0.9}", "expect: {}", "give 'below', 'above'"),
        ("expect: {above: 0.9}", "expect: {above: 5, below: 1}", "must be greater than 'above'"),
        ("{of: test, over_baseline: true}", "{of: probe, t: 0}", "times count from 1"),
        (TESTED, SCORED.format("validation, until: 51"), "'until' is 51, after the 50"),
        (TESTED, SCORED.format("test, until: 50"), "'until' goes with"),
        (TESTED, SCORED.format("validation, metric: accuracy"), "which 'accuracy' is the best one"),
        (TESTED, SCORED.format("probe, update: 51"), "'update' is 51, after the 50"),
        ('    says: "It is stuck."\n', "", "says: this key is missing"),
    ],
)
def test_a_typo_is_one_sentence_with_its_line(bench, old, new, says):
    bench.write("paper.yaml", CLAIMS.replace(old, new, 1))
    said = bench("verify", "paper.yaml", code=2).err
    assert says in said and "paper.yaml" in said and said.count("\n") == 1
    assert "quick" in says or "paper.yaml, line" in said


@pytest.mark.parametrize(
    ("quantity", "says"),
    [
        ("{of: probe, update: 7}", "3 of 3 seeds: not looked into; see: urnn-bench run made"),
        ("{of: validation, until: 7}", "3 of 3 seeds: no score on validation within 7 updates"),
        ("{of: test, metric: cross_entropy}", "did you mean 'cross_entropy_nat'"),
    ],
)
def test_a_quantity_that_no_run_has_leaves_the_other_claims_judged(bench, quantity, says):
    made(bench)
    bench.write("paper.yaml", CLAIMS.replace("{of: test, over_baseline: true}", quantity))
    rows = json.loads(bench("verify", "paper.yaml", "--json", code=5).out)
    assert [row["verdict"] for row in rows] == ["reproduced", "inconclusive"]
    assert says in rows[1]["reason"] and rows[1]["ours"] == "-"


@pytest.mark.parametrize("quantity", ["validation, until: 5000", "probe, update: 5000"])
def test_a_quantity_later_than_the_runs_asks_for_longer_ones(bench, quantity):
    bench.write("benchmarks/made.yaml", bench.MADE)
    made(bench)
    text = CLAIMS.replace("test, over_baseline: true", quantity)
    bench.write("paper.yaml", text.replace("{above: 0.9}", "{above: 0}"))
    rows = json.loads(bench("verify", "paper.yaml", "--json", code=5).out)
    assert "instead of 5,000; the claim's: urnn-bench run made" in rows[1]["reason"]
    for seed in range(3):
        folder = bench.record("lstm", seed=seed, steps_done=5000)
        (folder / "metrics.csv").write_text(SCORES)
        (folder / "probes.csv").write_text("step,probe,state,t,value\n5000,gradient_norm,h,1,1.0\n")
    bench("verify", "paper.yaml")


def test_never_solved_is_later_than_any_bound(bench):
    made(bench, solved=(False, False, False))
    text = CLAIMS.replace("{of: solved}", "{of: solved_step}")
    bench.write("paper.yaml", text.replace("{every: true}", "{below: 800}"))
    rows = json.loads(bench("verify", "paper.yaml", "--json", code=4).out)
    assert rows[0]["verdict"] == "not reproduced" and rows[0]["ours"] == "inf, inf, inf"


def test_probes_best_scores_and_times_are_read_from_the_records(bench):
    made(bench)
    for seed in range(3):
        folder = bench.record("lstm", seed=seed, test=0.2, solved_step=50)
        rows = "".join(f"0,gradient_norm,h,{t},{0.5 ** (10 - t)}\n" for t in range(1, 11))
        (folder / "probes.csv").write_text("step,probe,state,t,value\n" + rows)
        scores = "".join(f"{s},1,1.0,validation,cross_entropy_nat,{1 / s}\n" for s in (10, 20, 40))
        scores += "0,0,0.0,probe,memory_horizon_h,9.0\n0,0,0.0,probe,lyapunov,-0.5\n"
        (folder / "metrics.csv").write_text("step,examples,train_s,split,metric,value\n" + scores)
    for quantity, expect in (
        ("{of: probe, t: 1, over: -1}", "{above: 0.0019, below: 0.002}"),
        ("{of: probe, t: -1}", "{above: 0.99, below: 1.01}"),
        ("{of: probe, probe: memory_horizon}", "{above: 8.9, below: 9.1}"),
        ("{of: probe, probe: lyapunov}", "{above: -0.51, below: -0.49}"),
        ("{of: validation, until: 30}", "{above: 0.049, below: 0.051}"),
        ("{of: solved_step}", "{below: 51}"),
    ):
        text = CLAIMS.replace("{of: test, over_baseline: true}", quantity)
        bench.write("paper.yaml", text.replace("{above: 0.9}", expect))
        bench("verify", "paper.yaml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("model: lstm", "model: lstn", "no model is called 'lstn'; did you mean 'lstm'"),
        ("model: lstm,", "model: lstm, against: urn,", "no model is called 'urn'"),
        ("model: lstm, T: 100", "model: lstm, T: 1000", "no length is called '1000'"),
    ],
)
def test_a_claim_that_its_benchmark_cannot_answer_is_refused(bench, old, new, says):
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("paper.yaml", CLAIMS.replace(old, new))
    said = bench("verify", "paper.yaml", code=2).err
    assert says in said and "the claim 'stuck': in 'made'" in said and said.count("\n") == 1


AGAINST = """\
title: A paper
paper: arXiv
claims:
  ahead:
    figure: "1"
    says: "It ends lower."
    source: "read off"
    reference: {value: -0.1}
    needs: {benchmark: made, model: urnn, against: lstm, T: 100, updates: 1000}
    quantity: {of: test}
    expect: {below: 0}
"""


@pytest.mark.parametrize(
    ("ours", "code", "verdict", "shown"),
    [
        ((0.1, 0.2, 0.3), 0, "reproduced", "-0.1 (-0.1 to -0.1)"),
        ((0.3, 0.4, 0.5), 4, "not reproduced", "0.1 (0.1 to 0.1)"),
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
        ((0.1, 0.2, 0.3), 5, "explained by the control", "'gru' has -0.1 (-0.1 to -0.1)"),
        ((0.05, 0.1, 0.2), 5, "explained by the control", "3 seeds"),
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


def test_what_a_longer_run_did_later_is_no_part_of_the_claim(bench, verify):
    made(bench, solved=(True, True, True), steps_done=50_000, settings=("fit.steps=50000",))
    assert verify(0)["solves"]["verdict"] == "reproduced"
    for seed in range(3):
        bench.record(
            "urnn", seed=seed, solved_step=40_000, steps_done=50_000, settings=("fit.steps=50000",)
        )
    assert verify(4)["solves"]["verdict"] == "not reproduced"


def test_the_highest_of_a_score_is_its_best(bench):
    bench.write("benchmarks/made.yaml", bench.MADE)
    text = AGAINST.replace(", against: lstm", "").replace(
        "{below: 0}", "{above: 0.85, below: 0.95}"
    )
    quantity = "{of: validation, metric: accuracy, best: highest, until: 20}"
    bench.write("paper.yaml", text.replace("{of: test}", quantity))
    scores = {5: 0.3, 10: 0.9, 15: 0.5, 30: 0.99}
    rows = "".join(f"{step},1,1.0,validation,accuracy,{v}\n" for step, v in scores.items())
    for seed in range(3):
        folder = bench.record("urnn", seed=seed, test={"accuracy": 0.9})
        (folder / "metrics.csv").write_text("step,examples,train_s,split,metric,value\n" + rows)
    bench("verify", "paper.yaml")


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


@pytest.mark.parametrize(("paper", "claims"), [("urnn-2016", 43), ("momentum-2020", 18)])
def test_the_papers_claims_can_be_read_and_made(bench, paper, claims):
    assert paper in bench("list", "papers").out
    rows = json.loads(bench("verify", paper, "--json", code=5).out)
    assert len(rows) >= claims and {row["verdict"] for row in rows} == {"missing"}
    assert f"did you mean '{paper}'" in bench("verify", paper[:-1], code=2).err


def test_the_mean_of_accuracies_is_no_geometric_one(bench):
    """An accuracy is no loss; and two seeds are two values."""
    text = CLAIMS.partition("  stuck:")[0].replace(
        "{of: solved}", "{of: test, metric: recall_accuracy}"
    )
    path = bench.write("paper.yaml", text.replace("{every: true}", "{above: 0.5}"))
    bench.write("benchmarks/made.yaml", bench.MADE)

    def ours(*values):
        for seed, value in enumerate(values):
            test = {"cross_entropy_nat": 0.1, "recall_accuracy": value}
            bench.record("urnn", seed=seed, test=test)
        (row,) = json.loads(bench("verify", path, "--json", code=5 if len(values) < 3 else 0).out)
        return row["ours"]

    assert ours(0.9, 0.6) == "0.9, 0.6"
    assert ours(0.9, 0.6, 0.6) == "0.7 (0.27 to 1.13)"
