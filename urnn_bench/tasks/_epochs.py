"""The order of a fixed training set in every epoch."""

from functools import lru_cache

import torch
from torch import Tensor

from urnn_bench.errors import DataError
from urnn_bench.random_streams import generator


def epoch_indices(count: int, index: int, size: int, seed: int) -> Tensor:
    """Return which of ``count`` examples make up batch ``index`` of training (B).

    Examples that do not fill a batch at the end of an epoch are skipped. Raises DataError if a
    batch is larger than the training set.
    """
    if size > count:
        raise DataError(
            f"a batch of {size} is larger than the training set of {count}; "
            "make it smaller with --batch"
        )
    epoch, place = divmod(index, count // size)
    return _shuffled(count, seed, epoch)[place * size : (place + 1) * size]


@lru_cache(maxsize=4)
def _shuffled(count: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(count, generator=generator(seed, "data", "train", epoch))
