"""The MomentumRNN family against its equations, written out with v as wide as the gates."""

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Registry

CELLS = Registry("model", "cells")
T, B, F, H = 9, 3, 2, 4


def make(name, hidden=H, **options):
    kind = CELLS.get(name, Cell)
    with seeded(0, "init"):
        cell = kind(F, hidden, kind.Options(**options)).double()
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in cell.parameters():
            p += 0.3 * torch.randn(p.shape, generator=rng, dtype=p.dtype)
    return cell


def data():
    return torch.randn(T, B, F, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def lstm(plain, drives):
    """An LSTM's h over drives that are there already."""
    state, found = plain.initial_state(B), []
    for drive in drives:
        state = plain.step(drive, state, plain.weights())
        found.append(state[0])
    return torch.stack(found)


def projected(cell, x):
    return x @ cell.plain.w_x[:, :-1].T + cell.plain.w_x[:, -1]


def run(cell, x):
    return unroll(cell, x, cell.initial_state(B), cell.weights())[0]


def test_momentum_lstm():
    cell, x = make("momentum_lstm", momentum=0.7, step_size=0.3), data()
    v, drives = 0, []
    for g in projected(cell, x):
        v = 0.7 * v + 0.3 * g
        drives.append(v + cell.plain.bias)
    torch.testing.assert_close(run(cell, x), lstm(cell.plain, drives), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "restart"),
    [
        ("nesterov_lstm", {}, 10**6),
        ("sr_lstm", {"restart": 4}, 4),
    ],
)
def test_nesterov_with_and_without_restart(name, options, restart):
    cell, x = make(name, step_size=0.3, **options), data()
    v, drives = 0, []
    for t, g in enumerate(projected(cell, x)):
        k = t % restart + 1
        v = (k - 1) / (k + 2) * v + 0.3 * g
        drives.append(v + cell.plain.bias)
    torch.testing.assert_close(run(cell, x), lstm(cell.plain, drives), rtol=1e-12, atol=1e-12)


def test_the_released_form_of_restarts():
    cell, x = make("sr_lstm_released", step_size=0.3, restart=4), data()
    w = cell.plain.weights()
    h, c, before, found = *cell.plain.initial_state(B), 0, []
    for t, g in enumerate(projected(cell, x)):
        k = t % 4 + 1
        y = h @ w.w_h.T + w.bias - 0.3 * g
        z, before = y + (k - 1) / (k + 2) * (y - before), y
        i, f, g_, o = z.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g_.tanh()
        h = o.sigmoid() * c.tanh()
        found.append(h)
    torch.testing.assert_close(run(cell, x), torch.stack(found), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["adam_lstm", "rmsprop_lstm"])
def test_adam_and_rmsprop(name):
    mu = {"momentum": 0.7} if name == "adam_lstm" else {}
    cell, x = make(name, step_size=0.3, beta=0.8, stabiliser=1e-3, **mu), data()
    v, s, drives = 0, 0, []
    for g in projected(cell, x):
        v, s = mu.get("momentum", 0) * v + 0.3 * g, 0.8 * s + 0.2 * g**2
        drives.append(v / (s + 1e-3).sqrt() + cell.plain.bias)
    torch.testing.assert_close(run(cell, x), lstm(cell.plain, drives), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["lstm", "rnn", "urnn"])
