"""Fixed orders in which pixels are read, each a function of their number.

``wisdom`` is numpy's RandomState(92916), of Wisdom et al. (2016), arXiv:1611.00035, which most of
the field took over; ``arjovsky`` the chain of draws of the uRNN authors' MNIST script: one
generator shuffles the 50,000 training and the 10,000 validation images before it draws the
permutation; ``bit_reversal`` is HiPPO's (Gu et al. 2020, arXiv:2008.07669): positions ordered by
their binary digits read backwards.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

# RandomState and not numpy's Generator: its streams are frozen, so orders are the same for ever
_WISDOM, _ARJOVSKY = 92916, 1234
_SHUFFLED_BEFORE = (50_000, 10_000)


def permutation(name: str | int, count: int) -> Tensor:
    """Return the permutation of ``count`` positions that has a name, or a seed of RandomState."""
    if isinstance(name, int):
        return _drawn(name, count)
    return NAMED[name](count)


def _drawn(seed: int, count: int) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).permutation(count))


def _arjovsky(count: int) -> Tensor:
    # the shuffles count for the draws that they take from the generator; their results do not
    rng = np.random.RandomState(_ARJOVSKY)
    for images in _SHUFFLED_BEFORE:
        rng.shuffle(np.arange(images))
    return torch.from_numpy(rng.permutation(count))


def _bit_reversal(count: int) -> Tensor:
    digits = (count - 1).bit_length()
    backwards = (int(f"{i:0{digits}b}"[::-1], 2) for i in range(1 << digits))
    return torch.tensor([i for i in backwards if i < count])


NAMED: Mapping[str, Callable[[int], Tensor]] = {
    "none": torch.arange,
    "wisdom": lambda count: _drawn(_WISDOM, count),
    "arjovsky": _arjovsky,
    "bit_reversal": _bit_reversal,
}
