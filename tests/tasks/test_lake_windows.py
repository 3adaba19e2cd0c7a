"""Windows of days: those to train on cover all days, and others score each of them once."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from urnn_bench.tasks._lake_windows import evaluation_windows, training_windows

LENGTHS = st.integers(3, 60)


@given(first=st.integers(0, 50), more=st.integers(0, 90), T=LENGTHS)
def test_windows_to_train_on_cover_their_days_and_no_others(first, more, T):
    days = range(first, first + T + more)
    windows = training_windows(days, T, T // 2)
    assert set(windows.days.flatten().tolist()) == {*days}
    assert windows.scored.all()
    gaps = windows.starts.diff()
    assert (gaps > 0).all() and (gaps <= T // 2).all() and (gaps[:-1] == T // 2).all()


@given(first=st.integers(0, 90), count=st.integers(1, 120), T=LENGTHS)
def test_every_day_of_an_evaluation_is_scored_once(first, count, T):
    days = range(first, first + count)
    windows = evaluation_windows(days, T, T // 2)
    scored = windows.days[windows.scored]
    assert sorted(scored.tolist()) == [*days]
    assert int(windows.starts.min()) >= 0 and int(windows.days.max()) < max(T, days.stop)


@given(first=st.integers(60, 90), count=st.integers(1, 120), T=LENGTHS)
def test_half_a_window_is_read_before_it_is_scored(first, count, T):
    windows = evaluation_windows(range(first, first + count), T, T // 2)
    assert not windows.scored[: T - T // 2].any()


def test_a_window_of_all_days_is_one():
    windows = training_windows(range(5, 45), 40, 20)
    assert windows.starts.tolist() == [5]
    assert torch.equal(windows.days[:, 0], torch.arange(5, 45))


@pytest.mark.parametrize("rows", [slice(1, 3), torch.tensor([1, 2])])
def test_rows_of_windows_are_windows(rows):
    windows = evaluation_windows(range(30, 100), 20, 10)
    part = windows.at(rows)
    assert torch.equal(part.days, windows.days[:, 1:3])
    assert torch.equal(part.scored, windows.scored[:, 1:3])
