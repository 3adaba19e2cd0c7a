"""Permuted MNIST: a digit is read one pixel a step in a fixed random order.

Le, Jaitly and Hinton (2015), arXiv:1504.00941. Neighbours in the image are far apart in the
sequence, so memory decides. The order is the one of Wisdom et al. (2016), arXiv:1611.00035, which
most later papers use; scores of papers with an order of their own cannot be compared with it.
"""

from pydantic import Field

from urnn_bench.tasks._images import ORDER, Permutation
from urnn_bench.tasks.mnist import Mnist, MnistOptions


class PermutedMnistOptions(MnistOptions):
    """MNIST's options, permuted by default."""

    permutation: Permutation = Field("wisdom", description=ORDER)


class PermutedMnist(Mnist):
    """MNIST in a fixed order that is not that of the rows."""

    Options = PermutedMnistOptions
