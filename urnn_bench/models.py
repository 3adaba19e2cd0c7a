"""Encoder, cell and linear readout as one network.

T steps, B batch, F input features, H hidden width, R readable features, O outputs.
"""

from torch import Tensor, nn

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import Choice
from urnn_bench.kernels.scan import State
from urnn_bench.tasks.base import Signature, Tokens


class SequenceModel(nn.Module):
    """A cell that reads one-hot tokens or real vectors and answers through a linear readout.

    The readout starts by Glorot's rule with zero bias, as in the uRNN paper, section 4.3.
    """

    def __init__(self, cell: Cell, signature: Signature, kernel: Choice) -> None:
        super().__init__()
        self.cell, self.signature, self.kernel = cell, signature, kernel
        self.readout = nn.Linear(cell.features, signature.outputs)
        nn.init.xavier_uniform_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def forward(self, x: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """Return (T, B, O), or (B, O) where the task wants an answer after the last step.

        Beside it the last state, which another call can go on from; without one it begins anew.
        """
        w = self.cell.weights()
        begin = state or self.cell.initial_state(x.shape[1])
        hs, last = self.kernel.run(self.encode(x), begin, w)
        return self.predict(last[0] if self.signature.answer == "last" else hs), last

    def encode(self, x: Tensor) -> Tensor:
        """Return what the cell reads: tokens (T, B) become one-hot (T, B, V)."""
        if not isinstance(self.signature.inputs, Tokens):
            return x
        weight, vocabulary = self.readout.weight, self.signature.inputs.vocabulary
        # not one_hot, which looks at the tokens first, and a GPU would be waited for
        return weight.new_zeros(*x.shape, vocabulary).scatter_(-1, x.unsqueeze(-1), 1)

    def predict(self, h: Tensor) -> Tensor:
        """Read the answer off h: (..., H) to (..., O)."""
        readout = self.readout
        return self.kernel.linear(self.cell.read(h), readout.weight, readout.bias)
