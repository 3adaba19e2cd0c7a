"""Which runs a claim is judged by, and which of their numbers."""

import pytest

from urnn_bench.claims.schema import Claim
from urnn_bench.claims.verdicts import judge
from urnn_bench.records.folder import records
from urnn_bench.spec.load import read
from urnn_bench.spec.sweep import Selection, check_benchmark, drafts

LOW, HIGH = 0.01, 0.17
TEST = {"of": "test"}
UNTIL = {"of": "validation", "until": 1000}
LONGER = ("fit.steps=9000",)


def claim(quantity, updates=1000, expect=None, **needs):
    return Claim.model_validate(
        {
            "figure": "1",
            "says": "It is low.",
            "source": "read off",
            "reference": {"value": 0.01},
            "needs": {"benchmark": "made", "model": "urnn", "T": 100, "updates": updates, **needs},
            "quantity": quantity,
            "expect": expect or {"below": 0.1},
        }
    )


def judged(bench, quantity=TEST, file=None, **more):
    runs = list(records(bench.folder / "results", "made"))
    return judge(claim(quantity, **more), runs, file or ())


def seeds(bench, count=3, scores=((500, LOW),), label="urnn", **more):
    for seed in range(count):
        folder = bench.record(label, seed=seed, **{"test": LOW, **more})
        rows = [f"{step},1,1.0,validation,cross_entropy_nat,{value}" for step, value in scores]
        head = (folder / "metrics.csv").read_text().partition("\n")[0]
        (folder / "metrics.csv").write_text("\n".join([head, *rows]) + "\n")


@pytest.mark.parametrize(
    ("status", "steps", "of_test", "of_validation"),
    [
        ("done", 1000, "reproduced", "reproduced"),
        ("done", 999, "inconclusive", "inconclusive"),
        ("done", 2000, "inconclusive", "reproduced"),
        ("solved", 600, "reproduced", "reproduced"),
        ("solved", 2000, "inconclusive", "reproduced"),
        ("diverged", 600, "inconclusive", "inconclusive"),
        ("diverged", 2000, "inconclusive", "reproduced"),
        ("running", 1000, "missing", "missing"),
        ("timeout", 1000, "missing", "missing"),
        ("failed", 1000, "missing", "missing"),
    ],
)
def test_what_ended_and_when_decides_what_a_run_says(bench, status, steps, of_test, of_validation):
    seeds(bench, status=status, steps_done=steps, settings=LONGER)
    assert judged(bench).word == of_test
    assert judged(bench, UNTIL).word == of_validation


@pytest.mark.parametrize(
    ("steps", "every", "word"),
    [
        (600, False, "inconclusive"),
        (1000, False, "reproduced"),
        (600, True, "not reproduced"),
    ],
)
def test_a_run_that_diverged_early_might_have_solved_it(bench, steps, every, word):
    seeds(bench, status="diverged", steps_done=steps, settings=LONGER)
    assert judged(bench, {"of": "solved"}, expect={"every": every}).word == word


def test_a_reading_before_it_diverged_is_one(bench):
    seeds(bench, status="diverged", steps_done=10, probes={"at": [0]})
    for folder in bench.runs("made"):
        (folder / "probes.csv").write_text("step,probe,state,t,value\n0,gradient_norm,h,1,0.05\n")
    at_start = {"of": "probe", "update": 0}
    assert judged(bench, at_start, updates=None).word == "reproduced"
    assert judged(bench, at_start, updates=11).word == "inconclusive"


@pytest.mark.parametrize(
    ("quantity", "word"),
    [
        (TEST, "inconclusive"),
        (UNTIL, "inconclusive"),
        ({"of": "validation", "until": 500}, "not reproduced"),
    ],
)
def test_what_stopped_as_solved_might_have_got_lower(bench, quantity, word):
    seeds(bench, status="solved", steps_done=500, test=0.05, scores=((500, 0.05),), settings=LONGER)
    assert judged(bench, quantity, expect={"below": 0.04}).word == word
    assert judged(bench, quantity, expect={"above": 0.06}).word == "not reproduced"
    accuracy = {"of": "test", "metric": "accuracy"}
    seeds(bench, status="solved", steps_done=500, test={"accuracy": 0.05}, settings=LONGER)
    assert judged(bench, accuracy, expect={"below": 0.04}).word == "not reproduced"


def test_a_longer_run_is_judged_by_what_it_was_then(bench):
    seeds(bench, scores=((1000, HIGH), (1500, LOW)), settings=LONGER, steps_done=2000)
    assert judged(bench, {"of": "validation"}).values == (HIGH,) * 3


def test_neither_model_solving_it_says_nothing_of_which_is_sooner(bench):
    seeds(bench)
    seeds(bench, label="lstm")
    verdict = judged(bench, {"of": "solved_step"}, expect={"below": 0}, against="lstm")
    assert verdict.word == "inconclusive" and "neither model has solved" in verdict.reason


