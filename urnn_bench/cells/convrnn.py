"""A convolutional recurrent network: its layers keep maps, and read each other's from step to step.

Nayebi et al. (2018), arXiv:1807.00053. Layer l convolves the output of layer l - 1, halved by max
pooling where it is so, and adds what comes by edges from layers above, of the step before:

    x_l = F_l * pool(h_{l-1}) + b_l + Σ_k E_kl * resize(h_k),   states_l = unit(x_l, states_l)

E_kl is 1 × 1 and starts at zero. Layers below ``unit_from`` have no recurrence. With ``unrolling:
biological`` every layer reads the output of the step before, so that an image reaches layer L in
step L; with ``feedforward`` it passes through all layers in every step.

T steps, B batch, F pixels of all channels, C channels of a layer, L layers, counted from 1.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells._convolutional import (
    HasImages,
    ImageShape,
    he_filters,
    image_of,
    is_constant,
    map_shapes,
    read_by_next,
    resized,
)
from urnn_bench.cells._fused_maps import FUSED, LayerInput, UnitStep
from urnn_bench.cells._units import UnitSpec, unit_of
from urnn_bench.cells.base import Cell, Example, HasInputWidth, StateSpec
from urnn_bench.cells.units.base import Unit, convolved
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.network import Layer, Structure
from urnn_bench.spec.types import ComponentSpec, Config, Count

Edge = Annotated[tuple[Count, Count], Field(strict=False)]


class ConvRnnOptions(Config):
    """Layers, what recurs in them, and which read which."""

    depth: Count = Field(3, description="layers", le=50)
    pools: int = Field(2, ge=0, description="how many of the lower layers are halved for the next")
    kernel_size: Annotated[int, Field(ge=1, le=31)] = Field(
        3, description="rows and columns of a filter, odd"
    )
    unit: UnitSpec = Field(
        ComponentSpec(name="reciprocal_gated"),
        description="what recurs in a layer: a name of 'list units'",
    )
    unit_from: Count = Field(
        2, description="the lowest layer with the unit; those below have no recurrence"
    )
    unrolling: Literal["biological", "feedforward"] = Field(
        "biological",
        description="biological: a layer reads the layer below of the step before; "
        "feedforward: of the same step",
    )
    feedback: Annotated[tuple[Edge, ...], Field(strict=False)] = Field(
        (), description="edges [source, target] to a lower layer, of the step before"
    )
    readout: Literal["mean", "flat"] = Field(
        "mean", description="what the readout sees of the last map: a mean over places, or all"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kernel_size % 2 == 0:
            raise ValueError(f"'kernel_size' must be odd, not {self.kernel_size}")
        if self.pools >= self.depth:
            raise ValueError(f"'pools' must be below 'depth', which is {self.depth}")
        if self.unit_from > self.depth:
            raise ValueError(f"'unit_from' must be at most 'depth', which is {self.depth}")
        _check_edges(self.feedback, self.depth)
        return self


def _check_edges(edges: Sequence[tuple[int, int]], depth: int) -> None:
    """Raise ValueError for an edge that does not go down, or that is there twice."""
    for source, target in edges:
        if not target < source <= depth:
            raise ValueError(
                f"an edge of 'feedback' goes from a layer up to {depth} to a lower one, "
                f"not from {source} to {target}"
            )
    if len({*edges}) < len(edges):
        raise ValueError("an edge of 'feedback' is given twice")


class Weights(NamedTuple):
    """Of every layer F (C, D, K, K), b (C) and the unit's; of every edge E (C, C, 1, 1)."""

    filters: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    units: tuple[Any, ...]
    edges: tuple[Tensor, ...]


