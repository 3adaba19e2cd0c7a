"""Check a kernel's forward pass, and its last state alone, against the time loop in float64."""

from collections.abc import Sequence

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.time_loop import State
from urnn_bench.measure.correctness import first_state
from urnn_bench.measure.forward_plan import CellAtShape
from urnn_bench.random_streams import generator, seed_globals
from urnn_bench.registry import Components

# the time loop over all steps would take longer than what is timed
CHECKED_STEPS = 1000
_CHECKED_SEQUENCES = 128
# where the exact value is zero there is only rounding, too small to divide by
_ZERO = 1e-6


def noise(steps: int, batch: int, inputs: int, dtype: torch.dtype) -> Tensor:
    """Return white noise as input, (T, B, F)."""
    return torch.randn(steps, batch, inputs, generator=generator(0, "kernels"), dtype=dtype)


class ForwardCheck:
    """The first steps of a cell by the time loop in float64, and how far from them others are."""

    @torch.no_grad()
    def __init__(self, components: Components, cell: CellAtShape, device: str) -> None:
        steps = min(cell.shape.steps, CHECKED_STEPS)
        batch = min(cell.shape.batch, _CHECKED_SEQUENCES)
        self.x = noise(steps, batch, cell.inputs, torch.float64).to(device)
        self.built = cell.build(components, torch.float64).to(device)
        self._expected = _results(self.built, self.x, "eager")
        self._smallest = _ZERO * max(float(e.abs().max()) for e in self._expected)

    @torch.no_grad()
    def error_of_kernel(self, kernel: str) -> float:
        """Return the largest relative difference of a kernel from the time loop.

        Compares h over time and the last state, then the last state alone with that. Infinite if
        they have other shapes.
        """
        found = _results(self.built, self.x, kernel)
        alone = _last_alone(self.built, self.x, kernel) or found[1:]
        return self._largest(
            [*zip(self._expected, found, strict=True), *zip(found[1:], alone, strict=True)]
        )

    def error_of_states(self, hs: Tensor) -> float:
        """Return the same of states over time from zeros, of some of the sequences (T, B, H)."""
        return self._largest([(self._expected[0][:, : hs.shape[1]], hs)])

    def _largest(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
        return float(torch.tensor([_difference(e, v, self._smallest) for e, v in pairs]).max())


def _results(cell: Cell, x: Tensor, kernel: str) -> State:
    """Return h over time and every tensor of the last state."""
    seed_globals(0, "kernels")
    hs, last = choose(cell, x.device.type, kernel).run(x, first_state(cell, x), cell.weights())
    return tuple(map(_numbers, (hs, *last)))


def _last_alone(cell: Cell, x: Tensor, kernel: str) -> State | None:
    last_state = choose(cell, x.device.type, kernel).last_state
    if last_state is None:
        return None
    seed_globals(0, "kernels")
    return tuple(map(_numbers, last_state(x, first_state(cell, x), cell.weights())))


def _numbers(state: Tensor) -> Tensor:
    """Return a state that may be subtracted; a clock or a mark may be of whole numbers or bool."""
    return state if state.is_floating_point() or state.is_complex() else state.double()


def _difference(expected: Tensor, value: Tensor, smallest: float) -> float:
    """Return the largest difference relative to the largest number, which is taken as no less."""
    if expected.shape != value.shape:
        return float("inf")
    scale = max(smallest, float(expected.abs().max()))
    difference = float((expected - value).abs().max())
    # all may be zero
    return difference / scale if difference else 0.0
