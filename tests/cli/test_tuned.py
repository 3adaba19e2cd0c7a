"""The best of the settings that were tried, chosen on validation, and what k give on average."""

import json
from itertools import combinations
from math import inf, log

import pytest

from urnn_bench.analysis.trials import expected_best

LOSSES = {"1e-3": (0.2, 0.4), "1e-2": (0.1, 0.1), "1e-1": (0.5, 0.5)}


@pytest.fixture
def swept(bench):
    """Three rates of two seeds each; the lowest test loss is that of the worst on validation."""
    for rate, losses in LOSSES.items():
        for seed, loss in enumerate(losses):
            fit = {"optimizer": {"name": "adam", "lr": float(rate)}}
            more = {"point": f"lr={rate}", "fit": fit, "seed": seed, "best_step": 500}
            folder = bench.record("urnn", test=1 / loss, **more)
            rows = f"500,1,1.0,validation,cross_entropy_nat,{loss}\n"
            with (folder / "metrics.csv").open("a") as file:
                file.write(rows + "1000,1,2.0,validation,cross_entropy_nat,1e-9\n")
    return bench


def test_validation_chooses_and_the_test_is_that_of_the_chosen(swept):
    (row,) = json.loads(swept("table", "made", "--tuned", "--json").out)
    assert row["best"] == "urnn @ lr=1e-2" and row["tried"] == 3 and row["seeds"] == 2
    assert row["validation"] == pytest.approx(0.1) and row["test"] == pytest.approx(10)
    said = swept("table", "made", "--tuned")
    assert "it is too good" in said.err and "urnn\t100\t3\turnn @ lr=1e-2" in said.out


def test_a_setting_that_diverged_is_never_the_best(swept):
    fit = {"optimizer": {"name": "adam", "lr": 1.0}}
    more = {"point": "lr=1", "fit": fit, "best_step": 1000, "status": "diverged"}
    folder = swept.record("urnn", **more)
    with (folder / "metrics.csv").open("a") as file:
        file.write("1000,1,1.0,validation,cross_entropy_nat,1e-9\n")
    (row,) = json.loads(swept("table", "made", "--tuned", "--json").out)
    assert row["best"] == "urnn @ lr=1e-2" and row["tried"] == 4


def test_the_expected_best_is_the_mean_over_all_draws():
    logs = [log(0.3), log(0.1), inf, log(0.5)]
    for k in range(1, 5):
        draws = [min(draw) for draw in combinations(logs, k)]
        expected = sum(draws) / len(draws)
        assert expected_best(logs, k) == pytest.approx(expected)


def test_its_figure_needs_several_settings(swept):
    swept("plot", "made", "--figure", "expected_best", "--metric", "x", code=2)
    assert swept("plot", "made", "--figure", "expected_best").out.endswith("expected_best.png\n")
    words = ("--where", "lr=1e-2")
    error = swept("plot", "made", "--figure", "expected_best", *words, code=5).err
    assert "no model was trained with several settings" in error
    assert "no model was trained" in swept("table", "made", "--tuned", *words, code=5).err


def test_options_that_have_no_part_are_refused(swept):
    assert "--tuned goes by the loss" in swept("table", "made", "--tuned", "--memory", code=2).err