class ConvRnn(Cell[Weights]):
    """Maps of C channels in every layer; the first state is the output of the last layer.

    Raises ComponentError if a map cannot be halved, or if the inputs are no image.
    """

    Options = ConvRnnOptions
    options: ConvRnnOptions
    kernels = {"fused": FUSED}
    layers_refusal = "convrnn has layers of its own, by its option 'depth'"
    # of the default options; those of others are in ``states``
    state_names = ("h_3", "c_3", "h_2", "c_2", "h_1")

    def __init__(
        self, inputs: int, hidden: int, options: ConvRnnOptions, image: ImageShape | None = None
    ) -> None:
        super().__init__(inputs, hidden, options)
        self.image = image or image_of(inputs)
        self.shapes = map_shapes(self.image, hidden, options.depth, options.pools)
        widths = [self.image.channels, *[hidden] * (options.depth - 1)]
        pairs = zip(self.shapes, widths, strict=True)
        self.filters = nn.ParameterList(
            he_filters(shape, width, options.kernel_size) for shape, width in pairs
        )
        self.biases = nn.ParameterList(_init.zeros(hidden) for _ in self.shapes)
        self.units = nn.ModuleList(self._unit(layer) for layer in range(1, options.depth + 1))
        self.edges = nn.ParameterList(_init.zeros(hidden, hidden, 1, 1) for _ in options.feedback)
        layers = [*enumerate(self.layer_units, 1)][::-1]
        names = (f"{name}_{i}" for i, unit in layers for name in unit.state_names)
        self.states = tuple(map(StateSpec, names))

    def _unit(self, layer: int) -> Unit[Any]:
        return unit_of(self._unit_spec(layer), self.hidden, self.options.kernel_size)

    def _unit_spec(self, layer: int) -> ComponentSpec:
        return self.options.unit if layer >= self.options.unit_from else _NO_RECURRENCE

    @classmethod
    def of_input(cls, inputs: HasInputWidth, hidden: int, options: Config) -> Self:
        """Return the network of a task's images."""
        image = ImageShape(*inputs.shape) if isinstance(inputs, HasImages) else None
        return cls(inputs.width, hidden, options, image)  # type: ignore[arg-type]

    @classmethod
    def example(cls) -> Example:
        """Return a small image and few channels, as a check of gradients takes every weight."""
        return Example(inputs=16, hidden=2)

    @property
    def layer_units(self) -> tuple[Unit[Any], ...]:
        """The units, from the bottom."""
        return tuple(self.units)  # type: ignore[arg-type]

    @property
    def features(self) -> int:
        """The channels of the last layer, or all numbers of its map."""
        return self.hidden * (1 if self.options.readout == "mean" else self.shapes[-1].places)

    def weights(self) -> Weights:
        """Return the parameters as they are, and those of the units."""
        units = tuple(unit.weights() for unit in self.layer_units)
        return Weights(tuple(self.filters), tuple(self.biases), units, tuple(self.edges))

    def drive(self, x: Tensor, w: Weights) -> Tensor:
        """Return what the first layer sees of the image: (T, B, F) to (T, B, C, R, S)."""
        steps, batch = x.shape[:2]
        x = x[:1] if is_constant(x) else x
        maps = convolved(x.reshape(-1, *self.image), w.filters[0], w.biases[0])
        return maps.view(-1, batch, *self.shapes[0]).expand(steps, -1, -1, -1, -1)

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return the states of all layers, the last first, of u (B, C, R, S)."""
        return self.advance(u, state, w, self.layer_input, _unit_step)

    def advance(
        self, u: Tensor, state: State, w: Weights, layer_input: LayerInput, unit_step: UnitStep
    ) -> State:
        """Return the same by a way to compute a layer's input and its unit's step."""
        before, after = self.by_layer(state), list[State]()
        below = after if self.options.unrolling == "feedforward" else before
        for i, unit in enumerate(self.layer_units):
            x = u if i == 0 else layer_input(i, below[i - 1][0], w)
            x = self._with_feedback(i, x, before, w)
            after.append(unit_step(i, unit, x, before[i], w.units[i]))
        return tuple(s for states in after[::-1] for s in states)

    def layer_input(self, layer: int, h: Tensor, w: Weights) -> Tensor:
        """Return what a layer, counted from 0, gets of the output of the layer below."""
        read = read_by_next(h, self.shapes[layer])
        return convolved(read, w.filters[layer], w.biases[layer])

    def _with_feedback(self, layer: int, x: Tensor, before: list[State], w: Weights) -> Tensor:
        for (source, target), filters in zip(self.options.feedback, w.edges, strict=True):
            if target == layer + 1:
                # first the 1 x 1 convolution, which is of fewer places before the map is enlarged
                x = x + resized(convolved(before[source - 1][0], filters), self.shapes[layer])
        return x

    def by_layer(self, state: State) -> list[State]:
        """Return the states of every layer, from the bottom."""
        layers, last = list[State](), len(state)
        for unit in self.layer_units:
            first = last - len(unit.state_names)
            layers.append(state[first:last])
            last = first
        return layers

    def initial_state(self, batch: int) -> State:
        """Return zeros."""
        zeros = self.biases[0].new_zeros
        pairs = [*zip(self.layer_units, self.shapes, strict=True)][::-1]
        return tuple(zeros(batch, *shape) for unit, shape in pairs for _ in unit.state_names)

    def readout_features(self, h: Tensor) -> Tensor:
        """Return means over places (..., C), or all numbers of the map (..., C · R · S)."""
        return h.mean(dim=(-2, -1)) if self.options.readout == "mean" else h.flatten(-3)

    def structure(self) -> Structure:
        """Return the layers and edges, and what enters the states of the top layer's unit."""
        layers = tuple(
            Layer(
                name=self._unit_spec(i).name,
                shape=shape,
                recurrent=unit.recurrent,
                pooled=i <= self.options.pools,
            )
            for i, (unit, shape) in enumerate(zip(self.layer_units, self.shapes, strict=True), 1)
        )
        return Structure(
            layers=layers,
            edges=self.options.feedback,
            delayed=self.options.unrolling == "biological",
            paths=self.layer_units[-1].paths(),
        )

    def flops(self) -> float | None:
        """Return those of the layers' convolutions, the edges and the units."""
        of_units = [unit.flops() for unit in self.layer_units]
        if None in of_units:
            return None
        places = [shape.places for shape in self.shapes]
        filters = zip(places, self.filters, strict=True)
        convolutions = sum(p * (2.0 * f.numel() + self.hidden) for p, f in filters)
        edges = sum(places[source - 1] for source, _ in self.options.feedback)
        units = sum(p * (flops or 0.0) for p, flops in zip(places, of_units, strict=True))
        return float(convolutions + 2 * self.hidden**2 * edges + units)


_NO_RECURRENCE = ComponentSpec(name="feedforward")


def _unit_step(_: int, unit: Unit[Any], x: Tensor, state: State, w: Any) -> State:
    return unit.step(x, state, w)
