"""What surrounds the recurrence of a layer: norm, mixer, dropout and the residual sum.

With position "pre" a layer is y = x + D(M(R(N(x)))), with "post" y = N(x + D(M(R(x)))), where R is
the recurrence, N the norm, M the mixer and D dropout (Xiong et al. 2020, arXiv:2002.04745, figure
1). The gated linear unit is that of Dauphin et al. (2017), arXiv:1612.08083, equation 1.

T steps, B batch, D width of the layers, R features of a cell.
"""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from urnn_bench.spec.layers import Block as BlockOptions

# of the hidden layer of a multilayer perceptron over its width, as in transformers
_WIDER = 4


class _BatchNorm(nn.BatchNorm1d):
    """Batch normalisation over all axes but the last: sequences and steps."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x (..., D) normalised."""
        return super().forward(x.reshape(-1, x.shape[-1])).view_as(x)


NORMS: Mapping[str, Callable[[int], nn.Module]] = {
    "none": lambda _: nn.Identity(),
    "layer": nn.LayerNorm,
    "batch": _BatchNorm,
    "rms": nn.RMSNorm,
}
_MIXERS: Mapping[str, Callable[[int], nn.Module]] = {
    "none": lambda _: nn.Identity(),
    "glu": lambda width: nn.Sequential(nn.Linear(width, 2 * width), nn.GLU()),
    "mlp": lambda width: nn.Sequential(
        nn.Linear(width, _WIDER * width), nn.GELU(), nn.Linear(_WIDER * width, width)
    ),
}


class After(nn.Module):
    """What follows the recurrence of a layer: x (..., D) and its features (..., R) to (..., D)."""

    def __init__(self, width: int, features: int, options: BlockOptions) -> None:
        super().__init__()
        self.residual = options.residual
        self.project = nn.Identity() if features == width else nn.Linear(features, width)
        self.mixer = _MIXERS[options.mixer](width)
        self.dropout = nn.Dropout(options.dropout)
        self.norm = NORMS[options.norm if options.position == "post" else "none"](width)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """Return the layer's output."""
        y = self.dropout(self.mixer(self.project(features)))
        output: Tensor = self.norm(x + y if self.residual else y)
        return output


class Block(nn.Module):
    """The modules of a layer: ``before`` and ``after`` its recurrence."""

    def __init__(self, width: int, features: int, options: BlockOptions) -> None:
        super().__init__()
        self.before = NORMS[options.norm if options.position == "pre" else "none"](width)
        self.after = After(width, features, options)


class Plain(nn.Module):
    """A layer without a block: its output is what the recurrence makes."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Identity(), _Features()


class _Features(nn.Module):
    """Returns the features, whatever the layer's input."""

    def forward(self, _: Tensor, features: Tensor) -> Tensor:
        """Return the features (..., R)."""
        return features
