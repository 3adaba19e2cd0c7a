"""Whether a user's cell and readout compute in both precisions: probes need float64."""

import warnings
from collections.abc import Callable

from torch import Tensor

from urnn_bench.errors import ComponentError
from urnn_bench.models import SequenceModel
from urnn_bench.run import contract


def check_float64(name: str, readout: str, network: Callable[[], SequenceModel], x: Tensor) -> None:
    """Raise ComponentError if two steps of a network fail in float64, whatever a run has."""
    inputs = x.double() if x.is_floating_point() else x
    try:
        contract.check_network(name, readout, network().double(), inputs)
    except ComponentError as error:
        raise in_float64(error) from error.__cause__


def warn_of_float64(
    name: str, readout: str, network: Callable[[], SequenceModel], x: Tensor
) -> None:
    """Warn if two steps of a network fail in float64, in which nothing is trained."""
    try:
        check_float64(name, readout, network, x)
    except ComponentError as error:
        warnings.warn(str(error), stacklevel=2)


def in_float64(error: ComponentError) -> ComponentError:
    """Return an error that says that it arose in float64."""
    return ComponentError(f"{error} (in float64, which probes compute in)")
