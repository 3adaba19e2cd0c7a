"""Times that come with an input: what holds for them. T steps, B batch."""

import torch
from torch import Tensor

from urnn_bench.errors import ComponentError


def check_times(times: Tensor, precision: torch.dtype = torch.float64) -> None:
    """Raise ComponentError unless times (T, B) are finite and increase from step to step.

    They must do so as the network reads them too, rounded to ``precision``. The message names the
    first step at which they do not, and its first sample, counted from 1.
    """
    # not <=, which is false for NaN as well
    if place := _first(~(times[1:] > times[:-1])):
        raise ComponentError(_of_two(times, place) + "; timestamps must increase")
    rounded, name = times.to(precision), str(precision).removeprefix("torch.")
    if place := _first(~rounded.isfinite()):
        step, sample = place
        raise ComponentError(
            f"the time of step {step + 1} of sample {sample + 1} is {times[place].item():.9g}; "
            f"timestamps must be finite in {name}"
        )
    if place := _first(rounded[1:] == rounded[:-1]):
        raise ComponentError(
            f"{_of_two(times, place, digits=17)}, which is the same in {name}; count from a later "
            "time or in a smaller unit, or set fit.dtype=float64"
        )


def _first(wrong: Tensor) -> tuple[int, int] | None:
    """Return the first step that is wrong and its first sample, None if none is."""
    if not wrong.any():
        return None
    step, sample = wrong.nonzero()[0].tolist()
    return step, sample


def _of_two(times: Tensor, place: tuple[int, int], digits: int = 9) -> str:
    step, sample = place
    before, after = times[step, sample].item(), times[step + 1, sample].item()
    return (
        f"the time of step {step + 2} of sample {sample + 1} is {after:.{digits}g}, "
        f"after {before:.{digits}g}"
    )
