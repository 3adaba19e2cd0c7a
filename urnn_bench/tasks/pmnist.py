"""Permuted MNIST: a digit is read one pixel a step in a fixed random order.

Le, Jaitly and Hinton (2015), arXiv:1504.00941. Neighbours in the image lie far apart in the
sequence, so that what decides is memory. The order is the one that Wisdom et al. (2016),
arXiv:1611.00035, drew and most later papers use; papers that drew one of their own are not compared
with it.
"""

from pydantic import Field

from urnn_bench.tasks._images import ORDER, Permutation
from urnn_bench.tasks.mnist import Mnist, MnistOptions


class PermutedMnistOptions(MnistOptions):
    """MNIST's options, permuted unless told otherwise."""

    permutation: Permutation = Field("wisdom", description=ORDER)


class PermutedMnist(Mnist):
    """MNIST in a fixed order that is not that of the rows."""

    Options = PermutedMnistOptions
