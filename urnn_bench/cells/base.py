"""What a cell is: parameters, and one pure step in time.

T steps, B batch, F input features, H hidden width, R readable features. A cell is found by the
name of its file, which holds exactly one public subclass of ``Cell``. The loop over time, the
readout, the loss and the optimizer are elsewhere and the same for every cell.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self

import torch
from torch import Tensor, nn

from urnn_bench.cells._times import check_times as check_times
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.step_weights import step_weights
from urnn_bench.kernels.time_loop import Drive, State, W
from urnn_bench.renamed import CELL_HOOKS, accept_former_hooks
from urnn_bench.spec.types import Config


@dataclass(frozen=True)
class Example:
    """A size at which a cell can be built and run: inputs F, hidden width H, steps T.

    None stands for any, and whoever runs the cell takes a number of its own.
    """

    inputs: int | None = None
    hidden: int | None = None
    steps: int | None = None


class HasInputWidth(Protocol):
    """The form of a task's inputs; images have a shape too."""

    @property
    def width(self) -> int:
        """F."""


class StateSpec(NamedTuple):
    """A state's name, and whether it remembers the input; a clock does not.

    Its shape is the one that ``initial_state`` gives it: that depends on the width and the options,
    and said twice it could differ.
    """

    name: str
    memory: bool = True


class _NamedStates:
    """The states of a cell that gives their names alone: all are memory."""

    def __get__(self, cell: "Cell | None", kind: "type[Cell]") -> tuple[StateSpec, ...]:
        return tuple(map(StateSpec, (kind if cell is None else cell).state_names))


class Cell(nn.Module, ABC, Generic[W]):
    """One step of a recurrence; parameters are real, states may be complex.

    W is the type of its weights, a NamedTuple of tensors; it need not be said. A subclass with
    options of its own annotates ``options`` with their class.
    """

    Options: ClassVar[type[Config]] = Config
    # a cell whose states are all memory names them here; another one declares ``states``
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    states: tuple[StateSpec, ...] = _NamedStates()  # type: ignore[assignment]
    kernels: Mapping[str, Implementation[Self, W]] = {}
    # whether a step depends on its number, counted from 1 in every sequence
    time_varying: bool = False
    # why an update cannot be captured as a CUDA graph: making the weights waits for the host
    host_sync_reason: str = ""
    # why the time loop does not compute what training does, if so: it is then used by probes alone
    time_loop_refusal: str = ""
    # whether it has a step in time; probes follow a network step by step
    has_step: bool = True
    # whether h depends on nothing that comes later
    causal: bool = True
    # whether an update draws random numbers, as dropout does
    draws: bool = False
    # why it cannot be one of several layers, if so
    layers_refusal: str = ""
    # whether the first input is the time of the step, which only the input of a network has
    first_input_is_time: bool = False
    options: Config

    def __init__(self, inputs: int, hidden: int, options: Config) -> None:
        super().__init__()
        self.inputs, self.hidden, self.options = inputs, hidden, options

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        accept_former_hooks(cls, CELL_HOOKS)
        _match_names(cls)

    @property
    def parts(self) -> "tuple[Cell[Any], ...]":
        """The cells that a network has: this one, or those of its layers."""
        return (self,)

    @classmethod
    def of_input(cls, inputs: "HasInputWidth", hidden: int, options: Config) -> Self:
        """Return the cell for a task's inputs, of whose form it may take more than the width F."""
        return cls(inputs.width, hidden, options)

    @classmethod
    def example(cls) -> Example:
        """Return a size at which the cell can be built and run, for checks and timings."""
        return Example()

    @property
    def features(self) -> int:
        """How many real features ``readout_features`` returns; R."""
        return self.hidden

    def check_input(self, x: Tensor) -> None:
        """Raise ComponentError for an input (T, B, F) that the cell cannot take.

        By default times that do not increase, or not in the precision of its parameters. It is
        called for every batch while that is on the host, of the first layer's cell alone; tokens
        come as they are, (T, B).
        """
        if self.first_input_is_time:
            check_times(x[..., 0], next((p.dtype for p in self.parameters()), x.dtype))

    @abstractmethod
    def weights(self) -> W:
        """Return what ``drive`` and ``step`` need as a NamedTuple, made once for a sequence.

        Include every tensor that ``drive`` and ``step`` use: kernels and stacks see only these.
        """

    @abstractmethod
    def drive(self, x: Tensor, w: W) -> Drive:
        """Return all that does not depend on the state: (T, B, F) to (T, B, ...).

        The input projection: one product for all steps is faster than one for each. A tuple or
        dict of tensors may hold more, such as a matrix for every step (T, H, H).
        """

    @abstractmethod
    def step(self, u: Any, state: State, w: W) -> State:
        """Return the next state; a pure function of the drive (B, ...), the state and ``w``."""

    @abstractmethod
    def initial_state(self, batch: int) -> State:
        """Return the state before the first step, in the order of ``states``, each (B, ...).

        The readout sees the first, (B, H).
        """

    def orthogonal_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return the parameters that are trained with ``fit.orthogonal_lr``, if any."""
        return ()

    def recurrent_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return the parameters that ``fit.recurrent`` is for: by default all of the cell's."""
        return tuple(self.parameters())

    def on_update_end(self, step: int) -> None:
        """Do what must follow the ``step``-th update of the parameters, counted from 1."""

    def flops(self) -> float | None:
        """Return the operations of one step of one sequence, forward, V x included.

        Each multiplication, addition or function of one number counts as one. None if
        the number is not known.
        """
        return None

    def readout_features(self, h: Tensor) -> Tensor:
        """Return what the readout sees of h: (..., H) to (..., R), real."""
        return h


