"""The density of fresh water, and where it is inverted."""

import numpy as np
import pytest
import torch

from urnn_bench.physics.water import density_excess_kg_m3, density_kg_m3


def celsius(low, high, count=2001):
    return torch.linspace(low, high, count, dtype=torch.float64)


def test_is_densest_at_four_degrees():
    warmth = celsius(0, 30, 30_001)
    assert float(warmth[density_kg_m3(warmth).argmax()]) == pytest.approx(3.98, abs=0.01)


@pytest.mark.parametrize(
    ("at", "kg_m3"),
    [(0.0, 999.84), (3.98, 999.97), (10.0, 999.70), (20.0, 998.207), (30.0, 995.65)],
)
def test_is_that_of_the_handbook(at, kg_m3):
    """The CRC Handbook of Chemistry and Physics, within what the formula's fixed maximum allows."""
    assert density_kg_m3(at) == pytest.approx(kg_m3, abs=0.04)


def test_rises_below_the_maximum_and_falls_above():
    assert (density_kg_m3(celsius(0, 3.98)).diff() > 0).all()
    assert (density_kg_m3(celsius(3.99, 40)).diff() < 0).all()


def test_is_the_same_for_numbers_arrays_and_tensors():
    warmth = celsius(0, 30, 31)
    expected = [density_kg_m3(at) for at in warmth.tolist()]
    assert density_kg_m3(warmth).tolist() == expected
    assert density_kg_m3(warmth.numpy()).tolist() == expected


def test_excess_is_positive_where_the_upper_layer_is_denser():
    column = torch.tensor([20.0, 10.0, 12.0, 4.0, 2.0, 3.0, 3.0], dtype=torch.float64)
    excess = density_excess_kg_m3(column)
    assert torch.equal(excess.sign(), torch.tensor([-1.0, 1, -1, 1, -1, 0], dtype=torch.float64))
    assert np.array_equal(excess.numpy(), density_excess_kg_m3(column.numpy()))


def test_gradients_equal_finite_differences():
    warmth = celsius(0.5, 28, 12).requires_grad_()
    assert torch.autograd.gradcheck(density_kg_m3, (warmth,))
    assert torch.autograd.gradcheck(density_excess_kg_m3, (warmth,))
