"""How an LSTM behind a filter starts: as the stock LSTM here, or as in the code of Nguyen et al.

T steps, B batch, F input features, H hidden width. Gates are in the order i, f, g, o.
"""

from collections.abc import Callable, Mapping
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import nn

from urnn_bench.cells._filtered import BiasOptions, FilteredCell
from urnn_bench.cells.lstm import Lstm, LstmOptions, Weights


class FilteredLstmOptions(BiasOptions, LstmOptions):
    """Biases within and beside the filter, and where the matrices start."""

    input_forget_bias: float = Field(
        0.0,
        description="initial bias of the forget gate within the filter (released: 1, -4 for "
        "speech); once the filter has settled it adds that times the filter's gain",
    )
    start: Literal["glorot", "released"] = Field(
        "glorot",
        description="of the matrices: Glorot's rule for every gate, or W orthogonal and U the "
        "identity for the input gate and zero for the others",
    )

    @model_validator(mode="after")
    def _has_input_bias(self) -> Self:
        if self.input_forget_bias and not self.input_bias:
            raise ValueError("input_forget_bias is of the bias that input_bias: false leaves out")
        return self


class FilteredLstm(FilteredCell[Weights]):
    """What cells with an LSTM behind a filter share."""

    options: FilteredLstmOptions
    inner_type = Lstm
    plain: Lstm

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the initial values of the option ``start``."""
        _INITIALISERS[self.options.start](self.plain, self.inputs)
        if self.biased:
            forget = slice(self.hidden, 2 * self.hidden)
            self.plain.get_parameter("w_x")[forget, -1] = self.options.input_forget_bias


def _released(inner: nn.Module, inputs: int) -> None:
    w_x, w_h = inner.get_parameter("w_x"), inner.get_parameter("w_h")
    # not b_x's column, which is a bias
    nn.init.orthogonal_(w_x[:, :inputs])
    # the input gate's rows come first
    w_h.zero_()
    w_h[: w_h.shape[1]].fill_diagonal_(1)


def _glorot(*_: object) -> None:
    """Keep what the inner cell starts with."""


_INITIALISERS: Mapping[str, Callable[[nn.Module, int], None]] = {
    "glorot": _glorot,
    "released": _released,
}
