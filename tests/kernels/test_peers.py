"""Our reservoirs have the states of reservoirpy's, which others wrote, where the weights are."""

import numpy as np
import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import choose
from urnn_bench.measure.peers import fastest, states_of, unavailable_reason
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components

T, BATCH, INPUTS = 100, 3, 2
CELLS = [
    ("esn", {"storage": "dense", "density": 1.0}),
    ("esn", {"storage": "dense", "density": 0.4, "leak": 0.3, "bias_scaling": 0.5}),
    ("esn", {"storage": "sparse", "leak": 0.3}),
    ("esn", {"storage": "sparse", "density": 0.3, "bias_scaling": 0.5}),
    ("esn", {"activation": "relu", "leak": 0.3}),
    ("esn", {"activation": "identity", "spectral_radius": 0.5}),
    ("echo_state", {"leak": 0.3}),
    ("ring_esn", {"leak": 0.3, "bias_scaling": 0.2}),
    ("parallel_esn", {"reservoirs": 4, "leak": 0.3}),
    ("mring_esn", {"reservoirs": 4, "leak": 0.3, "bias_scaling": 0.5}),
    ("mring_esn", {"reservoirs": 5, "density": 0.3}),
]


def make(name, options, dtype=torch.float64):
    kind = Components().cells.get(name, Cell)
    with seeded(0, "init"):
        return kind(INPUTS, 40, kind.Options(**options)).to(dtype)


@pytest.mark.parametrize("kernel", ["eager", "c"])
@pytest.mark.parametrize(("name", "options"), CELLS)
def test_states_are_those_of_reservoirpy(name, options, kernel):
    cell = make(name, options)
    implementation = cell.kernels.get(kernel)
    if kernel != "eager" and (
        implementation is None or implementation.unavailable_reason(cell, "cpu")
    ):
        pytest.skip(f"{name} has no such kernel here")
    x = torch.randn(T, BATCH, INPUTS, dtype=torch.float64)
    found, _ = choose(cell, "cpu", kernel).run(x, cell.initial_state(BATCH), cell.weights())
    assert found.abs().max() > 0.1
    torch.testing.assert_close(found, states_of("reservoirpy_float64", cell, x), rtol=0, atol=1e-12)


def test_a_peer_begins_every_call_at_zeros():
    cell, x = make("esn", {}), torch.randn(9, 2, INPUTS, dtype=torch.float64)
    states = fastest("reservoirpy_float64", cell, x, 1)
    first, second = states(), states()
    assert np.array_equal(first, second) and np.any(first[0])


@pytest.mark.parametrize(
    ("peer", "smallest", "largest"),
    [("reservoirpy", 1e-9, 1e-5), ("reservoirpy_float64", 0, 1e-12)],
)
def test_a_peer_computes_in_its_own_type(peer, smallest, largest):
    # reservoirpy would otherwise convert a matrix in float32 at every step, and be slow
    cell, x = make("esn", {"density": 1.0}), torch.randn(9, 2, INPUTS)
    exact = states_of(peer, cell, x.double())
    found = torch.from_numpy(np.stack(fastest(peer, cell.to(x.dtype), x, 1)(), 1))
    assert smallest <= float((found - exact).abs().max()) <= largest


def test_what_is_no_reservoir_has_no_peer():
    assert unavailable_reason(make("lstm", {})) == "it computes reservoirs alone"
