"""A network but for its width, and how many parameters it has at any width."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch.nn.parameter import is_lazy

from urnn_bench.cells.base import Cell
from urnn_bench.errors import (
    Arguments,
    ComponentError,
    Returned,
    UrnnBenchError,
    attempt,
    first_line,
)
from urnn_bench.kernels.choose import Choice, choose
from urnn_bench.layers.bidirectional import BidirectionalCell
from urnn_bench.layers.deep import DeepCell
from urnn_bench.models import SequenceModel
from urnn_bench.pooling import pool_of
from urnn_bench.readouts.base import Readout
from urnn_bench.spec.layers import Block
from urnn_bench.spec.types import Config, PoolName
from urnn_bench.tasks.base import Signature, Targets, Tokens

Kind = TypeVar("Kind", Cell, Readout)


class Part(NamedTuple, Generic[Kind]):
    """A component by name and class, and its options as JSON."""

    name: str
    kind: type[Kind]
    options: str


class Layers(NamedTuple):
    """How many layers a network has, and what surrounds the recurrence of each."""

    number: int = 1
    block: Block | None = None
    bidirectional: bool = False

    @property
    def reason_without_time(self) -> str:
        """Why the first input of some layer is no time that increases, if so."""
        reasons = {
            "the hidden features of the layer below have no time": self.number > 1,
            "a block mixes the time with the other inputs": self.block is not None,
            "a layer that reads from the end sees times that decrease": self.bidirectional,
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def build(self, kind: type[Cell], inputs: int, hidden: int, options: Config) -> Cell[Any]:
        """Return the one cell, or all layers as one; raise ComponentError for one that refuses."""
        if kind.layers_refusal:
            raise ComponentError(
                f"{kind.layers_refusal}; leave out layers, block and bidirectional"
            )
        one: Callable[[int, int, Config], Cell[Any]] = kind
        if self.bidirectional:
            one = partial(BidirectionalCell, kind)
        if self.number == 1 and self.block is None:
            return one(inputs, hidden, options)
        return DeepCell(one, inputs, hidden, options, self.number, self.block)


class Architecture(NamedTuple):
    """Layers of a cell, a readout, a pool, and all that the network knows of its task."""

    cell: Part[Cell]
    layers: Layers
    readout: Part[Readout]
    pool: PoolName | None
    signature: Signature

    def network(self, hidden: int, device: str, kernel: str) -> SequenceModel:
        """Return the network of a width; raise ComponentError with what its parts raise."""
        text = f"the cell '{self.cell.name}' cannot be built {hidden} wide"
        cell, choice = raised_by(text, self._cell, hidden, device, kernel)
        text = f"the readout '{self.readout.name}' cannot be built of {cell.features} features"
        return raised_by(text, self._network, cell, choice)

    def trains_cell(self, hidden: int) -> bool:
        """Return whether the cell has parameters to train; raise ComponentError if it raises."""
        model = without_values(lambda _: self.network(hidden, "cpu", "eager"))
        return any(p.requires_grad for p in model.cell.parameters())

    def _cell(self, hidden: int, device: str, kernel: str) -> tuple[Cell, Choice]:
        options = validated(self.cell.kind.Options, self.cell.options)
        kind, inputs = self.cell.kind, self.signature.inputs
        cell = (
            kind.of_input(inputs, hidden, options)
            if self.layers == Layers()
            else self.layers.build(kind, inputs.width, hidden, options)
        )
        _require_shapes(cell)
        _require_times(self.cell.name, cell, self.signature, self.layers)
        return cell, choose(cell, device, kernel)

    def _network(self, cell: Cell, choice: Choice) -> SequenceModel:
        pool = pool_of(self.pool, self.signature.targets is Targets.EVERY_STEP)
        options = validated(self.readout.kind.Options, self.readout.options)
        features, outputs = pool.width * cell.features, self.signature.outputs
        # after the cell: the order of draws is part of what a seed means
        readout = self.readout.kind(features, outputs, options)
        _require_shapes(readout)
        return SequenceModel(cell, self.signature, choice, pool, readout)

    def count_parameters(self, hidden: int) -> int:
        """Return the number of trainable parameters; raise ComponentError if the cell raises."""
        return _count(self, hidden)


def _require_times(name: str, cell: Cell, signature: Signature, layers: Layers) -> None:
    """Raise ComponentError if a layer would take as its time what is none."""
    if not any(part.first_input_is_time for part in cell.parts):
        return
    text = f"the cell '{name}' takes its first input as the time of the step, and"
    if isinstance(signature.inputs, Tokens):
        raise ComponentError(f"{text} the inputs of this task are tokens, which have no time")
    if layers.reason_without_time:
        raise ComponentError(
            f"{text} {layers.reason_without_time}; give the network one layer, without a block and "
            "in one direction"
        )


def _require_shapes(part: Cell | Readout) -> None:
    """Raise TypeError if a parameter has no shape before the first batch: it could not be counted.

    The optimizer would not train it either.
    """
    for name, parameter in part.named_parameters():
        if is_lazy(parameter):
            raise TypeError(
                f"the parameter '{name}' has no shape yet; use a layer that is not lazy"
            )


@cache
def _count(architecture: Architecture, hidden: int) -> int:
    model = without_values(lambda _: architecture.network(hidden, "cpu", "eager"))
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def raised_by(
    text: str,
    function: Callable[Arguments, Returned],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Returned:
    """Return what a component's function returns; raise ComponentError with what it raises."""
    returned = attempt(function, *args, **kwargs)
    if isinstance(returned, UrnnBenchError):
        raise returned
    if isinstance(returned, Exception):
        raise ComponentError(f"{text}: {_reason(returned)}") from returned
    return returned


def _reason(error: Exception) -> str:
    """Return what an exception says; of a file its name, as no other width or size mends that."""
    if isinstance(error, OSError) and error.filename is not None:
        mend = "; put the file there" if isinstance(error, FileNotFoundError) else ""
        return f"it reads {error.filename} ({error.strerror}){mend}"
    return f"{type(error).__name__}: {first_line(error)}"


def without_values(function: Callable[[str], Returned]) -> Returned:
    """Return what a function of a device returns on "meta", or on the CPU if it raises there.

    Some cells read values while they are built, and "meta" has none. Raises what the function
    raises on the CPU.
    """
    with torch.device("meta"):
        returned = attempt(function, "meta")
    if isinstance(returned, Exception):
        return function("cpu")
    return returned


@cache
def validated(options: type[Config], text: str) -> Config:
    """Return options from the JSON of a resolved run, validated once for all its parts.

    They are frozen, so that runs can share them.
    """
    return options.model_validate_json(text)
