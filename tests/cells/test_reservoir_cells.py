"""Reservoirs: how they are drawn, what they forget, and what a benchmark may not ask of them."""

import json

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components

NAMES = ["esn", "parallel_esn", "mring_esn", "ring_esn"]


def make(name, hidden=40, inputs=3, seed=0, **options):
    kind = Components().cells.get(name, Cell)
    with seeded(seed, "init"):
        return kind(inputs, hidden, kind.Options(**options)).double()


def matrix_of(cell):
    """Return W as the step applies it."""
    units = torch.eye(cell.hidden, dtype=torch.float64)
    return cell.weights().recurrent.product(units).T


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("radius", [0.5, 1.2])
def test_the_whole_matrix_has_the_spectral_radius(name, radius):
    found = torch.linalg.eigvals(matrix_of(make(name, spectral_radius=radius))).abs().max()
    # the weights are drawn and kept in float32
    assert float(found) == pytest.approx(radius, rel=1e-6)


def test_every_reservoir_of_parallel_ones_has_it():
    for block in make("parallel_esn", reservoirs=5, spectral_radius=0.7).w_h:
        assert float(torch.linalg.eigvals(block).abs().max()) == pytest.approx(0.7, rel=1e-6)


def test_links_move_the_radius_of_a_ring_away_from_that_of_its_reservoirs():
    cell = make("mring_esn", spectral_radius=0.9, link_scaling=2.0)
    inner = max(float(torch.linalg.eigvals(w).abs().max()) for w in cell.w_h)
    assert abs(inner - 0.9) > 0.01


def test_a_ring_without_a_link_is_one_of_parallel_reservoirs_but_for_the_scale():
    ring, side_by_side = (
        make(n, **o) for n, o in (("mring_esn", {"link_scaling": 0.0}), ("parallel_esn", {}))
    )
    ratio = ring.w_h / side_by_side.w_h
    per_reservoir = ratio.flatten(1)
    torch.testing.assert_close(per_reservoir, per_reservoir[:, :1].expand_as(per_reservoir))


@pytest.mark.parametrize("density", [0.02, 0.4])
def test_either_storage_has_the_same_matrix(density):
    dense, stored = (make("esn", density=density, storage=s) for s in ("dense", "sparse"))
    torch.testing.assert_close(matrix_of(dense), matrix_of(stored))


@pytest.mark.parametrize(("density", "is_sparse"), [(0.1, True), (0.5, False)])
def test_a_sparse_matrix_is_stored_by_its_entries(density, is_sparse):
    assert make("esn", density=density).is_sparse is is_sparse


def test_the_echo_state_cell_is_the_dense_one():
    former, new = make("echo_state", density=0.1), make("esn", density=0.1, storage="dense")
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    runs = (unroll(c, x, c.initial_state(2), c.weights())[0] for c in (former, new))
    assert torch.equal(*runs)


@pytest.mark.parametrize("name", NAMES)
def test_the_initial_state_is_forgotten_below_a_radius_of_one(name):
    """The echo state property: two states under one input come together."""
    cell, x = make(name, spectral_radius=0.8), torch.rand(200, 1, 3, dtype=torch.float64)
    starts = torch.randn(2, 1, 40, dtype=torch.float64)
    ends = [unroll(cell, x, (start,), cell.weights())[1][0] for start in starts]
    assert torch.allclose(*ends, atol=1e-6) and not torch.allclose(*starts, atol=0.1)


def test_a_cycle_of_linear_units_is_a_delay_line():
    cell = make("ring_esn", 8, 1, spectral_radius=1.0, activation="identity")
    x = torch.zeros(8, 1, 1, dtype=torch.float64)
    x[0] = 1
    hs, _ = unroll(cell, x, cell.initial_state(1), cell.weights())
    for step, h in enumerate(hs):
        assert torch.equal(h[0], cell.w_x[:, 0].roll(step))


def test_noise_is_added_in_training_alone():
    cell, x = make("esn", noise=0.1), torch.zeros(5, 2, 3, dtype=torch.float64)
    assert cell.draws
    drive = cell.eval().drive(x, cell.weights())
    assert torch.equal(drive, torch.zeros_like(drive))
    noisy = cell.train().drive(x, cell.weights())
    assert float(noisy.std()) == pytest.approx(0.1, rel=0.2)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_reservoir_is_trained(bench, name):
    bench("run", "tiny", "--model", name, "--set", "hidden=8", "-q")
    (path,) = bench.runs()
    weights = torch.load(path / "checkpoint.pt", weights_only=True)["model"]
    record = json.loads((path / "run.json").read_text())
    trained = [value for key, value in weights.items() if key.startswith("readout.")]
    assert record["parameters"] == sum(value.numel() for value in trained)


@pytest.mark.parametrize(
    ("model", "setting", "words"),
    [
        ("esn", "density=0", "density"),
        ("esn", "spectral_radius=0", "spectral_radius"),
        ("ring_esn", "spectral_radius=-1", "spectral_radius"),
        ("mring_esn", "reservoirs=3", "8 units cannot be divided into 3 reservoirs"),
    ],
)
def test_what_a_reservoir_cannot_have_is_one_sentence(bench, model, setting, words):
    result = bench(
        "run",
        "tiny",
        "--model",
        model,
        "--set",
        "hidden=8",
        "--set",
        f"models.{model}.cell.{setting}",
        code=2,
    )
    assert words in result.err and "Traceback" not in result.err


@pytest.mark.parametrize("name", NAMES)
def test_input_and_bias_have_their_scale_and_either_sign(name):
    cell = make(name, 400, input_scaling=0.3, bias_scaling=0.2)
    for values, largest in ((cell.w_x, 0.3), (cell.bias, 0.2)):
        assert float(values.abs().max()) == pytest.approx(largest, rel=0.02)
        assert abs(float(values.mean())) < largest / 5


def test_the_input_weights_of_a_cycle_have_one_absolute_value():
    cell = make("ring_esn", 400, input_scaling=0.3)
    torch.testing.assert_close(cell.w_x.abs(), torch.full_like(cell.w_x, 0.3), rtol=1e-6, atol=0)


@pytest.mark.parametrize(("density", "seen"), [(0.001, 1), (0.19, 2), (1.0, 10)])
def test_a_unit_sees_the_nearest_number_of_others_to_its_density(density, seen):
    cell = make("esn", 10, density=density, storage="sparse")
    assert cell.columns.shape == (10, seen)
    assert all(len(row.unique()) == seen for row in cell.columns)


def test_the_control_without_order_sees_the_mean_of_all_inputs():
    cell, x = make("mean_features", 8), torch.randn(5, 2, 3, dtype=torch.float64)
    hs, _ = unroll(cell, x, cell.initial_state(2), cell.weights())
    means = x.cumsum(0) / torch.arange(1, 6)[:, None, None]
    torch.testing.assert_close(hs, torch.tanh(means @ cell.w_x.T + cell.bias))
