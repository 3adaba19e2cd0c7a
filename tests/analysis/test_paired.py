"""The sign-flip test, Holm's correction, and how many seeds they need."""

from itertools import product
from math import isnan, log, nan

import numpy as np
import pytest

from urnn_bench.analysis.paired import compare_paired, holm, seeds_needed, sign_flip


def test_the_sign_flip_test_is_the_count_over_all_flips():
    differences = [0.3, -0.1, 0.5, 0.2, 0.05, 0.4, -0.2, 0.1, 0.33]
    means = np.array([np.mean(np.multiply(differences, s)) for s in product((1, -1), repeat=9)])
    found = np.mean(differences) - 1e-12
    assert sign_flip(differences) == pytest.approx(np.mean(abs(means) >= found))
    assert sign_flip(differences, "greater") == pytest.approx(np.mean(means >= found))


@pytest.mark.parametrize(("pairs", "p"), [(3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_fewer_than_six_pairs_decide_nothing(pairs, p):
    a = [1.0 + 0.01 * i for i in range(pairs)]
    comparison = compare_paired(a, [x / 2 for x in a])
    assert comparison.p == pytest.approx(p) and comparison.ratio.value == pytest.approx(0.5)
    assert comparison.verdict == ("lower" if pairs >= 6 else "too few seeds")
    assert comparison.ratio.kind == ("95 %" if pairs >= 6 else "range")


def test_pairs_that_differ_by_chance_are_not_different():
    a = np.exp(np.random.default_rng(1).normal(size=8))
    b = a * np.exp(np.random.default_rng(2).normal(size=8))
    comparison = compare_paired(list(a), list(b))
    assert comparison.verdict == "no difference found" and comparison.p > 0.05
    assert log(comparison.ratio.low) < log(comparison.ratio.value) < log(comparison.ratio.high)


def test_equal_pairs_have_no_difference_and_none_has_no_ratio():
    assert compare_paired([0.1] * 6, [0.1] * 6).verdict == "no difference found"
    for a, b in (([], []), ([0.0] * 6, [1.0] * 6), ([1.0] * 6, [nan] * 6)):
        comparison = compare_paired(a, b)
        assert comparison.verdict == "unknown" and isnan(comparison.p_above(1.05))


def test_a_ratio_is_above_a_tolerance_only_if_seeds_are():
    a = [1.0 + 0.01 * i for i in range(6)]
    comparison = compare_paired(a, [1.1 * x for x in a])
    assert comparison.p_above(1.05) == pytest.approx(2**-6)
    assert comparison.p_above(1.1001) == 1.0
    assert compare_paired(a, a).p_above(1.0) == 1.0


def test_holms_correction_by_hand():
    """The smallest of four times 4, the next times 3, and no p below one before it."""
    assert holm([0.01, 0.04, 0.03, 0.01]) == pytest.approx([0.04, 0.06, 0.06, 0.04])
    assert holm([0.9, nan, 0.4])[::2] == pytest.approx([0.9, 0.8])
    assert isnan(holm([0.9, nan, 0.4])[1]) and holm([]) == []


@pytest.mark.parametrize("comparisons", [1, 2, 3, 4, 12, 100])
def test_so_many_seeds_can_be_told_apart_and_one_fewer_cannot(comparisons):
    needed = seeds_needed(comparisons)
    assert holm([2.0**-needed] * comparisons)[0] <= 0.05
    assert needed == 6 or holm([2.0 ** -(needed - 1)] * comparisons)[0] > 0.05