InputCheck = Callable[[Tensor], None]
# what gives a tensor its type and device where a cell has none
_ONE = torch.ones(1)


def input_check_of(cell: Cell[Any]) -> InputCheck | None:
    """Return the check of the cell that reads the input, None if it takes every input."""
    first = cell.parts[0]
    is_own = type(first).check_input is not Cell.check_input
    return first.check_input if is_own or first.first_input_is_time else None


def recurrent_weights_of(cell: Cell[W], w: W, inputs: int | None = None) -> tuple[Tensor, ...]:
    """Return the tensors of a cell's weights that a step reads beside its input and its state.

    They are those that its method ``recurrent_weights`` returns, or by default those on which the
    states after two steps depend. ``inputs`` is F if the cell is given others than its own.
    """
    # looked up and not a method of Cell, as a parameter of a user's may have that name
    own = getattr(type(cell), "recurrent_weights", None)
    if own is not None:
        chosen: tuple[Tensor, ...] = own(cell, w)
        return chosen
    like = next(filter(Tensor.is_floating_point, chain(cell.parameters(), cell.buffers())), _ONE)
    # two, as a step may depend on its number; the first input may be a time, which increases
    x = torch.tensor([1.0, 2.0], dtype=like.dtype, device=like.device).view(2, 1, 1)
    x = x.expand(2, 1, inputs or cell.inputs)
    return step_weights(cell, x, cell.initial_state(1), w)


def _match_names(cell: type[Cell[Any]]) -> None:
    """Make ``states`` and ``state_names`` of a class agree; raise TypeError if it gives two."""
    own = vars(cell)
    declared = own.get("states")
    if isinstance(declared, tuple) and all(isinstance(s, StateSpec) for s in declared):
        names = tuple(state.name for state in declared)
        if own.get("state_names", names) != names:
            raise TypeError(f"{cell.__name__} has `states` and other `state_names`; keep `states`")
        cell.state_names = names
    elif declared is None and "state_names" in own:
        # a base may have declared others
        setattr(cell, "states", vars(Cell)["states"])  # noqa: B010  typed as what it returns
