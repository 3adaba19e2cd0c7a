"""What is best so far, what a draw is expected to find, and which axes decide the loss."""

from itertools import combinations, count
from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_trials import record_trial, trial

from urnn_bench.analysis.importance import importance
from urnn_bench.analysis.results import load
from urnn_bench.analysis.statistics import geometric_mean
from urnn_bench.analysis.trials import (
    averages,
    axes_of,
    best_by_trial,
    best_by_updates,
    expected_best,
    frame,
    scale_of,
    values_of,
)
from urnn_bench.claims.search_verdicts import best_trial, up_to_cost
from urnn_bench.claims.searches import SearchClaim

LOSSES = st.lists(st.none() | st.floats(1e-6, 1e6), min_size=1, max_size=12)
COSTS = st.lists(st.integers(0, 50), min_size=12, max_size=12)


def made(losses, costs=(), **more):
    """A search whose trials have these losses, None if one has failed."""
    return [
        trial(number, loss=loss, updates=cost, **more)
        for number, loss, cost in zip(count(), losses, costs or [10] * len(losses), strict=False)
    ]


@given(LOSSES)
def test_what_is_best_so_far_never_rises(losses):
    best = frame(made(losses))["best"].dropna()
    known = [loss for loss in losses if loss is not None]
    assert (best.diff().dropna() <= 0).all()
    assert not known or best.iloc[-1] == min(known)


@given(LOSSES)
def test_trials_count_in_their_order_however_they_were_written(losses):
    trials = made(losses)
    assert frame(trials).equals(frame(trials[::-1]))


def test_a_later_line_of_a_trial_counts_for_nothing():
    again = [*made([0.5, 0.4]), trial(1, loss=0.1)]
    assert frame(again)["loss"].tolist() == [0.5, 0.4]


@given(LOSSES, COSTS, st.integers(1, 12))
def test_curves_over_trials_have_what_a_claim_is_judged_by(losses, costs, number):
    trials = made(losses, costs)
    kept = up_to_cost(claim(trials=number), trials)
    assert (kept is None) == (number > len(losses))
    if kept is not None:
        found = best_by_trial(frame(trials))[0][number]
        best = best_trial(kept)
        assert np.isnan(found) if best is None else found == best.loss


@given(LOSSES, COSTS, st.integers(1, 600))
def test_curves_over_updates_have_what_a_claim_is_judged_by(losses, costs, updates):
    trials = made(losses, costs)
    curve = best_by_updates(frame(trials))[0]
    kept = up_to_cost(claim(updates=updates), trials)
    assert (kept is None) == (updates > sum(costs[: len(losses)]))
    if kept is not None:
        best = best_trial(kept)
        known = curve[curve.index <= updates].dropna()
        assert known.empty if best is None else known.iloc[-1] == best.loss


def claim(**quantity):
    return SearchClaim.model_validate(
        {
            **dict.fromkeys(("figure", "says", "source"), ""),
            "reference": {"value": "lower"},
            "needs": {"benchmark": "made", "sampler": "tpe"},
            "quantity": {"of": "search", **quantity},
            "expect": {"below": 0.0},
        }
    )


def test_over_updates_nothing_is_known_of_a_search_that_has_ended():
    trials = [*made([0.5, 0.4], [10, 10]), *made([0.3, 0.2], [15, 15], seed=1)]
    curves = best_by_updates(frame(trials))
    assert curves.index.tolist() == [10, 15, 20, 30]
    assert curves[0].tolist()[:3] == [0.5, 0.5, 0.4] and np.isnan(curves[0][30])
    assert np.isnan(curves[1][10]) and curves[1].tolist()[1:] == [0.3, 0.3, 0.2]


def test_the_mean_over_searches_is_geometric_where_all_have_a_loss():
    trials = [t for seed in range(3) for t in made([None if seed else 1.0, 2.0 + seed], seed=seed)]
    found = averages(best_by_trial(frame(trials)))
    expected = geometric_mean([1.0, 3.0, 4.0])
    assert found.index.tolist() == [2]
    assert tuple(found.loc[2]) == (expected.value, 1.0, 4.0)


