"""modReLU of small numbers: equation 8 down to a stated size, and every kernel alike below it."""

import math
from importlib.util import find_spec

import pytest
import torch

from urnn_bench.cells.urnn import Urnn, UrnnOptions
from urnn_bench.kernels.gpu import urnn as gpu
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.kernels.unitary import least_size, modrelu
from urnn_bench.random_streams import seeded

SIZES = [10.0**power for power in (-44, -38, -37, -30, -25, -20, -18.5, -15, -10, -5, 0)]
DTYPES = {torch.float32: torch.complex64, torch.float64: torch.complex128}


def gradient(z, bias, dtype):
    """Return modReLU and the gradient of its real part, both in double precision."""
    z = torch.tensor([z], dtype=DTYPES[dtype], requires_grad=True)
    b = torch.tensor([bias], dtype=dtype, requires_grad=True)
    h = modrelu(z, b, 0.0)
    (2 * h.real + h.imag).sum().backward()
    return h.detach().to(torch.complex128), z.grad.to(torch.complex128), b.grad.double()


def test_the_least_size_is_one_number_of_each_precision():
    assert least_size(torch.float32) == pytest.approx(1.08e-19, rel=0.01)
    assert least_size(torch.float64) == pytest.approx(1.49e-154, rel=0.01)


@pytest.mark.parametrize("bias", [-0.5, 0.0, 0.3])
@pytest.mark.parametrize("size", [s for s in SIZES if s > 1.1e-19])
def test_single_precision_is_equation_8_down_to_the_least_size(size, bias):
    z = size * complex(0.6, -0.8)
    for single, double in zip(
        gradient(z, bias, torch.float32), gradient(z, bias, torch.float64), strict=True
    ):
        torch.testing.assert_close(single, double, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("size", SIZES)
def test_equation_8_by_hand(size):
    """h = (|z| + b) e^{iθ}: along z it grows as |z| does, across z it turns by (|z| + b) / |z|."""
    angle, bias = 0.3, 0.25
    unit = complex(math.cos(angle), math.sin(angle))
    h, g, by_bias = gradient(size * unit, bias, torch.float64)
    cotangent = complex(2, 1)
    along = (cotangent * unit.conjugate()).real
    across = (cotangent * unit.conjugate()).imag
    expected = unit * complex(along, across * (size + bias) / size)
    assert complex(h) == pytest.approx((size + bias) * unit, rel=1e-12)
    assert complex(g) == pytest.approx(expected, rel=1e-9)
    assert float(by_bias) == pytest.approx(along, rel=1e-12)


def gradients(cell, run, h0):
    cell.zero_grad()
    h0 = h0.clone().requires_grad_()
    hs, _ = run(cell, torch.zeros(2, 3, 1, dtype=cell.bias.dtype), (h0,), cell.weights())
    (hs.real.sin().sum() + hs.imag.sum()).backward()
    return [hs.detach(), h0.grad, *(p.grad for p in cell.parameters() if p.grad is not None)]


def in_c(cell, *arguments):
    return cell.kernels["c"].run(cell, *arguments)


def in_triton(cell, *arguments):
    if find_spec("triton") is None:
        pytest.skip("triton is not installed")
    if torch.cuda.is_available():
        pytest.skip("compiled for a GPU, which tests/kernels/test_gpu_urnn.py compares there")
    return gpu.run(cell, *arguments)


@pytest.mark.parametrize("kernel", [in_c, in_triton])
@pytest.mark.parametrize("bias", [-0.5, 0.0, 0.3])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_kernel_is_the_time_loop(dtype, size, bias, kernel):
    """Also where the least size divides; what either of them returns is finite."""
    with seeded(0, "init"):
        cell = Urnn(1, 8, UrnnOptions()).to(dtype)
    with torch.no_grad():
        cell.bias.fill_(bias)
    rng = torch.Generator().manual_seed(1)
    h0 = size * torch.randn(3, 8, 2, generator=rng, dtype=torch.float64).to(dtype)
    h0 = torch.view_as_complex(h0)
    slow = gradients(cell, unroll, h0)
    fast = gradients(cell, kernel, h0)
    for one, two in zip(slow, fast, strict=True):
        assert bool(torch.isfinite(torch.view_as_real(one) if one.is_complex() else one).all())
        scale = float(one.abs().max())
        tolerance = 1e-4 if dtype is torch.float32 else 1e-9
        assert float((one - two).abs().max()) <= tolerance * scale + 1e-30
