"""How far a network generalises over length, from made-up scores."""

import json

import pytest

from urnn_bench.analysis.compare import compare
from urnn_bench.analysis.lengths import is_solved_at, longest_solved
from urnn_bench.errors import UsageError
from urnn_bench.records.record import Record

# of the bound 0.01 that made-up runs are solved below
GOOD, BAD = 0.001, 0.5


def evaluations(scores, baseline=0.1, **more):
    """The part of a record with a test loss for each length."""
    return {
        T: {
            "test": {"cross_entropy_nat": loss},
            "baselines": {"cross_entropy_nat": {"memoryless": baseline}},
            **more,
        }
        for T, loss in scores.items()
    }


@pytest.fixture
def scored(bench):
    """Return a function that makes up a seed trained at 100 and scored there and elsewhere."""

    def make(seed, test, label="urnn", results="results", **scores):
        at = {int(T.removeprefix("at_")): loss for T, loss in scores.items()}
        options = {"seed": seed, "test": test, "results": results}
        return Record.read(bench.record(label, **options, evaluations=evaluations(at)))

    return make


def test_every_length_up_to_the_longest_solved_one_is_solved(scored):
    gap = scored(0, GOOD, at_50=GOOD, at_200=BAD, at_400=GOOD)
    assert longest_solved([gap]).value == 100
    short = scored(1, GOOD, at_50=BAD, at_200=GOOD, at_400=GOOD)
    assert longest_solved([short]).value == 0


def test_the_interval_follows_the_share_of_seeds(scored):
    all_solve = [scored(seed, GOOD, at_200=GOOD, at_400=BAD) for seed in range(4)]
    found = longest_solved(all_solve)
    assert (found.value, found.low, found.high, found.scored) == (200, 200, 200, 400)
    # three seeds that agree are not enough for a lower end
    assert longest_solved(all_solve[:3]).low == 0
    assert longest_solved(all_solve[:1]).high == 400
    mixed = [*all_solve[:2], scored(4, GOOD, at_200=BAD, at_400=BAD)]
    assert longest_solved([*mixed, scored(5, BAD, at_200=BAD, at_400=BAD)]).value == 200


def test_a_bound_that_the_baseline_meets_too_is_not_solved(bench):
    at_long = evaluations({5000: GOOD}, baseline=0.005)
    record = Record.read(bench.record("urnn", test=GOOD, evaluations=at_long))
    assert is_solved_at(record, 100) and not is_solved_at(record, 5000)


def test_one_length_has_no_longest(bench):
    assert longest_solved([Record.read(bench.record("urnn", test=GOOD))]) is None


def test_lengths_that_a_seed_lacks_do_not_count(scored):
    seeds = [scored(0, GOOD, at_200=GOOD, at_400=GOOD), scored(1, GOOD, at_200=GOOD)]
    assert longest_solved(seeds).scored == 200


def test_a_table_names_the_length_of_every_score(bench, scored):
    for seed in range(4):
        scored(seed, GOOD, at_200=0.002, at_400=BAD)
    scored(0, GOOD, label="lstm", at_200=BAD)
    rows = json.loads(bench("table", "made", "--json").out)
    found = {
        (r["model"], r["T"], r["length"]): (r["test"], r["baseline"], r["seeds"]) for r in rows
    }
    assert found["urnn", 100, 200] == (pytest.approx(0.002), 0.1, 4)
    assert found["urnn", 100, 100] == (pytest.approx(GOOD), 0.17, 4)
    assert found["lstm", 100, 200] == (BAD, 0.1, 1) and ("lstm", 100, 400) not in found
    solved = {(r["model"], r["length"]): r["solved"] for r in rows}
    assert solved["urnn", 200] == 4 and solved["urnn", 400] == 0
    shown = bench("table", "made", env={"COLUMNS": "80"})
    lines = [line.split("\t") for line in shown.out.splitlines()]
    assert lines[0][:4] == ["model", "T", "at", "solved to"]
    assert ["urnn", "100", "100", "200 (200-200)"] in [line[:4] for line in lines]
    assert "at: length of the test" in shown.err and "size:" not in shown.err
    for form in ("csv", "markdown", "latex"):
        assert "200" in bench("table", "made", "--format", form).out


def test_a_table_without_other_lengths_is_as_before(bench):
    bench.record("urnn")
    shown = bench("table", "made")
    assert shown.out.split("\n")[0].split("\t")[:4] == ["model", "T", "size", "updates"]
    assert "solved to" not in shown.out + shown.err
    assert "size: parameters; solved:" in shown.err


def test_models_are_compared_length_by_length(bench, scored):
    for seed in range(6):
        scored(seed, 0.01, at_400=0.02 + seed / 1e4)
        scored(seed, 0.02, label="lstm", at_400=0.01)
    rows = json.loads(bench("compare", "urnn", "lstm", "--benchmark", "made", "--json").out)
    found = {row["length"]: (row["ratio"], row["b_is"]) for row in rows}
    assert found[100] == (pytest.approx(2.0), "higher")
    assert found[400][0] < 0.5 and found[400][1] == "lower"
    assert "tested at" in bench("compare", "urnn", "lstm", "--benchmark", "made").out
    said = bench("compare", "urnn", "lstm", "--benchmark", "made", "--gate", code=4).err
    assert "more than 1.05 times that of urnn: made T=100 (2 times" in said.splitlines()[-1]
    assert "made: lstm is better than urnn at T = 100 tested at T=400: loss" in said


def test_sides_that_saw_other_sequences_at_a_length_are_not_compared(bench):
    sides = [
        Record.read(bench.record(m, evaluations=evaluations({200: BAD}, fingerprint=m)))
        for m in ("urnn", "lstm")
    ]
    with pytest.raises(UsageError, match="same test data at T = 200"):
        compare([sides[0]], [sides[1]], by_model=False)


def test_status_names_the_length_of_every_score(bench, scored):
    scored(0, GOOD, at_200=BAD)
    (row,) = json.loads(bench("status", "--json").out)
    assert row["test_by_length"] == {"100": GOOD, "200": BAD}
