"""A family of gated units whose options are their structure; the reciprocal gated cell is one.

What the search of Nayebi et al. (2018), arXiv:1807.00053, varies within a layer, in the form of its
code. There are two states, an output h and a memory c, and two terms in each: what it keeps and
what enters it.

    c_t = φ(keep(c_{t-1}) + enter(W_xc * x_t))
    h_t = φ(keep(h_{t-1}) + enter(v_t)),    v_t = x_t, c_t or x_t + c_t, by ``bypass``

A term that is gated by a state s has filters W, and is by ``joined``

    multiplied  (offset + multiplier f(W * s + bias)) times the term
    added       W * s in place of what is kept, and added to what enters

A term without a gate stays as it is. ``order`` says which memory gates h: that of the step before,
or the new one. A separable convolution is one filter for each channel, and then a 1 × 1 one.

The code released with the paper sets for its best cell, the median one of the search, ``separable:
true, gate_kernel_size: 7, keep_offset: 0.9219, keep_multiplier: -0.9219, enter_function: tanh,
enter_offset: 0.7007, enter_multiplier: -0.7007``. Not here are its filters of 2 × 2 from x to c and
of 3 × 3 from x to h.

B batch, C channels, R rows, S columns, K rows and columns of a filter, J those of a gate.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from urnn_bench.cells import _init
from urnn_bench.cells.units.base import Unit, convolved
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.network import Path
from urnn_bench.spec.types import Config

GatedBy = Literal["own", "other", "none"]
Filters = tuple[Tensor, ...]
GateFunction = Callable[[Tensor], Tensor]


class GeneralGatedOptions(Config):
    """Which gates there are, what they compute, and what they are multiplied with."""

    c_keeps: GatedBy = Field("own", description="what gates what c keeps: own is c, other is h")
    h_enters_c: GatedBy = Field("other", description="what gates what enters c")
    h_keeps: GatedBy = Field("own", description="what gates what h keeps: own is h, other is c")
    c_enters_h: GatedBy = Field("other", description="what gates what enters h")
    joined: Literal["multiplied", "added"] = Field(
        "multiplied", description="whether gates multiply terms, or are added to them"
    )
    keep_function: Literal["sigmoid", "tanh"] = Field("sigmoid", description="f of what is kept")
    keep_offset: float = Field(1.0, description="added to the multiple of f")
    keep_multiplier: float = Field(-1.0, description="of f")
    keep_bias: float = Field(0.0, description="added before f is applied, not trained")
    enter_function: Literal["sigmoid", "tanh"] = Field("sigmoid", description="f of what enters")
    enter_offset: float = Field(1.0, description="added to the multiple of f")
    enter_multiplier: float = Field(-1.0, description="of f")
    enter_bias: float = Field(0.0, description="added before f is applied, not trained")
    separable: bool = Field(False, description="whether convolutions of gates are separable")
    gate_kernel_size: int | None = Field(
        None, ge=1, le=31, description="that of the gates, odd; none: that of the network"
    )
    bypass: Literal["x", "c", "both"] = Field(
        "x", description="what enters h: x, the new memory, or their sum"
    )
    nonlinearity: Literal["elu", "relu", "tanh"] = Field("elu", description="φ of both states")
    order: Literal["simultaneous", "memory_first"] = Field(
        "simultaneous", description="which memory gates h: of the step before, or the new one"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.gate_kernel_size is not None and self.gate_kernel_size % 2 == 0:
            raise ValueError(f"'gate_kernel_size' must be odd, not {self.gate_kernel_size}")
        return self


class Weights(NamedTuple):
    """W_xc (C, C, K, K), and the filters of the gates by h and by c.

    Of G gates those are one (G · C, C, J, J), or (G · C, 1, J, J) and (G · C, C, 1, 1) if they are
    separable, or none.
    """

    by_x: Tensor
    by_h: Filters
    by_c: Filters


class GeneralGated(Unit[Weights]):
    """Two states, an output h and a memory c."""

    Options = GeneralGatedOptions
    options: GeneralGatedOptions
    state_names = ("h", "c")

    def __init__(self, channels: int, kernel_size: int, options: GeneralGatedOptions) -> None:
        super().__init__(channels, kernel_size, options)
        sources = _sources(options)
        self.gates = {s: [gate for gate in sources if sources[gate] == s] for s in ("h", "c")}
        self.by_x = self.filters()
        self.by_h = self._gate_filters(len(self.gates["h"]))
        self.by_c = self._gate_filters(len(self.gates["c"]))

    def _gate_filters(self, gates: int) -> nn.ParameterList:
        size = self.options.gate_kernel_size or self.kernel_size
        if not gates:
            return nn.ParameterList()
        if not self.options.separable:
            return nn.ParameterList([self.filters(gates, size)])
        bound = _init.glorot_bound(size**2, size**2)
        channelwise = _init.uniform(gates * self.channels, 1, size, size, bound=bound)
        return nn.ParameterList([channelwise, self.filters(gates, 1)])

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.by_x, tuple(self.by_h), tuple(self.by_c))

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h and c."""
        h, c = state
        seen = self._seen("h", h, w.by_h) | self._seen("c", c, w.by_c)
        new_c = self._next("c", c, convolved(x, w.by_x), seen)
        if self.options.order == "memory_first":
            seen |= self._seen("c", new_c, w.by_c)
        return self._next("h", h, self._entering(x, new_c), seen), new_c

    def _seen(self, source: str, state: Tensor, filters: Filters) -> dict[str, Tensor]:
        """Return the convolution of a state for each gate that it gates."""
        gates = self.gates[source]
        convolutions = gate_convolutions(state, filters).chunk(len(gates), -3) if gates else ()
        return dict(zip(gates, convolutions, strict=True))

    def _entering(self, x: Tensor, c: Tensor) -> Tensor:
        return {"x": lambda: x, "c": lambda: c, "both": lambda: x + c}[self.options.bypass]()

    def _next(
        self, target: str, state: Tensor, entering: Tensor, seen: Mapping[str, Tensor]
    ) -> Tensor:
        of_kept, of_entering = seen.get(f"{target} keeps"), seen.get(f"enters {target}")
        kept, entering = self._kept(state, of_kept), self._entered(entering, of_entering)
        return _NONLINEARITIES[self.options.nonlinearity](kept + entering)

    def _kept(self, term: Tensor, seen: Tensor | None) -> Tensor:
        o = self.options
        if seen is None:
            return term
        if o.joined == "added":
            return seen
        f = _FUNCTIONS[o.keep_function]
        return (o.keep_offset + o.keep_multiplier * f(seen + o.keep_bias)) * term

    def _entered(self, term: Tensor, seen: Tensor | None) -> Tensor:
        o = self.options
        if seen is None:
            return term
        if o.joined == "added":
            return term + seen
        f = _FUNCTIONS[o.enter_function]
        return (o.enter_offset + o.enter_multiplier * f(seen + o.enter_bias)) * term

    def paths(self) -> tuple[Path, ...]:
        """Return what enters each state, and what it is multiplied by or added to."""
        o, sources = self.options, _sources(self.options)
        enters_h = {"x": ["x"], "c": ["c"], "both": ["x", "c"]}[o.bypass]
        terms = [("c", "c", "c keeps"), ("x", "c", "enters c"), ("h", "h", "h keeps")]
        terms += [(source, "h", "enters h") for source in enters_h]
        is_product = o.joined == "multiplied"
        gated = [
            Path(
                source=source,
                target=target,
                gates=(sources[term],) if is_product and sources[term] else (),
                convolved=(source, target) == ("x", "c"),
            )
            for source, target, term in terms
            if is_product or not (term.endswith("keeps") and sources[term])
        ]
        added = [] if is_product else [(s, term) for term, s in sources.items() if s]
        return (*gated, *(Path(source=s, target=_TARGETS[t], convolved=True) for s, t in added))

    def flops(self) -> float:
        """The convolutions, six operations of each gate, and four of each state."""
        gates = sum(map(len, self.gates.values()))
        return self.convolution_flops() + self._gate_flops(gates) + (6 * gates + 8) * self.channels

    def _gate_flops(self, gates: int) -> float:
        size = self.options.gate_kernel_size or self.kernel_size
        if self.options.order == "memory_first":
            # gates of h by c are computed of both memories
            gates += len(self.gates["c"])
        filters = 1 if self.options.separable else self.channels
        pointwise = self.channels if self.options.separable else 0
        return 2.0 * gates * self.channels * (filters * size**2 + pointwise)


