"""The linear control: an average of the inputs, or with a decay of 0 the inputs themselves."""

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.errors import ComponentError
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.registry import Components


def states(x, hidden, decay, inputs=None):
    kind = Components().cells.get("moving_average", Cell)
    cell = kind(x.shape[-1], hidden, kind.Options(decay=decay, inputs=inputs)).double()
    return unroll(cell, x, cell.initial_state(x.shape[1]), cell.weights())[0]


@pytest.mark.parametrize("hidden", [3, 5, 2])
def test_without_decay_the_state_is_the_input(hidden):
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    hs, known = states(x, hidden, 0.0), min(3, hidden)
    assert torch.equal(hs[..., :known], x[..., :known])
    assert not hs[..., known:].any()


def test_inputs_are_weighted_by_their_age():
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    weights = 0.3 * 0.7 ** torch.arange(5, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(states(x, 3, 0.7)[-1], torch.einsum("t,tbf->bf", weights, x))


def test_some_inputs_are_read():
    x = torch.randn(4, 2, 5, dtype=torch.float64)
    hs = states(x, 3, 0.0, inputs=(4, 1))
    assert torch.equal(hs[..., :2], x[..., [4, 1]])
    assert not hs[..., 2].any()


def test_an_input_that_there_is_not_is_refused():
    with pytest.raises(ComponentError, match="no input 3: they count from 0 to 2"):
        states(torch.randn(4, 2, 3, dtype=torch.float64), 3, 0.0, inputs=(3,))
