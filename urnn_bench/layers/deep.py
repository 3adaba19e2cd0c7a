"""Layers of one cell, one above the other, as a cell: the features of one are the next's input.

Its first state is the output of the top layer, which the readout sees; the others are those of the
layers. As a cell, it is probed, stacked and resumed like any other.

T steps, B batch, F input features, D width of the layers, R features of a cell.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_map

from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.padding import at_ends
from urnn_bench.kernels.time_loop import State
from urnn_bench.layers.block import NORMS, Block, Plain
from urnn_bench.layers.composite import (
    DEVICES,
    CompositeCell,
    run_of,
    run_stack_of,
    takes_lengths,
)
from urnn_bench.spec.layers import Block as BlockOptions
from urnn_bench.spec.types import Config

Parameters = dict[str, Tensor]


class LayerWeights(NamedTuple):
    """The weights of a cell, and of what comes before and after it."""

    cell: Any
    before: Parameters
    after: Parameters


class DeepWeights(NamedTuple):
    """The weights of every layer, of the input's projection and of the last norm."""

    encoder: Parameters
    layers: tuple[LayerWeights, ...]
    norm: Parameters


class DeepCell(CompositeCell[DeepWeights]):
    """``layers`` cells of one type; with a block, an input projection (F to D) comes before them.

    After blocks that normalise first, their sum is normalised once more.
    """

    def __init__(
        self,
        kind: Callable[[int, int, Config], Cell],
        inputs: int,
        hidden: int,
        options: Config,
        layers: int,
        block: BlockOptions | None,
    ) -> None:
        super().__init__(inputs, hidden, options)
        self.encoder = nn.Identity() if block is None else nn.Linear(inputs, hidden)
        self.cells, self.blocks = nn.ModuleList(), nn.ModuleList()
        width = inputs if block is None else hidden
        for _ in range(layers):
            cell = kind(width, hidden, options)
            self.cells.append(cell)
            self.blocks.append(Plain() if block is None else Block(width, cell.features, block))
            width = cell.features if block is None else hidden
        last_norm = block.norm if block and block.position == "pre" else "none"
        self.norm = NORMS[last_norm](width)
        self.width = width
        drops = block is not None and block.dropout > 0
        self.draws = drops or self.layer(0).draws
        self.time_varying = self.layer(0).time_varying
        self.host_sync_reason = self.layer(0).host_sync_reason
        self.time_loop_refusal = _refusal(self.layer(0), layers, block)
        averages = block is not None and block.norm == "batch"
        self.causal = self.layer(0).causal and not averages
        self.has_step = self.layer(0).has_step and not (layers > 1 and self.time_varying)
        self.states = (StateSpec("y", memory=False), *self._layer_states())
        is_padded = takes_lengths(self.layer(0)) and not averages
        self.kernels = {
            "layers": Implementation(
                DEVICES,
                _run,
                stacked=_run_stack,
                warm_up=self.warm_up,
                padded=_run if is_padded else None,
                padded_stacked=_run_stack if is_padded else None,
            )
        }

    @property
    def inner(self) -> tuple[Cell, ...]:
        """The cells of the layers, from the bottom."""
        return tuple(self.cells)  # type: ignore[arg-type]

    def layer(self, number: int) -> Cell:
        """Return the cell of a layer, counted from 0."""
        return self.inner[number]

    def block(self, number: int) -> "Block | Plain":
        """Return what surrounds the cell of a layer."""
        block: Block | Plain = self.blocks[number]  # type: ignore[assignment]
        return block

    @property
    def features(self) -> int:
        """The width of the top layer's output."""
        return self.width

    def _layer_states(self) -> Iterator[StateSpec]:
        """Yield the states of every layer, with its number, counted from 1."""
        for number, cell in enumerate(self.inner, 1):
            yield from (StateSpec(f"{s.name}_{number}", s.memory) for s in cell.states)

    def split(self, state: State) -> Iterator[State]:
        """Yield the states of every layer, from the bottom."""
        first = 1
        for cell in self.inner:
            yield state[first : first + len(cell.states)]
            first += len(cell.states)

    def weights(self) -> DeepWeights:
        """Return those of every layer."""
        blocks = [self.block(i) for i in range(len(self.blocks))]
        layers = zip(self.inner, blocks, strict=True)
        return DeepWeights(
            dict(self.encoder.named_parameters()),
            tuple(
                LayerWeights(
                    cell.weights(),
                    dict(block.before.named_parameters()),
                    dict(block.after.named_parameters()),
                )
                for cell, block in layers
            ),
            dict(self.norm.named_parameters()),
        )

    def drive(self, x: Tensor, w: DeepWeights) -> tuple[Tensor, Any]:
        """Return the bottom layer's input (T, B, D) and its cell's drive."""
        x = _call(self.encoder, w.encoder, x)
        return x, self._drive_of(0, x, w.layers[0])

    def _drive_of(self, layer: int, x: Tensor, w: LayerWeights) -> Any:
        return self.layer(layer).drive(_call(self.block(layer).before, w.before, x), w.cell)

    def step(self, u: tuple[Tensor, Any], state: State, w: DeepWeights) -> State:
        """Return the states after one step through all layers."""
        x, drive = u
        states: list[Tensor] = []
        for i, (below, layer) in enumerate(zip(self.split(state), w.layers, strict=True)):
            if i:
                # a drive is of all steps, here of one
                drive = tree_map(lambda t: t[0], self._drive_of(i, x[None], layer))
            after = self.layer(i).step(drive, below, layer.cell)
            features = self.layer(i).readout_features(after[0])
            x = _call(self.block(i).after, layer.after, x, features)
            states += after
        return (_call(self.norm, w.norm, x), *states)

    def flops(self) -> float | None:
        """Return those of the cells, and two for each weight of the linear maps around them."""
        of_cells = [cell.flops() for cell in self.inner]
        if None in of_cells:
            return None
        linear = (*self.encoder.modules(), *self.blocks.modules())
        around = sum(2 * m.weight.numel() for m in linear if isinstance(m, nn.Linear))
        return sum(filter(None, of_cells)) + around


