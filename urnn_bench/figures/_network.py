"""What a diagram of a network shows, from its record: boxes from the input to the readout."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from urnn_bench.records.record import Record
from urnn_bench.spec.layers import Block
from urnn_bench.spec.network import Layer, Network, Path
from urnn_bench.spec.run import Run

# a chain of more layers of one cell is one box
_MOST_LAYERS = 8
_POOLS: Mapping[str | None, str] = {
    None: "",
    "last": "the last step",
    "mean": "mean over time",
    "max": "largest over time",
    "last_and_mean": "the last step, and the mean over time",
    "every": "every step",
}
_MIXERS: Mapping[str, str] = {"none": "", "glu": "gated linear unit", "mlp": "perceptron"}


class Box(NamedTuple):
    """A part of a network: its name, its sizes, and what is done to what it reads."""

    name: str
    sizes: str
    reads: str = ""
    recurrent: bool = False


class Diagram(NamedTuple):
    """Boxes from the input, edges between them, and the paths of the unit if they are known.

    An edge is a pair of indices of ``boxes``. ``note`` says what holds for all layers.
    """

    boxes: tuple[Box, ...]
    edges: tuple[tuple[int, int], ...]
    unit: str
    paths: tuple[Path, ...]
    note: str


def diagram_of(record: Record) -> Diagram:
    """Return the boxes of a record, as a plain chain if nothing is known of its cell's inside."""
    network = record.network
    structure = network.structure if network else None
    if structure is None:
        boxes = (_input(network), *_chain(record.run), _readout(record.run, network))
        return Diagram(boxes, (), "", (), "")
    layers = structure.layers
    between = [_reads(layer) for layer in layers]
    middle = [_box(layer, reads) for layer, reads in zip(layers, ["", *between], strict=False)]
    boxes = (_input(network), *middle, _readout(record.run, network))
    note = "a layer reads the one below of the step before" if structure.delayed else ""
    # the input is the box before the first layer
    return Diagram(boxes, structure.edges, layers[-1].name, structure.paths, note)


def _reads(below: Layer) -> str:
    return "max pooling 2 × 2" if below.pooled else ""


def _box(layer: Layer, reads: str) -> Box:
    return Box(layer.name, shape_text(layer.shape), reads, layer.recurrent)


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape in words: (C, R, S) as channels and a map, another one as units."""
    if len(shape) == 1:
        return _count(shape[0], "unit")
    channels, *places = shape
    return f"{_count(channels, 'channel')}, {' × '.join(map(str, places))}"


def _input(network: Network | None) -> Box:
    if network is None:
        return Box("input", "")
    width = network.inputs
    return Box("input", shape_text(width) if len(width) > 1 else _count(width[0], "number"))


def _readout(run: Run, network: Network | None) -> Box:
    sizes = f"{network.features:,} features to {network.outputs:,} outputs" if network else ""
    return Box(f"readout: {run.readout.name}", sizes, _POOLS[run.pool])


def _chain(run: Run) -> list[Box]:
    """Return a box for every layer of a cell, or one for all if they are many."""
    sizes = _count(run.hidden, "unit") + (", both directions" if run.bidirectional else "")
    around = _around(run.block) if run.block else ""
    box = Box(run.cell.name, sizes, around, recurrent=True)
    if run.layers <= _MOST_LAYERS:
        return [box] * run.layers
    return [box._replace(sizes=f"{run.layers:,} layers of {sizes}")]


def _around(block: Block) -> str:
    """Return what surrounds the recurrence of a layer."""
    where = {"pre": "before", "post": "after"}[block.position]
    norm = "" if block.norm == "none" else f"{block.norm} norm {where}"
    parts = [norm, _MIXERS[block.mixer], "residual sum" if block.residual else ""]
    return ", ".join(filter(None, parts))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
