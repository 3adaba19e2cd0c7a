"""Times that come with an input: what holds for them. T steps, B batch."""

from torch import Tensor

from urnn_bench.errors import ComponentError


def check_times(times: Tensor) -> None:
    """Raise ComponentError unless times (T, B) increase from step to step.

    The message names the first step at which they do not, and its first sample, counted from 1.
    """
    # not <=, which is false for NaN as well
    wrong = ~(times[1:] > times[:-1])
    if not wrong.any():
        return
    step, sample = wrong.nonzero()[0].tolist()
    before, after = times[step, sample].item(), times[step + 1, sample].item()
    raise ComponentError(
        f"the time of step {step + 2} of sample {sample + 1} is {after:.9g}, after {before:.9g}; "
        "timestamps must increase"
    )