def test_six_searches_have_an_interval():
    trials = [t for seed in range(6) for t in made([1.0 + seed], seed=seed)]
    expected = geometric_mean([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    found = averages(best_by_trial(frame(trials)))
    assert tuple(found.loc[1]) == (expected.value, expected.low, expected.high)


def test_losses_without_a_logarithm_have_their_plain_mean():
    trials = [t for seed, loss in enumerate((-1.0, 2.0)) for t in made([loss], seed=seed)]
    assert averages(best_by_trial(frame(trials)))["value"][1] == 0.5


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9))
def test_the_expected_best_is_the_mean_over_all_draws(losses):
    values = [expected_best(losses, k) for k in range(1, len(losses) + 1)]
    brute = [
        np.mean([min(drawn) for drawn in combinations(losses, k)])
        for k in range(1, len(losses) + 1)
    ]
    assert values == pytest.approx(brute, rel=1e-12, abs=1e-9)
    assert values[0] == pytest.approx(np.mean(losses), rel=1e-12, abs=1e-9)
    assert values[-1] == min(losses)


def test_a_draw_of_failed_trials_alone_has_no_best():
    assert expected_best([0.5, inf, inf], 2) == inf
    assert expected_best([0.5, inf, inf], 3) == 0.5


@pytest.mark.parametrize("k", [0, 4])
def test_no_more_are_drawn_than_there_are(k):
    with pytest.raises(ValueError, match=f"{k} of 3"):
        expected_best([1.0, 2.0, 3.0], k)


def varied(n, loss_of):
    """Trials at random values of three axes, one of them conditional."""
    rng = np.random.default_rng(0)
    for number in range(n):
        values = {
            "optimizer.lr": float(10 ** rng.uniform(-4, -1)),
            "hidden": int(rng.integers(8, 12)),
            "model.unit": str(rng.choice(["gru", "lstm"])),
        }
        if values["model.unit"] == "gru":
            values["model.gates"] = [1, 2] if rng.random() < 0.5 else [1]
        yield trial(number, values=values, loss=loss_of(values))


def by_rate(values):
    return exp((log(values["optimizer.lr"]) - log(1e-3)) ** 2 / 10)


def test_an_axis_that_decides_everything_has_all_of_the_importance():
    found = importance(frame(list(varied(60, by_rate))))
    assert found.pop("optimizer.lr") > 0.9
    assert all(share < 0.05 for share in found.values())


def test_a_choice_that_decides_everything_has_all_of_the_importance():
    trials = varied(60, lambda values: {"gru": 1.0, "lstm": 2.0}[values["model.unit"]])
    found = importance(frame(list(trials)))
    assert found["model.unit"] > 0.95 and found["optimizer.lr"] < 0.05


def test_a_conditional_axis_is_judged_where_it_is_active():
    trials = list(varied(80, lambda values: float(len(values.get("model.gates", "far away")))))
    found = importance(frame(trials))
    assert found["model.gates"] > 0.95
    # among all trials, the axis that it depends on decides most
    assert found["model.unit"] > 0.8


def test_importance_is_the_same_again_and_of_complete_trials_alone():
    trials = list(varied(30, by_rate))
    pruned = [t.model_copy(update={"trial": 99 + t.trial, "state": "pruned"}) for t in trials[:9]]
    assert importance(frame(trials)) == importance(frame([*trials, *pruned]))


def test_an_axis_with_one_value_has_no_importance():
    trials = [trial(n, loss=1.0 + n, values={"hidden": 8, "lr": 0.1 * n}) for n in range(1, 5)]
    assert list(importance(frame(trials))) == ["lr"]


def test_equal_losses_have_no_variance_to_explain():
    assert importance(frame(list(varied(10, lambda _: 0.5)))) == {}


def test_axes_of_words_lists_and_numbers_are_told_apart():
    trials = frame(list(varied(40, by_rate)))
    scales = {axis: scale_of(values_of(trials, axis)) for axis in axes_of(trials)}
    assert scales == {
        "optimizer.lr": "log",
        "hidden": "linear",
        "model.unit": "words",
        "model.gates": "words",
    }
    assert set(values_of(trials, "model.gates")) == {"[1, 2]", "[1]"}


def test_an_axis_may_have_the_name_of_a_column():
    trials = frame([trial(0, values={"seed": 7}), trial(1, values={"seed": 8})])
    assert trials["seed"].tolist() == [0, 0] and values_of(trials, "seed").tolist() == [7.0, 8.0]


def test_results_have_the_trials_of_their_lengths(bench):
    for T in (50, 100):
        bench.record("lstm", T=T)
        record_trial(bench, 0, T=T)
    results = load(bench.folder / "results", "made")
    assert results.trials["T"].tolist() == [50, 100]
    assert results.at([50]).trials["T"].tolist() == [50]


def test_results_without_a_search_have_no_trials(bench):
    bench.record("lstm")
    assert load(bench.folder / "results", "made").trials.empty