def _refusal(cell: Cell, layers: int, block: BlockOptions | None) -> str:
    """Return why the time loop does not compute what training does, if so."""
    if block is not None and block.norm == "batch":
        return "batch normalisation takes its means over all time steps"
    if layers > 1 and cell.time_varying:
        return "the drive of an upper layer depends on the number of the step"
    return cell.time_loop_refusal


def _call(module: nn.Module, parameters: Parameters, *args: Tensor) -> Tensor:
    """Return what a module returns with other parameters than its own."""
    output: Tensor = functional_call(module, parameters, args)
    return output


def _run(
    cell: DeepCell, x: Tensor, state: State, w: DeepWeights, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Run layer after layer over all steps, each by its cell's own kernel."""
    x = _call(cell.encoder, w.encoder, x)
    states: list[Tensor] = []
    for i, (first, layer) in enumerate(zip(cell.split(state), w.layers, strict=True)):
        below = _call(cell.block(i).before, layer.before, x)
        hs, last = run_of(cell.layer(i), below, first, layer.cell, lengths)
        x, hs = _with_end(cell, i, x, hs, last[0], lengths)
        x = _call(cell.block(i).after, layer.after, x, cell.layer(i).readout_features(hs))
        states += last
    y, end = _split_end(cell, _call(cell.norm, w.norm, x))
    return y, (end, *states)


def _run_stack(
    cell: DeepCell, x: Tensor, state: State, w: DeepWeights, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Run the layers of a stack of M networks: x is (M, T, B, F)."""
    x = _map(cell.encoder, w.encoder, x)
    states: list[Tensor] = []
    for i, (first, layer) in enumerate(zip(cell.split(state), w.layers, strict=True)):
        below = _map(cell.block(i).before, layer.before, x)
        hs, last = run_stack_of(cell.layer(i), below, first, layer.cell, lengths)
        x, hs = _with_end(cell, i, x, hs, last[0], lengths)
        x = _map(cell.block(i).after, layer.after, x, cell.layer(i).readout_features(hs))
        states += last
    y, end = _split_end(cell, _map(cell.norm, w.norm, x))
    return y, (end, *states)


def _with_end(
    cell: DeepCell, layer: int, x: Tensor, hs: Tensor, h: Tensor, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return a layer's input and h over time, with one more step for the last h of the top layer.

    A layer that reads from both ends has another h after the sequence than at its last step.
    """
    if cell.layer(layer).causal or layer < len(cell.cells) - 1:
        return x, hs
    end = x.narrow(-3, -1, 1) if lengths is None else at_ends(x, lengths).unsqueeze(-3)
    h = h.unsqueeze(-3)
    return torch.cat([x, end], -3), torch.cat([hs, h], -3)


def _split_end(cell: DeepCell, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the output over time, and that after the last step."""
    end = y.select(-3, -1)
    return (y if cell.layer(0).causal else y.narrow(-3, 0, y.shape[-3] - 1)), end


def _map(module: nn.Module, parameters: Parameters, *args: Tensor) -> Tensor:
    """Return what a module returns for every network of a stack, with its own parameters."""
    if not any(True for _ in module.parameters()):
        return _call(module, {}, *args)
    output: Tensor = torch.vmap(lambda p, *a: _call(module, p, *a))(parameters, *args)
    return output
