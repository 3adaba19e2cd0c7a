"""Splits, standardisation and sampling of trajectories, as functions of what they are alone.

N series, T steps, three channels. L is the length of a series at the full rate.
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from urnn_bench.errors import DataError
from urnn_bench.tasks._labelled_series import Moments, Series, Split, Splits, moments, padded

LONGEST = 182
_FEWEST_KEPT = 2
# 70, 15 and 15 %, drawn as in the released code
_HELD_OUT, _TEST_OF_HELD_OUT = 0.3, 0.5
_SEEDS = 0, 1

# by T, every how many samples are read; of two strides with one T the smaller
STRIDES = {ceil(LONGEST / stride): stride for stride in range(LONGEST, 0, -1)}


class Sampling(NamedTuple):
    """Which sample is read at every step (N, T), the last again after the end, and how many (N)."""

    positions: Tensor
    lengths: Tensor


def split(series: Sequence[Series]) -> Splits:
    """Return series in three splits, with the same shares of every class in each.

    Every channel has mean 0 and standard deviation 1 over the samples of the training series.
    Raises DataError for a series of more than 182 samples.
    """
    # scikit-learn takes a second to import
    from sklearn.model_selection import train_test_split

    labels = np.array([one.label for one in series])
    rows = np.arange(len(series))
    train, rest = train_test_split(
        rows, test_size=_HELD_OUT, stratify=labels, random_state=_SEEDS[0]
    )
    validation, test = train_test_split(
        rest, test_size=_TEST_OF_HELD_OUT, stratify=labels[rest], random_state=_SEEDS[1]
    )
    by = moments(np.concatenate([series[row].values for row in train]))
    parts = ([series[row] for row in part] for part in (train, validation, test))
    return Splits(*(_padded(part, by) for part in parts))


def _padded(series: Sequence[Series], by: Moments) -> Split:
    longest = max(len(one.values) for one in series)
    if longest > LONGEST:
        raise DataError(f"a trajectory has {longest} samples, and the longest has {LONGEST}")
    return padded(series, by, LONGEST)


def sampling(lengths: Tensor, T: int, missing: float, scores: Tensor) -> Sampling:
    """Return which samples are read of series of ``lengths`` (N), at the rate of T steps.

    Of the samples at that rate the share ``missing`` is dropped: those of the highest ``scores``
    (N, T), which are random. At least two remain, if there are two.
    """
    stride, steps = STRIDES[T], torch.arange(T)
    present = (lengths + stride - 1) // stride
    dropped = (missing * present).round().long()
    kept = (present - dropped).clamp(min=_FEWEST_KEPT).minimum(present)
    ranked = scores.masked_fill(steps >= present[:, None], torch.inf).argsort(1)
    # what is dropped is sorted behind what is kept, and then replaced
    order = ranked.masked_fill(steps >= kept[:, None], T).sort(1).values
    last = order.gather(1, kept[:, None] - 1)
    return Sampling(stride * torch.where(steps < kept[:, None], order, last), kept)


def sample_times(sampled: Sampling, stride: int) -> Tensor:
    """Return the time of every step's sample (N, T), in samples at 200 Hz, from 1.

    After the end of a series it goes on at the rate of the samples.
    """
    positions, lengths = sampled
    after = (torch.arange(1, positions.shape[1] + 1) - lengths[:, None]).clamp(min=0)
    return (positions + 1 + stride * after).double()
