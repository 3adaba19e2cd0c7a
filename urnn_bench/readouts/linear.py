"""One linear layer, y = W h + b, as in most papers on recurrent networks.

It starts by Glorot's rule with zero bias: Arjovsky, Shah and Bengio (2016), arXiv:1511.06464,
section 4.3.

R features, O outputs.
"""

from torch import Tensor

from urnn_bench.readouts import _init
from urnn_bench.readouts.base import Readout
from urnn_bench.spec.types import Config


class LinearReadout(Readout):
    """The linear readout."""

    def __init__(self, features: int, outputs: int, options: Config) -> None:
        super().__init__(features, outputs, options)
        layer = _init.glorot(features, outputs)
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, features: Tensor) -> Tensor:
        """Return W h + b: (..., R) to (..., O)."""
        return self.linear(features, self.weight, self.bias)
