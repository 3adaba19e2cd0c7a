"""A network around a memory of one signal: its input, with or without times, and its states.

T steps, B batch, F input features without the time, H hidden width, N order of the memory.
"""

from abc import abstractmethod
from typing import ClassVar, NamedTuple

from torch import Tensor

from urnn_bench.cells._memory import Memory, MemoryOptions
from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.kernels.time_loop import State, W


class TimedDrive(NamedTuple):
    """The share of the input (T, B, 1 + Z), and the time of each sample (T, B, 1)."""

    u: Tensor
    time: Tensor


class MemoryNetwork(Cell[W]):
    """A network of states h, the memory and its clock; a subclass says how they make each other."""

    memory_state: ClassVar[str]
    options: MemoryOptions

    def __init__(self, inputs: int, hidden: int, options: MemoryOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.width = inputs - options.timestamps
        if not self.width:
            raise ValueError("with timestamps there must be an input beside the time")
        self.first_input_is_time = options.timestamps
        self.memory = self.new_memory(options.memory_order or hidden)
        self.host_sync_reason = self.memory.host_sync_reason
        clock = (StateSpec("clock", memory=False),) if self.memory.has_clock else ()
        self.states = (StateSpec("h"), StateSpec(self.memory_state), *clock)

    @property
    def order(self) -> int:
        """N, how many coefficients the memory has."""
        return len(self.memory.b)

    @abstractmethod
    def new_memory(self, order: int) -> Memory:
        """Return the memory of an order N."""

    @abstractmethod
    def input_share(self, x: Tensor, w: W) -> Tensor:
        """Return the share of the input without the time: (T, B, F) to (T, B, 1 + Z)."""

    @abstractmethod
    def advance(self, u: Tensor, time: Tensor | None, state: State, w: W) -> State:
        """Return the next state, of the share of the input (B, 1 + Z) and the time (B, 1)."""

    def drive(self, x: Tensor, w: W) -> Tensor | TimedDrive:
        """Return the share of the input, with the times of the samples if given."""
        u = self.input_share(x[..., -self.width :], w)
        # times are data: no gradient goes through them
        return TimedDrive(u, x[..., :1].detach()) if self.first_input_is_time else u

    def step(self, u: Tensor | TimedDrive, state: State, w: W) -> State:
        """Return h, the memory and its clock."""
        share, time = u if isinstance(u, tuple) else (u, None)
        return self.advance(share, time, state, w)

    def initial_state(self, batch: int) -> State:
        """Return zeros for h and the memory, and a clock before the first sample."""
        like = next(self.parameters())
        return (like.new_zeros(batch, self.hidden), *self.memory.initial_state(like, batch))
