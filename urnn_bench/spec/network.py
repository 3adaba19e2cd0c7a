"""What a record says of a network that its run does not say, as a diagram of it shows.

C channels, R rows, S columns, H units.
"""

from typing import Annotated

from pydantic import Field

from urnn_bench.spec.types import Config, Count

Shape = Annotated[tuple[Count, ...], Field(strict=False)]


class _Stored(Config, extra="ignore"):
    """Part of a record; a key that a later version adds is ignored, not refused."""


class Path(_Stored):
    """One way into a state of a unit, and the states of whose functions it is multiplied with.

    ``source`` and ``gates`` are states of the step before, or the input x. A way that is not
    convolved bypasses.
    """

    source: str
    target: str
    gates: Annotated[tuple[str, ...], Field(strict=False)] = ()
    convolved: bool = False


class Layer(_Stored):
    """A layer: what recurs in it, and the shape of its output, (C, R, S) or (H)."""

    name: str
    shape: Shape
    recurrent: bool = True
    # read by the next layer after max pooling of 2 x 2
    pooled: bool = False


class Structure(_Stored):
    """The layers inside a cell from the bottom, and which read which beside the one below.

    ``edges`` are pairs of a source and a target, counted from 1. If ``delayed``, a layer reads the
    layer below of the step before. ``paths`` are those of the unit in the top layer, if known.
    """

    layers: Annotated[tuple[Layer, ...], Field(strict=False, min_length=1)]
    edges: Annotated[tuple[tuple[Count, Count], ...], Field(strict=False)] = ()
    delayed: bool = False
    paths: Annotated[tuple[Path, ...], Field(strict=False)] = ()


class Network(_Stored):
    """The inputs and the outputs of a network, its operations, and what is inside its cell.

    ``inputs`` is the width, or channels, rows and columns. ``features`` are what the readout gets
    of one step, before they are pooled over time. ``flops`` are the operations of the cell in one
    step of one sequence, None if they are not known.
    """

    inputs: Shape
    features: Count
    outputs: Count
    flops: Annotated[float, Field(ge=0)] | None = None
    structure: Structure | None = None