def test_a_score_is_the_best_on_validation_until_then(bench):
    seeds(bench, scores=((500, HIGH), (1000, 0.05), (1001, LOW)), settings=LONGER, steps_done=2000)
    for folder in bench.runs("made"):
        with (folder / "metrics.csv").open("a") as file:
            file.write(f"700,1,1.0,train,cross_entropy_nat,{LOW}\n")
    assert judged(bench, UNTIL).values == (0.05,) * 3


def test_the_score_of_untrained_weights_is_no_evidence(bench):
    seeds(bench, scores=((0, LOW), (500, HIGH)))
    assert judged(bench, UNTIL).values == (HIGH,) * 3


def test_what_nobody_looked_for_is_neither_solved_nor_not(bench):
    seeds(bench, fit={"solved": None})
    for quantity, expect in (
        ("solved", {"every": True}),
        ("solved", {"every": False}),
        ("solved_step", {"below": 9}),
    ):
        verdict = judged(bench, {"of": quantity}, expect=expect)
        assert verdict.word == "inconclusive" and "'made' does not say when" in verdict.reason


def test_another_length_is_no_evidence(bench):
    seeds(bench, T=200)
    assert judged(bench).word == "missing"


def test_a_bound_is_not_within_itself(bench):
    seeds(bench)
    assert judged(bench, expect={"below": LOW}).word == "not reproduced"
    assert judged(bench, expect={"above": LOW}).word == "not reproduced"


def test_a_reading_is_that_of_its_update_and_time(bench):
    seeds(bench, probes={"at": [0, 100]})
    for folder in bench.runs("made"):
        rows = [f"{step},gradient_norm,h,{t},{step + t}" for step in (0, 100) for t in (1, 2, 4)]
        (folder / "probes.csv").write_text("\n".join(["step,probe,state,t,value", *rows]) + "\n")
        with (folder / "metrics.csv").open("a") as file:
            for step in (0, 100):
                file.write(f"{step},1,1.0,probe,memory_horizon_h,{step + 7}\n")
    probe = {"of": "probe", "update": 100}
    assert judged(bench, probe | {"t": 1}).values == (101.0,) * 3
    # a line that was lost moves no time, not even the last of a curve
    for folder in bench.runs("made"):
        text = (folder / "probes.csv").read_text()
        (folder / "probes.csv").write_text(text.replace("0,gradient_norm,h,4,4\n", ""))
    assert judged(bench, {"of": "probe", "update": 0}).word == "inconclusive"
    assert judged(bench, probe | {"t": -1, "over": 2}).values == (104 / 102,) * 3
    assert judged(bench, probe | {"probe": "memory_horizon"}).values == (107.0,) * 3
    lost = judged(bench, probe | {"probe": "gradient_nrom"}).reason
    assert "no reading of 'gradient_nrom' of 'h' after 100 updates" in lost


def test_of_two_protocols_the_one_that_is_long_enough_counts_then_that_of_more_seeds(bench):
    seeds(bench, steps_done=500, settings=("fit.steps=500",), fit={"batch": 1}, test=HIGH)
    seeds(bench, 2, fit={"batch": 2})
    assert judged(bench).values == (LOW,) * 2
    seeds(bench, fit={"batch": 3}, test=0.02)
    assert judged(bench).values == (0.02,) * 3
    seeds(bench, fit={"batch": 4}, test=0.03, asked="2")
    assert judged(bench).values == (0.03,) * 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("below: 0.01", "below: 0.1"),
        ("hidden: 8", "hidden: 9"),
        ("{name: copying}", "copying"),
        ("{name: copying}", "{name: copying, recall: 5}"),
        ("{steps: 1000,", "{batch: 50,"),
        ("urnn: {", "urnn: {cell: rnn, "),
        ("T: 100", "T: {100: {clip: {value: 1}}}"),
        ("{steps: 1000,", "{evaluate_batch: 7, log_every: 3, steps: 5000,"),
    ],
)
def test_what_an_earlier_version_of_the_file_asked_for_is_not_judged(bench, old, new):
    path = bench.write("benchmarks/made.yaml", bench.MADE.replace(old, new, 1))
    file = drafts(check_benchmark("made", read(path), Selection(), ()), Selection())
    seeds(bench)
    same = new in ("copying", "{evaluate_batch: 7, log_every: 3, steps: 5000,")
    verdict = judged(bench, file=file)
    assert verdict.word == ("reproduced" if same else "missing")
    assert same or "3 with other settings are not judged" in verdict.reason


def test_a_stray_model_keeps_no_claim_from_being_judged(bench):
    path = bench.write("benchmarks/made.yaml", bench.MADE)
    seeds(bench)
    seeds(bench, 1, label="gru", recall=5)
    file = drafts(check_benchmark("made", read(path), Selection(), ()), Selection())
    assert judged(bench, file=file).word == "reproduced"
