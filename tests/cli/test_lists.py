"""Options that take several values: with commas, as a range, or by giving the option again."""

import json

import pytest

from urnn_bench.spec.labels import split_labels


def planned(bench, *arguments):
    rows = json.loads(bench("run", "tiny", *arguments, "--dry-run", "--json").out)
    return {(row["model"], row["T"], row["seed"]) for row in rows}


def test_values_with_commas_are_those_of_the_option_given_again(bench):
    several = planned(bench, "--model", "rnn,lstm", "--T", "3,5", "--seed", "0,2-3")
    models = [word for name in ("rnn", "lstm") for word in ("--model", name)]
    lengths = [word for T in (3, 5) for word in ("--T", T)]
    seeds = [word for seed in (0, 2, 3) for word in ("--seed", seed)]
    assert several == planned(bench, *models, *lengths, *seeds) and len(several) == 12


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--T", "3,"], "'' is not a whole number"),
        (["--T", "3,0"], "must be at least 1, not 0"),
        (["--T", "3-5"], "'3-5' is not a whole number"),
        (["--seed", "5-2"], "ascends"),
        (["--seed", "0-999999"], "ascends"),
    ],
)
def test_a_wrong_value_among_several_is_named(bench, arguments, text):
    assert text in bench("run", "tiny", *arguments, code=2).err


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ("urnn, lstm", ("urnn", "lstm")),
        ("urnn @ hidden=64, lr=0.1", ("urnn @ hidden=64, lr=0.1",)),
        ("urnn @ a=[1, 2], b=3,lstm,gru @ a=1", ("urnn @ a=[1, 2], b=3", "lstm", "gru @ a=1")),
        ("wide, deep", ("wide, deep",)),
        ("wide, deep @ a=1,lstm", ("wide, deep @ a=1", "lstm")),
    ],
)
def test_labels_of_a_grid_and_names_with_commas_stay_whole(given, labels):
    assert split_labels(given, known={"wide, deep"}) == labels


def test_a_label_of_a_grid_selects_its_run(bench):
    grid = ("--set", "grid={hidden: [4, 6], optimizer.lr: [0.1, 0.01]}")
    assert planned(bench, *grid, "--model", "lstm @ hidden=4, lr=0.1,rnn @ hidden=6, lr=0.1") == {
        ("lstm @ hidden=4, lr=0.1", 4, 0),
        ("rnn @ hidden=6, lr=0.1", 4, 0),
    }
