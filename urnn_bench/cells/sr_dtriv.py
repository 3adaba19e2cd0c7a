"""SRDTRIV: the orthogonal network of dtriv behind Nesterov's filter with scheduled restart.

Nguyen et al. (2020), arXiv:2006.06919: v_t = m_k v_{t-1} + ε V x_t, m_k = (k - 1)/(k + 2), k from 1
to F again and again, and h_t = modReLU(h_{t-1} B + v_t).

T steps, B batch, F input features, H hidden width.
"""

from pydantic import Field

from urnn_bench.cells._filtered import Nesterov, RestartOptions, filtered
from urnn_bench.cells._orthogonal import Weights
from urnn_bench.cells.dtriv import Dtriv, DtrivOptions
from urnn_bench.spec.types import Count


class SrDtrivOptions(RestartOptions, DtrivOptions):
    """The filter, and the network behind it."""

    restart: Count = Field(
        2, description="F, steps between restarts", json_schema_extra={"unit": "steps"}
    )


class SrDtriv(Nesterov[Weights]):
    """dtriv behind a filter that restarts."""

    Options = SrDtrivOptions
    options: SrDtrivOptions
    inner_type = Dtriv
    plain: Dtriv
    state_names = ("h", "v")
    kernels = filtered(Dtriv.kernels)
