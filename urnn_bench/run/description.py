"""What a record says of a network, so that a figure can draw it without building it."""

from typing import Any

from urnn_bench.cells.base import Cell
from urnn_bench.errors import attempt
from urnn_bench.models import SequenceModel
from urnn_bench.spec.network import Network, Structure
from urnn_bench.tasks.base import Images


def description_of(model: SequenceModel) -> Network:
    """Return the sizes of a network, and the structure of its cell if that has one to show."""
    inputs = model.signature.inputs
    return Network(
        inputs=inputs.shape if isinstance(inputs, Images) else (inputs.width,),
        features=model.cell.features,
        outputs=model.signature.outputs,
        flops=_flops(model.cell),
        structure=_structure(model.cell),
    )


def _flops(cell: Cell[Any]) -> float | None:
    """Return the operations of a step, None for a cell that raises or returns another type."""
    found = attempt(cell.flops)
    return float(found) if isinstance(found, int | float) else None


def _structure(cell: Cell[Any]) -> Structure | None:
    # looked up and not a method of Cell, as a parameter of a user's may have that name
    own = getattr(type(cell), "structure", None)
    found = attempt(own, cell) if callable(own) else None
    return found if isinstance(found, Structure) else None
