"""A multilayer perceptron: hidden layers with a nonlinearity, then a linear layer.

A hidden layer is linear, then normalised, then the nonlinearity, then dropout. Batch normalisation
comes before the nonlinearity as in Ioffe and Szegedy (2015), arXiv:1502.03167, section 3.2; layer
normalisation is that of Ba, Kiros and Hinton (2016), arXiv:1607.06450, equation 3; dropout is that
of Srivastava et al. (2014), JMLR 15. Every weight starts by Glorot's rule, every bias at zero.

R features, O outputs, N sequences or steps, W units.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from urnn_bench.readouts import _init
from urnn_bench.readouts.base import Readout
from urnn_bench.spec.types import Config, Count, Fraction

_ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
_NORMS: Mapping[str, Callable[[int], nn.Module]] = {
    "none": nn.Identity,
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}


class MlpOptions(Config):
    """The hidden layers."""

    widths: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)] = Field(
        (64,), description="units of every hidden layer"
    )
    activation: Literal["relu", "tanh", "gelu", "silu"] = Field(
        "relu", description="the nonlinearity: relu, tanh, gelu or silu"
    )
    norm: Literal["none", "batch", "layer"] = Field(
        "none", description="what is normalised before it: none, batch or layer"
    )
    dropout: Fraction = Field(0.0, description="share of the units that an update leaves out")


class MlpReadout(Readout):
    """Hidden layers of chosen widths, and a linear layer."""

    Options = MlpOptions
    options: MlpOptions

    def __init__(self, features: int, outputs: int, options: MlpOptions) -> None:
        super().__init__(features, outputs, options)
        sizes = pairwise((features, *options.widths))
        self.hidden = nn.Sequential(*(_hidden_layer(*size, options) for size in sizes))
        self.output = _init.glorot(options.widths[-1], outputs)
        self.draws = options.dropout > 0
        self.averages = options.norm == "batch"

    def forward(self, features: Tensor) -> Tensor:
        """Return the outputs: (..., R) to (..., O)."""
        # batch normalisation takes one axis of sequences and steps
        hidden = self.hidden(features.reshape(-1, self.features))
        outputs = self.linear(hidden, self.output.weight, self.output.bias)
        return outputs.view(*features.shape[:-1], self.outputs)


def _hidden_layer(inputs: int, width: int, options: MlpOptions) -> nn.Sequential:
    """Return one hidden layer: (N, R) or (N, W) to (N, W)."""
    return nn.Sequential(
        _init.glorot(inputs, width),
        _NORMS[options.norm](width),
        _ACTIVATIONS[options.activation](),
        nn.Dropout(options.dropout),
    )
