"""Permuted digits of 8 × 8: read one pixel a step in a fixed random order, without a download.

The images of ``digits``, in the order of numpy's RandomState(92916), as in ``pmnist``.
"""

from pydantic import Field

from urnn_bench.tasks._images import ORDER, Permutation
from urnn_bench.tasks.digits import Digits, DigitsOptions


class PermutedDigitsOptions(DigitsOptions):
    """The options of the digits, permuted unless told otherwise."""

    permutation: Permutation = Field("wisdom", description=ORDER)


class PermutedDigits(Digits):
    """Small digits in a fixed order that is not that of the rows."""

    Options = PermutedDigitsOptions
