"""Echo state network: what Jaeger (2001) asks of its weights, and that nothing is trained."""

import json

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components


def make(hidden=40, inputs=3, seed=0, **options):
    kind = Components().cells.get("echo_state", Cell)
    with seeded(seed, "init"):
        return kind(inputs, hidden, kind.Options(**options)).double()


@pytest.mark.parametrize("hidden", [1, 2, 40])
@pytest.mark.parametrize("radius", [0.5, 1.2])
def test_the_recurrent_matrix_has_its_spectral_radius(hidden, radius):
    eigenvalues = torch.linalg.eigvals(make(hidden, spectral_radius=radius).w_h)
    # the weights are drawn in float32
    assert float(eigenvalues.abs().max()) == pytest.approx(radius, rel=1e-4)


@pytest.mark.parametrize(("density", "count"), [(0.01, 1), (0.25, 10), (1.0, 40)])
def test_every_unit_sees_the_same_number_of_units(density, count):
    assert ((make(density=density).w_h != 0).sum(dim=1) == count).all()


def test_scalings_bound_input_weights_and_biases():
    cell = make(400, input_scaling=0.3, bias_scaling=0.2)
    for tensor, bound in ((cell.w_x, 0.3), (cell.bias, 0.2)):
        assert 0.9 * bound < float(tensor.abs().max()) <= bound + 1e-7
    assert not make().bias.any()


def test_the_initial_state_is_forgotten_below_a_radius_of_one():
    """The echo state property: two states under one input come together."""
    cell = make(spectral_radius=0.8)
    x = torch.rand(200, 1, 3, dtype=torch.float64)
    starts = torch.randn(2, 1, 40, dtype=torch.float64)
    ends = [unroll(cell, x, (start,), cell.weights())[1][0] for start in starts]
    assert torch.allclose(*ends, atol=1e-6) and not torch.allclose(*starts, atol=0.1)


def test_a_leaky_unit_keeps_a_share_of_its_state():
    cell, u, h = make(leak=0.25), torch.randn(2, 40).double(), torch.rand(2, 40).double()
    new = torch.tanh(u + h @ cell.w_h.T)
    (found,) = cell.step(u, (h,), cell.weights())
    torch.testing.assert_close(found, 0.75 * h + 0.25 * new)


def test_training_changes_the_readout_alone(bench):
    bench("run", "tiny", "--model", "echo_state", "-q")
    (path,) = bench.runs()
    weights = torch.load(path / "checkpoint.pt", weights_only=True)["model"]
    record = json.loads((path / "run.json").read_text())
    trained = [value for name, value in weights.items() if name.startswith("readout.")]
    assert record["parameters"] == sum(value.numel() for value in trained)
    fresh = make(6, weights["cell.w_x"].shape[1]).float().state_dict()
    assert all(torch.equal(fresh[name], weights[f"cell.{name}"]) for name in fresh)
