"""dtriv as in the authors' released code, whose base moves within an update.

Lezcano-Casado (2019), arXiv:1909.09501, and github.com/lezcano/expRNN. There the base moves to B
after the sequence has been computed and before the optimizer's step. So the gradient of that update
is taken where A was, and its step begins at zero; with K = 1 that is so in every update. In the
paper, and in ``dtriv``, the base moves between two updates, and the next gradient is taken at zero.

H hidden width.
"""

import torch
from torch import Tensor

from urnn_bench.cells.dtriv import Dtriv, DtrivOptions


class DtrivReleased(Dtriv):
    """B = Q exp(A - Aᵀ), with Q moved before the step of an update."""

    previous: Tensor

    def __init__(self, inputs: int, hidden: int, options: DtrivOptions) -> None:
        super().__init__(inputs, hidden, options)
        # a buffer, so that a run resumes exactly
        self.register_buffer("previous", torch.zeros_like(self.skew))

    @torch.no_grad()
    def on_update_end(self, step: int) -> None:
        """Move the base to where B was before the step, and leave the step itself in A."""
        every = self.options.rebase_every
        if every is not None and step % every == 0:
            self.move_base(self.previous)
            self.skew.sub_(self.previous)
        self.previous.copy_(self.skew)
