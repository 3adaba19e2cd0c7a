"""The uRNN's kernels in Triton, interpreted on a CPU, and compiled for a GPU that is not here."""

import os
import subprocess
import sys

import pytest
import torch
from torch.utils._pytree import tree_map

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.gpu import urnn as gpu
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Registry

pytest.importorskip("triton", reason="triton is not installed")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CELLS = Registry("model", "cells")
SIZES = [(1, 1, 2), (5, 2, 4), (6, 3, 16), (3, 1, 64)]


def make(hidden, seed=0, **options):
    kind = CELLS.get("urnn", Cell)
    with seeded(seed, "init"):
        cell = kind(3, hidden, kind.Options(**options)).double()
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        # biases of both signs and size: units that are off, on, and near the edge
        cell.bias += 0.5 * torch.randn(hidden, generator=rng, dtype=torch.float64)
    return cell.to(DEVICE)


def outcome(run, cell, x, where):
    cell.zero_grad()
    x = x.detach().clone().requires_grad_()
    hs, (last,) = run(cell, x, cell.initial_state(x.shape[1]), cell.weights())
    seen = {
        "every": cell.readout_features(hs),
        "last": cell.readout_features(last),
        "both": cell.readout_features(hs) + last.real.sum(),
    }
    rng = torch.Generator().manual_seed(2)
    weight = torch.randn(seen[where].shape, generator=rng, dtype=torch.float64).to(DEVICE)
    (weight * seen[where]).sum().backward()
    return {
        "hs": hs.detach(),
        "last": last.detach(),
        "x": x.grad,
        **{n: p.grad.clone() for n, p in cell.named_parameters()},
    }


def check(cell, x, where="every"):
    slow, fast = outcome(unroll, cell, x, where), outcome(gpu.run, cell, x, where)
    for key, value in slow.items():
        torch.testing.assert_close(fast[key], value, rtol=1e-10, atol=1e-10)
    return slow["hs"]


def data(steps, batch, seed=0):
    rng = torch.Generator().manual_seed(3 + seed)
    return torch.randn(steps, batch, 3, generator=rng, dtype=torch.float64).to(DEVICE)


@pytest.mark.parametrize("where", ["every", "last", "both"])
@pytest.mark.parametrize(("steps", "batch", "hidden"), SIZES)
def test_equals_the_time_loop(steps, batch, hidden, where):
    check(make(hidden), data(steps, batch), where)


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_equals_it_with_either_modrelu(variant):
    check(make(8, variant=variant), data(4, 2))


def outputs_and_gradients(cells, x, run):
    """Return hs and last states of every cell, and all gradients of a loss of both."""
    for cell in cells:
        cell.zero_grad()
    x = x.detach().clone().requires_grad_()
    hs, last = run(cells, x)
    rng = torch.Generator().manual_seed(2)
    every, end = (torch.randn(z.shape, generator=rng, dtype=z.dtype) for z in (hs, last))
    ((every.to(DEVICE) * hs).real.sum() + (end.to(DEVICE) * last).real.sum()).backward()
    return [hs, last, x.grad, *(p.grad for cell in cells for p in cell.parameters())]


def one_by_one(cells, x):
    outputs = [
        unroll(c, x_m, c.initial_state(x.shape[2]), c.weights())
        for c, x_m in zip(cells, x, strict=True)
    ]
    return tuple(map(torch.stack, zip(*((hs, last) for hs, (last,) in outputs), strict=True)))


def as_a_stack(cells, x):
    weights = tree_map(lambda *z: torch.stack(z), *(c.weights() for c in cells))
    h0 = torch.stack([c.initial_state(x.shape[2])[0] for c in cells])
    hs, (last,) = gpu.run_stack(cells[0], x, (h0,), weights)
    return hs, last


def test_a_stack_is_each_model_by_itself():
    cells = [make(8, seed=seed) for seed in range(3)]
    assert not torch.equal(cells[0].permutation, cells[1].permutation)
    x = torch.stack([data(5, 2, seed) for seed in range(3)])
    pairs = zip(
        outputs_and_gradients(cells, x, as_a_stack),
        outputs_and_gradients(cells, x, one_by_one),
        strict=True,
    )
    for stacked, single in pairs:
        torch.testing.assert_close(stacked, single, rtol=1e-10, atol=1e-10)


def test_units_that_are_off_have_no_gradient_and_zeros_no_direction():
    cell = make(4)
    with torch.no_grad():
        cell.bias.fill_(-10)
        cell.h0.zero_()
    assert not check(cell, data(3, 2)).abs().any()
    with torch.no_grad():
        cell.bias.fill_(0.5)
    check(cell, torch.zeros(2, 2, 3, dtype=torch.float64, device=DEVICE))


def test_reads_a_drive_and_a_gradient_that_are_not_contiguous():
    cell, x = make(4), data(4, 6)[:, ::2]
    weight = torch.randn(4, 3, 8, dtype=torch.float64, device=DEVICE)
    grads = []
    for run in (unroll, gpu.run):
        cell.zero_grad()
        hs, _ = run(cell, x, cell.initial_state(3), cell.weights())
        (cell.readout_features(hs).transpose(0, 1) * weight.transpose(0, 1)).sum().backward()
        grads.append(cell.phases.grad.clone())
    torch.testing.assert_close(*grads, rtol=1e-10, atol=1e-10)


def test_takes_gradients_of_conjugates():
    cell, x = make(4), data(3, 2)
    grads = []
    for run in (unroll, gpu.run):
        cell.zero_grad()
        hs, (last,) = run(cell, x, cell.initial_state(2), cell.weights())
        (hs.conj().imag.square().sum() + last.conj().imag.sum()).backward()
        grads.append(cell.phases.grad.clone())
    torch.testing.assert_close(*grads, rtol=1e-10, atol=1e-10)


def test_says_which_widths_it_takes():
    assert "powers of two from 2 to 1024, not 12" in gpu.URNN.unavailable_reason(make(12), "cuda")
    assert "powers of two" in gpu.URNN.unavailable_reason(make(1), "cuda")
    assert gpu.URNN.unavailable_reason(make(16), "cuda") is None
    assert "it runs on cuda, not on cpu" in gpu.URNN.unavailable_reason(make(16), "cpu")


def test_no_product_is_rounded_to_tf32(bench):
    torch.backends.cudnn.allow_tf32 = True
    bench("run", "tiny", "--model", "lstm", "--steps", "1")
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32


COMPILE = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from urnn_bench.kernels.gpu.rows import urnn as rows

real, index = "*fp32", "*i32"
kinds = {"order": index, "place": index, "steps": "i32", "batch": "i32"}
for kernel, settings in (
    (rows.forward, {"N": 32, "LOG": 5}),
    (rows.backward, {"N": 32, "LOG": 5, "EVERY": True}),
):
    names = kernel.arg_names
    signature = {n: "constexpr" if n in settings else kinds.get(n, real) for n in names}
    source = ASTSource(fn=kernel, signature=signature, constexprs=settings)
    options = {"num_warps": 1, "enable_fp_fusion": True}
    made = compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    # a warp that keeps its row in registers has shuffles, and waits for no other
    ptx = made.asm["ptx"]
    print(kernel.fn.__name__, "shfl" in ptx, "tf32" in ptx, "approx" in ptx or "div.full" in ptx)
"""


def test_compiles_for_hopper_to_ieee_arithmetic(tmp_path):
    env = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    env["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", COMPILE], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["forward True False False", "backward True False False"]