def test_without_momentum_it_is_the_plain_cell(kind):
    bias = {} if kind == "urnn" else {"input_bias": False}
    cell = make(f"momentum_{kind}", momentum=0.0, step_size=1.0, **bias)
    plain, x = cell.plain, data()
    alone = unroll(plain, x, plain.initial_state(B), plain.weights())[0]
    torch.testing.assert_close(run(cell, x), alone, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", ["momentum_lstm", "adam_lstm"])
@pytest.mark.parametrize("kernel", ["scan", "c"])
def test_a_filter_carried_over_a_cut_is_the_uncut_one(name, kernel):
    cell, x = make(name), data()
    w = cell.weights()
    fast = choose(cell, "cpu", kernel).run
    whole, _ = fast(x, cell.initial_state(B), w)
    _, middle = fast(x[:4], cell.initial_state(B), w)
    rest, _ = fast(x[4:], middle, w)
    torch.testing.assert_close(rest, whole[4:], rtol=1e-10, atol=1e-10)


def fresh(name, **options):
    kind = CELLS.get(name, Cell)
    with seeded(0, "init"):
        return kind(F, H, kind.Options(**options)).double()


FAMILY = [
    "momentum_lstm",
    "adam_lstm",
    "rmsprop_lstm",
    "nesterov_lstm",
    "sr_lstm",
    "sr_lstm_released",
]


@pytest.mark.parametrize("name", FAMILY)
def test_the_released_start(name):
    plain = fresh(name, start="released", input_forget_bias=1.0, forget_bias=1.0).plain
    w = plain.w_x[:, :-1].detach()
    torch.testing.assert_close(w.T @ w, torch.eye(F).double(), rtol=0, atol=1e-6)
    assert torch.equal(plain.w_h.detach(), torch.eye(4 * H, H).double())
    forget = torch.tensor([0, 1, 0, 0]).repeat_interleave(H).double()
    assert torch.equal(plain.w_x[:, -1].detach(), forget) and torch.equal(
        plain.bias.detach(), forget
    )


@pytest.mark.parametrize("name", FAMILY)
def test_it_starts_as_the_plain_lstm_unless_told_otherwise(name):
    with seeded(0, "init"):
        kind = CELLS.get("lstm", Cell)
        lstm_ = kind(F, H, kind.Options()).double()
    plain = fresh(name).plain
    assert torch.equal(plain.w_x[:, :-1], lstm_.w_x) and torch.equal(plain.w_h, lstm_.w_h)
    assert not plain.w_x[:, -1].any()


def test_the_bias_within_the_filter_ends_at_its_gain():
    cell = fresh("momentum_lstm", momentum=0.6, step_size=1.0, input_forget_bias=1.0)
    x = torch.zeros(200, B, F, dtype=torch.float64)
    w = cell.weights()
    v = choose(cell, "cpu", "scan").run(x, cell.initial_state(B), w)[1][-1]
    assert float(cell.plain.drive(v, w)[0, H].detach()) == pytest.approx(1 + 2.5)


def bias_gradient(**options):
    cell = make("adam_lstm", momentum=0.6, step_size=0.6, beta=0.1, **options)
    with torch.no_grad():
        cell.plain.w_x[:, -1] = 0
    hs = run(cell, torch.zeros(T, B, F, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(hs.sum(), cell.plain.w_x)
    return float(gradient[:, -1].abs().max())


def test_adams_gradient_at_blank_input_is_what_the_stabiliser_says():
    """The drive's derivative at g = 0, s = 0 is ε/√δ: 6e7 with the released δ = 1e-16."""
    assert bias_gradient() > 1e7
    assert bias_gradient(stabiliser=1e-2) < 1e3
    ratio = bias_gradient(stabiliser=1e-16) / bias_gradient(stabiliser=1e-12)
    assert ratio == pytest.approx(100, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("momentum_lstm", {"momentum": 1.0}),
        ("momentum_lstm", {"momentum": -0.1}),
        ("momentum_lstm", {"step_size": 0.0}),
        ("sr_lstm", {"restart": 0}),
        ("adam_lstm", {"beta": 1.0}),
        ("rmsprop_lstm", {"stabiliser": 0.0}),
        ("rmsprop_lstm", {"momentum": 0.5}),
        ("adam_lstm", {"stabiliser": 1e-50}),
        ("momentum_lstm", {"input_forget_bias": 1.0, "input_bias": False}),
    ],
)
def test_options_that_cannot_be_are_refused(name, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        CELLS.get(name, Cell).Options(**options)


@pytest.mark.parametrize(
    ("name", "inputs", "hidden", "outputs", "published"),
    [
        ("momentum_lstm", 1, 128, 10, 68_362),
        ("adam_lstm", 1, 256, 10, 267_786),
        ("sr_lstm_released", 129, 84, 129, 83_205),
        ("rmsprop_lstm", 129, 158, 129, 203_159),
        ("dtriv", 1, 170, 10, 16_415),
        ("momentum_dtriv", 1, 512, 10, 136_970),
    ],
)
def test_has_as_many_parameters_as_the_paper_says(name, inputs, hidden, outputs, published):
    kind = CELLS.get(name, Cell)
    cell = kind(inputs, hidden, kind.Options())
    counted = sum(p.numel() for p in cell.parameters())
    assert counted + outputs * (hidden + 1) == published
