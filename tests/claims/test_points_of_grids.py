"""Claims about points of a grid, and about the difference of two differences."""

import json
import shlex

import pytest
from made_up import AGAINST

GRID = """\
title: Made up, at two amounts of data
task: {name: copying}
T: 100
models: {urnn: {hidden: 8}, lstm: {hidden: 8}, gru: {hidden: 8}}
grid: {task.recall: [5, 10]}
fit: {steps: 1000, solved: {metric: cross_entropy_nat, below: 0.01}}
"""
AT, OF = "urnn @ recall=5", "lstm @ recall=5"
POINTS = AGAINST.replace("model: urnn, against: lstm", f'model: "{AT}", against: "{OF}"')
PAIR = 'interaction: ["urnn @ recall=10", "lstm @ recall=10"]'
FOUR = POINTS.replace("T: 100, updates", f"{PAIR}, T: 100, updates")


def record(bench, cell, recall, losses):
    for seed, loss in enumerate(losses):
        # a label of a grid, of the cell that the file names
        bench.record(cell, seed=seed, test=loss, recall=recall, point=f"recall={recall}")


@pytest.fixture
def made(bench):
    bench.write("benchmarks/made.yaml", GRID)
    record(bench, "urnn", 5, (0.1, 0.2, 0.3))
    record(bench, "lstm", 5, (0.2, 0.3, 0.4))
    return bench


def verdict(bench, paper, code, *more):
    bench.write("paper.yaml", paper)
    (row,) = json.loads(bench("verify", "paper.yaml", "--json", *more, code=code).out)
    return row


def test_points_of_a_grid_are_judged(made):
    row = verdict(made, POINTS, 0)
    assert row["verdict"] == "reproduced" and row["values"] == pytest.approx([-0.1] * 3)
    assert row["number"] == f"{AT} - {OF}" and row["expected"] == "below 0"
    _, *words = shlex.split(row["command"])
    planned = json.loads(made(*words, "--dry-run", "--json").out)
    assert [(r["model"], r["seed"]) for r in planned] == [
        (m, s) for s in range(3) for m in (AT, OF)
    ]


def test_a_control_and_quick_take_points(made):
    controlled = POINTS.replace("T: 100, up", 'controls: ["gru @ recall=5"], T: 100, up')
    quick = controlled.replace("claims:", "quick: [ahead]\nclaims:")
    assert "the control 'gru @ recall=5' is lacking" in verdict(made, quick, 5, "--quick")["reason"]
    record(made, "gru", 5, (0.1, 0.2, 0.3))
    assert verdict(made, quick, 5)["verdict"] == "explained by the control"


@pytest.mark.parametrize("old", [AT, OF])
def test_a_point_that_there_is_not_is_one_sentence(made, old):
    made.write("paper.yaml", POINTS.replace(old, old[:-1] + "6"))
    said = made("verify", "paper.yaml", code=2).err
    assert f"did you mean '{old}'?" in said and said.count("\n") == 1
    made.write("paper.yaml", POINTS.replace(old, old.partition(" ")[0]))
    assert "no model is called" in made("verify", "paper.yaml", code=2).err


def test_other_points_have_other_data_and_are_not_compared(made):
    record(made, "lstm", 10, (0.2, 0.2, 0.2))
    assert verdict(made, POINTS, 0)["verdict"] == "reproduced"
    made.write("paper.yaml", POINTS.replace(OF, "lstm @ recall=10"))
    said = made("verify", "paper.yaml", code=2).err
    assert "task.options.recall (" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("ours", "code", "word"),
    [
        ((0.15, 0.25, 0.35), 0, "reproduced"),
        ((0.05, 0.15, 0.25), 4, "not reproduced"),
        ((0.15, 0.05, 0.25), 5, "inconclusive"),
        ((0.15, 0.25), 5, "inconclusive"),
    ],
)
def test_the_difference_of_differences_is_judged_seed_by_seed(made, ours, code, word):
    """At 5 the difference is -0.1; at 10 it is what is given, less 0.2 and so on."""
    record(made, "urnn", 10, ours)
    record(made, "lstm", 10, (0.2, 0.3, 0.4))
    row = verdict(made, FOUR, code)
    there = [a - b for a, b in zip(ours, (0.2, 0.3, 0.4), strict=False)]
    assert row["verdict"] == word
    assert row["values"] == pytest.approx([-0.1 - value for value in there])
    number = f"({AT} - {OF}) - (urnn @ recall=10 - lstm @ recall=10)"
    assert row["number"] == number and row["expected"] == "below 0"
    if code:
        said = made("verify", "paper.yaml", code=code).out
        assert f"Expected {number} below 0; " in said


def test_a_pair_must_have_seen_the_same_data(made):
    record(made, "gru", 5, (0.1, 0.2, 0.3))
    record(made, "lstm", 10, (0.2, 0.3, 0.4))
    made.write("paper.yaml", FOUR.replace("urnn @ recall=10", "gru @ recall=5"))
    assert "task.options.recall (" in made("verify", "paper.yaml", code=2).err


def test_the_four_models_are_named_where_runs_lack(made):
    row = verdict(made, FOUR, 5)
    assert row["verdict"] == "missing"
    assert row["command"].count("--model") == 4 and "'urnn @ recall=10'" in row["command"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (f', against: "{OF}"', "", "'interaction' goes with 'against'"),
        ('"lstm @ recall=10"]', '"urnn @ recall=10"]', "cannot be set against itself"),
        (PAIR, f'interaction: ["{OF}", "{AT}"]', "has the models of 'model' and 'against'"),
        (PAIR, f"{PAIR}, controls: [gru]", "'controls' do not go with 'interaction'"),
        (PAIR, "interaction: [a]", "needs.interaction: must have at least 2 entries"),
        (PAIR, "interaction: [a, b, c]", "needs.interaction: must have at most 2 entries"),
    ],
)
def test_an_interaction_that_says_nothing_is_refused(made, old, new, says):
    made.write("paper.yaml", FOUR.replace(old, new))
    said = made("verify", "paper.yaml", code=2).err
    assert says in said and said.count("\n") == 1
