"""Intervals and tests against scipy's own answers and against what is known by hand."""

from math import exp, inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from urnn_bench.analysis.statistics import (
    geometric_mean,
    mean,
    proportion,
    range_of_few,
    survival,
)
from urnn_bench.analysis.student import quantile_0975

SAMPLE = [0.02, 0.05, 0.011, 0.03, 0.2]


def test_the_geometric_mean_is_the_mean_of_logarithms_with_scipys_interval():
    interval = geometric_mean(SAMPLE)
    logs = np.log(SAMPLE)
    low, high = stats.t.interval(0.95, len(logs) - 1, loc=logs.mean(), scale=stats.sem(logs))
    assert interval.value == pytest.approx(stats.gmean(SAMPLE))
    assert (interval.low, interval.high) == pytest.approx((exp(low), exp(high)))


def test_its_interval_covers_what_it_says_at_three_seeds():
    rng = np.random.default_rng(0)
    samples = np.exp(rng.normal(-3, 1, size=(2000, 3)))
    intervals = [geometric_mean(list(sample)) for sample in samples]
    covered = np.mean([i.low <= exp(-3) <= i.high for i in intervals])
    assert 0.935 < covered < 0.965


@pytest.mark.parametrize("values", [[], [0.0, 1.0], [nan, 1.0], [inf, 1.0], [-1.0]])
def test_what_has_no_logarithm_has_no_mean(values):
    assert isnan(geometric_mean(values).value)


def test_what_lies_too_far_apart_has_an_end_beyond_all_numbers():
    interval = geometric_mean([1e-200, 1e-20])
    assert interval.value == pytest.approx(1e-110) and (interval.low, interval.high) == (0.0, inf)


def test_two_seeds_have_a_wide_interval():
    interval = geometric_mean([1.0, exp(2.0)])
    half = stats.t.ppf(0.975, 1)
    assert (interval.low, interval.high) == pytest.approx((exp(1 - half), exp(1 + half)))


def test_one_seed_has_no_interval():
    interval = geometric_mean([0.5])
    assert interval.value == pytest.approx(0.5) and isnan(interval.low)


SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=20)


@given(SHARES)
def test_an_interval_of_values_with_ends_is_within_them_and_has_the_mean(values):
    for scale, ends in ((1, (0, 1)), (-3, (-3, 0)), (1, (0, inf)), (-1, (-inf, 0))):
        found = mean([scale * value for value in values], ends)
        assert ends[0] <= found.low <= found.value + 1e-12
        assert found.value - 1e-12 <= found.high <= ends[1]


def test_without_ends_the_same_values_leave_them():
    values = [0.1, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert mean(values).high > 1 and mean([0.9, 0, 0, 0, 0, 0]).low < 0
    assert mean(values, (0, 1)).high < 1 and mean([0.9, 0, 0, 0, 0, 0], (0, 1)).low > 0


@pytest.mark.parametrize(("a", "b"), [(2, 2), (8, 0.5), (1, 30)])
def test_the_interval_of_a_share_covers_no_less_than_the_plain_one(a, b):
    """Of shares that are skewed, where a plain one covers too little; of even ones 95 %."""
    samples = np.random.default_rng(0).beta(a, b, (1000, 6)).tolist()
    covered = []
    for ends in ((-inf, inf), (0.0, 1.0)):
        intervals = [mean(sample, ends) for sample in samples]
        covered.append(np.mean([i.low <= a / (a + b) <= i.high for i in intervals]))
    assert covered[1] >= covered[0] and covered[1] > 0.9


@pytest.mark.parametrize("average", [mean, geometric_mean])
def test_fewer_than_six_seeds_have_their_range(average):
    for count in range(2, 8):
        values = [0.1 * (i + 1) for i in range(count)]
        found = range_of_few(values, average(values))
        ends = (found.low, found.high) == (values[0], values[-1])
        assert (found.kind, ends) == (("range", True) if count < 6 else ("95 %", False))
        assert found.low < found.value < found.high
    assert range_of_few([0.5], average([0.5])).kind is None


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=5))
def test_a_mean_is_within_the_range(values):
    found = range_of_few(values * 2, geometric_mean(values * 2))
    assert len(values) > 2 or found.low <= found.value <= found.high


@pytest.mark.parametrize(("k", "n", "low", "high"), [(0, 5, 0.0, 0.434), (5, 5, 0.566, 1.0)])
def test_wilsons_interval_of_none_and_all(k, n, low, high):
    interval = proportion(k, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-3)


def test_survival_by_hand_with_a_censored_seed():
    """Solved after 10 and 30 of four; one stopped unsolved at 20, one at 40."""
    curve = survival([10, None, 30, None], [40, 20, 40, 40])
    assert curve.times == (10, 30)
    assert curve.unsolved == pytest.approx((3 / 4, 3 / 4 * 1 / 2))
    assert curve.median == 30
    assert survival([None, None], [5, 5]).median == inf


def test_half_is_half_though_it_is_a_product_of_rounded_shares():
    solved = [3, 1, None, None, 5, 3, None, 5, 2, 2]
    curve = survival(solved, [3, 1, 6, 4, 5, 3, 3, 5, 2, 2])
    assert 0.5 < curve.unsolved[2] < 0.5 + 1e-12 and curve.median == 3


@pytest.mark.parametrize(("solved", "median"), [([1, 2, 3, 4], 2), ([1, 2, None, None], 2)])
def test_the_median_is_when_half_have_solved_it(solved, median):
    assert survival(solved, [9, 9, 9, 9]).median == median


SEEDS = st.lists(st.tuples(st.none() | st.integers(0, 20), st.integers(0, 20)), min_size=1)


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=120))
def test_a_mean_has_scipys_interval_to_the_last_bit(values):
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    found = mean(values)
    assert (found.low, found.high) == (found.value - half, found.value + half)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_has_scipys_interval_to_the_last_bit(counts):
    wilson = stats.binomtest(*counts).proportion_ci(0.95, method="wilson")
    found = proportion(*counts)
    assert (found.low, found.high) == (wilson.low, wilson.high)


@given(SEEDS)
def test_survival_is_scipys(seeds):
    solved, trained = zip(*seeds, strict=True)
    events = [step for step in solved if step is not None]
    if not events:
        assert survival(solved, trained).times == ()
        return
    censored = [end for step, end in seeds if step is None]
    curve = stats.ecdf(stats.CensoredData(uncensored=events, right=censored)).sf
    # the curve has no step at a censored time
    steps = zip(curve.quantiles, curve.probabilities, strict=True)
    expected = [(time, pytest.approx(share)) for time, share in steps if time in set(events)]
    assert list(survival(solved, trained).steps) == expected


def test_quantiles_of_student_are_scipys_to_the_last_bit():
    degrees = range(1, 120)
    assert [quantile_0975(n) for n in degrees] == stats.t.ppf(0.975, degrees).tolist()


@pytest.mark.parametrize(("seeds", "covered"), [(3, 0.75), (9, 0.90)])
def test_a_bootstrap_covers_less_than_it_says(seeds, covered):
    """The shares that the page of the protocol quotes, by 2,000 samples; the t interval has 95."""
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((2000, seeds))
    means = samples[:, rng.integers(0, seeds, (500, seeds))].mean(-1)
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(covered, abs=0.02)
    half = [interval.high - interval.value for interval in map(mean, samples[:500].tolist())]
    assert np.mean(abs(samples[:500].mean(-1)) <= half) == pytest.approx(0.95, abs=0.03)
