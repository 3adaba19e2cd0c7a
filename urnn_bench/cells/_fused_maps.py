"""A convolutional recurrent network on a CPU, faster than step by step: the kernel ``fused``.

Maps and filters are channels-last, the layout in which torch's convolutions do without copies. What
depends on an image or a map alone is computed once for as long as that stays the same: a layer
without recurrence sees a static image once, and so does the first convolution above it.

T steps, B batch, F pixels of all channels, C channels of a layer, R rows, S columns.
"""

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from urnn_bench.cells._convolutional import is_constant
from urnn_bench.cells.units.base import Unit
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.time_loop import State, W, W_contra

T = TypeVar("T")

# the number of a layer from 0, the output of the one below and the weights to the layer's input
LayerInput = Callable[[int, Tensor, Any], Tensor]
# the number of a layer, its unit, input, states and weights to its next states
UnitStep = Callable[[int, Unit[Any], Tensor, State, Any], State]


class HasLayers(Protocol[W_contra]):
    """What the kernel needs of the network."""

    def drive(self, x: Tensor, w: W_contra) -> Tensor:
        """Return what the first layer sees of images (T, B, F)."""

    def layer_input(self, layer: int, h: Tensor, w: W_contra) -> Tensor:
        """Return what a layer, counted from 0, gets of the output of the layer below."""

    def advance(
        self, u: Tensor, state: State, w: W_contra, layer_input: LayerInput, unit_step: UnitStep
    ) -> State:
        """Return the next states of all layers."""

    @property
    def layer_units(self) -> tuple[Unit[Any], ...]:
        """The units, from the bottom."""


_NOTHING = (None, None)


class _Walk(Generic[W]):
    """The layers' inputs and what units need of them, kept while what they are made of stays."""

    def __init__(self, cell: HasLayers[W], w: W) -> None:
        self.cell, self.w = cell, w
        self._kept: dict[tuple[str, int], tuple[object, Any]] = {}

    def step(self, image: Tensor, state: State) -> State:
        """Return the next states of all layers, of an image (1, B, F)."""
        u = self._same("drive", 0, image, lambda: self._drive(image))
        return self.cell.advance(u, state, self.w, self._layer_input, self._unit_step)

    def _drive(self, image: Tensor) -> Tensor:
        # not [0], whose gradient is written into zeros of another layout
        return channels_last(self.cell.drive(image, self.w).squeeze(0))

    def _layer_input(self, layer: int, h: Tensor, w: W) -> Tensor:
        return self._same("input", layer, h, lambda: self.cell.layer_input(layer, h, w))

    def _unit_step(self, layer: int, unit: Unit[Any], x: Tensor, state: State, w: Any) -> State:
        u = self._same("unit", layer, x, lambda: unit.fused_drive(x, w))
        return unit.fused_step(u, state, w)

    def _same(self, what: str, layer: int, of: Tensor, compute: Callable[[], T]) -> T:
        """Return the result of the step before if it was of the same tensor, else a new one."""
        if self._kept.get((what, layer), _NOTHING)[0] is not of:
            self._kept[what, layer] = of, compute()
        kept: T = self._kept[what, layer][1]
        return kept


def _iterate_states(cell: HasLayers[W], x: Tensor, state: State, w: W) -> Iterator[State]:
    """Yield the states after each step of images (T, B, F)."""
    w, state = tree_map(channels_last, (w, state))
    walk = _Walk(cell, w)
    for image in _images(x):
        state = walk.step(image, state)
        yield state


def _images(x: Tensor) -> Iterator[Tensor]:
    """Yield the image (1, B, F) of each step: the same tensor while it does not change."""
    image = x[:1]
    for t in range(len(x)):
        if not is_constant(x) and (x.requires_grad or not torch.equal(image[0], x[t])):
            # of a gradient each step gets its own
            image = x[t : t + 1]
        yield image


def channels_last(tensor: Tensor) -> Tensor:
    """Return a map or filters with the channels side by side, other tensors as they are."""
    if tensor.dim() != 4:
        return tensor
    laid_out = tensor.contiguous(memory_format=torch.channels_last)
    # of one channel, memory is the same either way: strides alone tell a convolution what to answer
    batch, channels, rows, columns = tensor.shape
    return laid_out.view(batch, rows, columns, 1).permute(0, 3, 1, 2) if channels == 1 else laid_out


def _run(cell: HasLayers[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
    states = list(_iterate_states(cell, x, state, w))
    # a stack of maps as they are would put the places of a channel side by side
    hs = torch.stack([s[0].permute(0, 2, 3, 1) for s in states])
    return hs.permute(0, 1, 4, 2, 3), states[-1]


def _last_state(cell: HasLayers[W], x: Tensor, state: State, w: W) -> State:
    for states in _iterate_states(cell, x, state, w):
        state = states
    return state


def _unavailable_for(cell: HasLayers[Any]) -> str | None:
    reasons = (unit.fused_unavailable_reason() for unit in cell.layer_units)
    return next((reason for reason in reasons if reason is not None), None)


# not own_threads: most of the time is that of torch's convolutions, by its threads
FUSED: Implementation[HasLayers[Any], Any] = Implementation(
    frozenset({"cpu"}), _run, _unavailable_for, last_state=_last_state
)
