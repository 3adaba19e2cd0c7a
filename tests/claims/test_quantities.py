"""Every quantity is the number that the records hold."""

import json

import pytest
from made_up import AGAINST, CLAIMS, record_runs

SCORES = """\
step,examples,train_s,split,metric,value
5000,1,1.0,validation,cross_entropy_nat,0.1
"""


@pytest.mark.parametrize(
    ("quantity", "says"),
    [
        (
            "{of: probe, update: 7}",
            "3 of 3 seeds: not probed; probe them with: urnn-bench run made",
        ),
        ("{of: validation, until: 7}", "3 of 3 seeds: no score on validation within 7 updates"),
        ("{of: test, metric: cross_entropy}", "did you mean 'cross_entropy_nat'"),
    ],
)
def test_a_quantity_that_no_run_has_leaves_the_other_claims_judged(bench, quantity, says):
    record_runs(bench)
    bench.write("paper.yaml", CLAIMS.replace("{of: test, over_baseline: true}", quantity))
    rows = json.loads(bench("verify", "paper.yaml", "--json", code=5).out)
    assert [row["verdict"] for row in rows] == ["reproduced", "inconclusive"]
    assert says in rows[1]["reason"] and rows[1]["ours"] == "–"


@pytest.mark.parametrize("quantity", ["validation, until: 5000", "probe, update: 5000"])
def test_a_quantity_later_than_the_runs_asks_for_longer_ones(bench, quantity):
    bench.write("benchmarks/made.yaml", bench.MADE)
    record_runs(bench)
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
    record_runs(bench, solved=(False, False, False))
    text = CLAIMS.replace("{of: solved}", "{of: solved_step}")
    bench.write("paper.yaml", text.replace("{every: true}", "{below: 800}"))
    rows = json.loads(bench("verify", "paper.yaml", "--json", code=4).out)
    assert rows[0]["verdict"] == "not reproduced" and rows[0]["ours"] == "inf, inf, inf"


def test_probes_best_scores_and_times_are_read_from_the_records(bench):
    record_runs(bench)
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
    assert ours(0.9, 0.6, 0.6) == "0.7 (range 0.6 to 0.9)"


EVALUATED = "T: 100\nevaluate: {T: [400]}\n"


def test_a_score_may_be_of_a_length_that_was_not_trained_on(bench):
    bench.write("benchmarks/made.yaml", bench.MADE.replace("T: 100\n", EVALUATED))
    text = CLAIMS.replace("over_baseline: true", "over_baseline: true, T: 400")
    bench.write("paper.yaml", text.replace("{above: 0.9}", "{above: 1.9, below: 2.1}"))
    record_runs(bench)
    rows = json.loads(bench("verify", "paper.yaml", "--json", code=5).out)
    assert "3 of 3 seeds: no score on test at T = 400" in rows[1]["reason"]
    there = {"test": {"cross_entropy_nat": 0.1}}
    there["baselines"] = {"cross_entropy_nat": {"memoryless": 0.05}}
    record_runs(bench, evaluations={400: there})
    rows = json.loads(bench("verify", "paper.yaml", "--json").out)
    assert rows[1]["values"] == [2.0, 2.0, 2.0] and rows[1]["verdict"] == "reproduced"


def test_a_length_that_the_benchmark_does_not_test_is_named(bench):
    bench.write("benchmarks/made.yaml", bench.MADE.replace("T: 100\n", EVALUATED))
    bench.write("paper.yaml", CLAIMS.replace("over_baseline: true", "T: 500"))
    said = bench("verify", "paper.yaml", code=2).err
    assert "no length of the test is called '500'" in said and "400" in said
