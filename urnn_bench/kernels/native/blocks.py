"""Matrices in the order in which ``products.h`` reads them."""

from torch import Tensor
from torch.nn.functional import pad

BLOCK = 8  # BLOCK of products.h: rows of a matrix whose sums are in registers together


def blocks(matrix: Tensor) -> Tensor:
    """Return (rows, columns) as blocks of rows, each column by column: (rows/8, columns, 8).

    So the inner loop of a product reads memory in order, and uses each x_k for eight sums.
    """
    rows = pad(matrix.detach(), (0, 0, 0, -len(matrix) % BLOCK))
    return rows.reshape(-1, BLOCK, matrix.shape[1]).transpose(1, 2).contiguous()