def _sources(options: GeneralGatedOptions) -> dict[str, str]:
    """Return the state that gates each term, in the order of the filters; "" is none."""
    of_memory = {"own": "c", "other": "h", "none": ""}
    of_output = {"own": "h", "other": "c", "none": ""}
    return {
        "enters c": of_memory[options.h_enters_c],
        "c keeps": of_memory[options.c_keeps],
        "h keeps": of_output[options.h_keeps],
        "enters h": of_output[options.c_enters_h],
    }


# the state of each term
_TARGETS = {"enters c": "c", "c keeps": "c", "h keeps": "h", "enters h": "h"}


def gate_convolutions(state: Tensor, filters: Filters) -> Tensor:
    """Return what G gates see of a state: (B, C, R, S) to (B, G · C, R, S)."""
    if len(filters) == 1:
        return convolved(state, filters[0])
    channelwise, pointwise = filters
    size, gates = channelwise.shape[-1], len(channelwise) // state.shape[-3]
    copies = torch.cat([state] * gates, dim=-3)
    mixed = functional.conv2d(copies, channelwise, padding=size // 2, groups=len(channelwise))
    return functional.conv2d(mixed, pointwise, groups=gates)


_FUNCTIONS: Mapping[str, GateFunction] = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}
_NONLINEARITIES: Mapping[str, GateFunction] = {
    "elu": functional.elu,
    "relu": functional.relu,
    "tanh": torch.tanh,
}
