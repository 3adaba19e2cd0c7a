"""Units against an independent transcription of their equations in numpy and scipy, and invariants.

The transcription convolves by ``scipy.signal.correlate2d``, one channel after the other.
"""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from scipy.special import expit
from torch.nn import functional

from urnn_bench.cells.units.base import Unit
from urnn_bench.cells.units.general_gated import gate_convolutions
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components

B, C, R, S = 2, 2, 4, 5
UNITS = Components().units


def make(name, seed=0, channels=C, kernel_size=3, **options):
    """Return a unit in float64 with noise on its parameters."""
    kind = UNITS.get(name, Unit)
    with seeded(seed, "init"):
        unit = kind(channels, kernel_size, kind.Options(**options)).double()
        with torch.no_grad():
            for p in unit.parameters():
                p += 0.3 * torch.randn(p.shape, dtype=p.dtype)
    return unit


def maps(seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(B, C, R, S, generator=rng, dtype=torch.float64)


def conv(x, filters, bias=None):
    """Return maps (B, C, R, S) convolved with filters (D, C, K, K), zero beyond the border."""
    rows = [[_correlated(image, kernel) for kernel in filters] for image in x]
    return np.array(rows) + (0 if bias is None else bias[:, None, None])


def _correlated(image, kernel):
    return sum(correlate2d(m, f, mode="same") for m, f in zip(image, kernel, strict=True))


def elu(a):
    return np.where(a > 0, a, np.exp(np.minimum(a, 0)) - 1)


def by_name(unit):
    return {name: p.detach().numpy() for name, p in unit.named_parameters()}


def parts(array, count):
    return np.split(array, count)


def time_decay(p, x, _, s):
    s = x + p["decay"] * s
    return elu(s), s


def simple_rnn(p, x, h):
    total = conv(x, p["by_x"]) + conv(h, p["by_h"])
    mean = total.mean(axis=(1, 2, 3), keepdims=True)
    deviation = np.sqrt(((total - mean) ** 2).mean(axis=(1, 2, 3), keepdims=True) + 1e-5)
    gain, bias = (p[name][:, None, None] for name in ("gain", "bias"))
    return (elu(gain * (total - mean) / deviation + bias),)


def gru(p, x, h):
    (w_z, w_r, w_n), (b_z, b_r, b_n) = parts(p["by_x"], 3), parts(p["bias"], 3)
    u_z, u_r = parts(p["gates_by_h"], 2)
    z = expit(conv(x, w_z, b_z) + conv(h, u_z))
    r = expit(conv(x, w_r, b_r) + conv(h, u_r))
    n = np.tanh(conv(x, w_n, b_n) + conv(r * h, p["new_by_h"]))
    return ((1 - z) * h + z * n,)


def lstm(p, x, h, c):
    w, u, b = (parts(p[name], 4) for name in ("by_x", "by_h", "bias"))
    i, f, new, o = (conv(x, w[k], b[k]) + conv(h, u[k]) for k in range(4))
    peepholes = [p.get(f"peepholes.{k}", np.zeros((1, 1, 1))) for k in range(3)]
    c_before, i, f = c, i + peepholes[0] * c, f + peepholes[1] * c
    c = expit(f) * c_before + expit(i) * np.tanh(new)
    return expit(o + peepholes[2] * c) * np.tanh(c), c


def ugrnn(p, x, h):
    w, u, b = (parts(p[name], 2) for name in ("by_x", "by_h", "bias"))
    g = expit(conv(x, w[0], b[0]) + conv(h, u[0]))
    return (g * h + (1 - g) * np.tanh(conv(x, w[1], b[1]) + conv(h, u[1])),)


def intersection_rnn(p, x, _, h):
    w, u, b = (parts(p[name], 4) for name in ("by_x", "by_h", "bias"))
    depth, new, a, g = (conv(x, w[k], b[k]) + conv(h, u[k]) for k in range(4))
    y = expit(a) * x + (1 - expit(a)) * np.maximum(depth, 0)
    return y, expit(g) * h + (1 - expit(g)) * np.tanh(new)


def convolutions(p, x, h, c):
    """Return W_xc * x, then W_hc and W_hh of h, then W_cc and W_ch of c."""
    by_h, by_c = parts(p["by_h"], 2), parts(p["by_c"], 2)
    return conv(x, p["by_x"]), *(conv(h, f) for f in by_h), *(conv(c, f) for f in by_c)


def reciprocal_gated(p, x, h, c):
    x_c, hc, hh, cc, ch = convolutions(p, x, h, c)
    return (
        elu((1 - expit(hh)) * h + (1 - expit(ch)) * x),
        elu((1 - expit(cc)) * c + (1 - expit(hc)) * x_c),
    )


def reciprocal_gated_without_gating(p, x, h, c):
    x_c, hc, hh, cc, ch = convolutions(p, x, h, c)
    return elu(hh + x + ch), elu(cc + x_c + hc)


def reciprocal_gated_without_bypass(p, x, h, c):
    x_c, hc, hh, cc, ch = convolutions(p, x, h, c)
    new = elu((1 - expit(cc)) * c + (1 - expit(hc)) * x_c)
    return elu((1 - expit(hh)) * h + (1 - expit(ch)) * new), new


CASES = [
    (time_decay, {}),
    (simple_rnn, {}),
    (gru, {}),
    (lstm, {}),
    (lstm, {"peepholes": True}),
    (ugrnn, {}),
    (intersection_rnn, {}),
    (reciprocal_gated, {}),
    (reciprocal_gated_without_gating, {}),
    (reciprocal_gated_without_bypass, {}),
]


@pytest.mark.parametrize(("transcribed", "options"), CASES)
def test_a_unit_computes_its_equations(transcribed, options):
    unit = make(transcribed.__name__, **options)
    x, *state = (maps(seed) for seed in range(1 + len(unit.state_names)))
    expected = transcribed(by_name(unit), x.numpy(), *(s.numpy() for s in state))
    for found, wanted in zip(unit.step(x, tuple(state), unit.weights()), expected, strict=True):
        np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-12, atol=1e-12)


def zero(unit):
    return tuple(torch.zeros(B, C, R, S, dtype=torch.float64) for _ in unit.state_names)


def first(unit, x):
    """Return the output of the first step."""
    return unit.step(x, zero(unit), unit.weights())[0]


def test_the_reciprocal_gated_cell_lets_half_of_x_pass_at_first():
    x = maps(1)
    assert torch.equal(first(make("reciprocal_gated"), x), functional.elu(x / 2))


def test_without_gating_x_passes_whole_at_first():
    x = maps(1)
    assert torch.equal(first(make("reciprocal_gated_without_gating"), x), functional.elu(x))


def test_without_bypass_x_passes_through_two_nonlinear_functions_at_first():
    x, unit = maps(1), make("reciprocal_gated_without_bypass")
    once = functional.elu(functional.conv2d(x, unit.by_x, padding=1) / 2)
    torch.testing.assert_close(first(unit, x), functional.elu(once / 2), rtol=1e-12, atol=1e-12)


def test_an_open_gate_lets_x_pass_and_a_closed_one_keeps_h():
    """Filters of one tap, so large that a gate is 0 or 1 wherever a state is not zero."""
    unit, x = make("reciprocal_gated"), maps(1).abs()
    h, c = maps(2).abs() + 0.1, maps(3).abs() + 0.1
    for keeps_h, enters_h, expected in ((0, 1, x), (1, 0, h)):
        with torch.no_grad():
            unit.by_h.zero_()
            unit.by_c.zero_()
            for channel in range(C):
                # a gate is one minus a sigmoid: a large filter closes it
                unit.by_h[C + channel, channel, 1, 1] = 1e4 * (1 - 2 * keeps_h)
                unit.by_c[C + channel, channel, 1, 1] = 1e4 * (1 - 2 * enters_h)
        torch.testing.assert_close(unit.step(x, (h, c), unit.weights())[0], expected)


def test_a_decay_begins_without_memory():
    kind = UNITS.get("time_decay", Unit)
    assert float(kind(C, 3, kind.Options()).decay.detach()) == 0


@pytest.mark.parametrize(
    ("name", "blocks"),
    [("lstm", (0, 1, 0, 0)), ("ugrnn", (1, 0)), ("intersection_rnn", (0, 0, 1, 1))],
)
def test_the_biases_that_keep_begin_at_one(name, blocks):
    kind = UNITS.get(name, Unit)
    biases = kind(C, 3, kind.Options()).bias.detach().view(-1, C)
    assert torch.equal(biases, torch.tensor(blocks, dtype=biases.dtype)[:, None].expand(-1, C))


def test_the_ablations_have_as_many_parameters():
    names = (
        "reciprocal_gated",
        "reciprocal_gated_without_gating",
        "reciprocal_gated_without_bypass",
        "general_gated",
    )
    assert len({sum(p.numel() for p in make(name).parameters()) for name in names}) == 1


OF_THE_FAMILY = {
    "reciprocal_gated": {},
    "reciprocal_gated_without_gating": {"joined": "added"},
    "reciprocal_gated_without_bypass": {"bypass": "c"},
}


@pytest.mark.parametrize("name", OF_THE_FAMILY)
def test_the_family_has_the_reciprocal_gated_cell_and_its_ablations(name):
    """To the bit, of the same weights."""
    member, general = make(name), make("general_gated", **OF_THE_FAMILY[name])
    w = member.weights()
    of_general = type(general.weights())(w.by_x, (w.by_h,), (w.by_c,))
    x, h, c = maps(1), maps(2), maps(3)
    pairs = zip(member.step(x, (h, c), w), general.step(x, (h, c), of_general), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_family_begins_as_the_reciprocal_gated_cell():
    """The same seed gives the same weights."""
    member, general = make("reciprocal_gated"), make("general_gated")
    pairs = zip(member.parameters(), general.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


FUNCTIONS = {"sigmoid": expit, "tanh": np.tanh}
NONLINEARITIES = {"elu": elu, "relu": lambda a: np.maximum(a, 0), "tanh": np.tanh}
SEARCHED = {
    "separable": True,
    "gate_kernel_size": 5,
    "keep_offset": 0.9,
    "keep_multiplier": -0.8,
    "keep_bias": 0.4,
    "enter_function": "tanh",
    "enter_offset": 0.7,
    "enter_multiplier": -0.6,
    "enter_bias": 0.3,
}


def separable(state, filters, gates):
    """Return what each gate sees of a state: a filter for each channel, then a mix of channels."""
    channelwise, mix = (parts(f, gates) for f in filters)
    each = [
        np.stack([correlate2d(m[k], f[k, 0], mode="same") for m in state for k in range(C)])
        for f in channelwise
    ]
    return [conv(e.reshape(B, C, R, S), m) for e, m in zip(each, mix, strict=True)]


@pytest.mark.parametrize("order", ["simultaneous", "memory_first"])
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
@pytest.mark.parametrize("bypass", ["x", "c", "both"])
def test_the_family_computes_its_equations(order, nonlinearity, bypass):
    unit = make("general_gated", order=order, nonlinearity=nonlinearity, bypass=bypass, **SEARCHED)
    p, phi = by_name(unit), NONLINEARITIES[nonlinearity]
    x, h, c = (maps(seed).numpy() for seed in (1, 2, 3))

    def keep(a):
        return 0.9 - 0.8 * expit(a + 0.4)

    def enter(a):
        return 0.7 - 0.6 * np.tanh(a + 0.3)

    of_h = [p["by_h.0"], p["by_h.1"]]
    of_c = [p["by_c.0"], p["by_c.1"]]
    enters_c, keeps_h = separable(h, of_h, 2)
    keeps_c, enters_h = separable(c, of_c, 2)
    new_c = phi(keep(keeps_c) * c + enter(enters_c) * conv(x, p["by_x"]))
    if order == "memory_first":
        enters_h = separable(new_c, of_c, 2)[1]
    entering = {"x": x, "c": new_c, "both": x + new_c}[bypass]
    new_h = phi(keep(keeps_h) * h + enter(enters_h) * entering)
    state = torch.from_numpy(h), torch.from_numpy(c)
    found = unit.step(torch.from_numpy(x), state, unit.weights())
    for a, b in zip(found, (new_h, new_c), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gate", ["c_keeps", "h_enters_c", "h_keeps", "c_enters_h"])
def test_a_gate_can_be_left_out_or_read_the_other_state(gate):
    """Three gates have three quarters of the filters, and a term without a gate stays whole."""
    whole, without = make("general_gated"), make("general_gated", **{gate: "none"})
    filters = C * C * 9
    counts = [sum(p.numel() for p in unit.parameters()) for unit in (whole, without)]
    assert counts == [5 * filters, 4 * filters]
    default = type(whole.options)().model_dump()[gate]
    swapped = make("general_gated", **{gate: "own" if default == "other" else "other"})
    by_h, by_c = (len(f[0]) // C if len(f) else 0 for f in (swapped.by_h, swapped.by_c))
    assert {by_h, by_c} == {1, 3}


def test_units_without_gates_add_their_terms():
    none = dict.fromkeys(("c_keeps", "h_enters_c", "h_keeps", "c_enters_h"), "none")
    unit, x, h, c = make("general_gated", **none), maps(1), maps(2), maps(3)
    new_h, new_c = unit.step(x, (h, c), unit.weights())
    assert torch.equal(new_h, functional.elu(h + x))
    x_c = functional.conv2d(x, unit.by_x, padding=1)
    torch.testing.assert_close(new_c, functional.elu(c + x_c), rtol=1e-12, atol=1e-12)


def test_a_separable_convolution_has_fewer_weights():
    dense, few = (make("general_gated", channels=8, separable=s) for s in (False, True))
    counts = [sum(f.numel() for f in unit.by_h) for unit in (dense, few)]
    assert counts == [2 * 8 * 8 * 9, 2 * 8 * 9 + 2 * 8 * 8]
    assert gate_convolutions(torch.zeros(1, 8, R, S).double(), few.weights().by_h).shape[1] == 16
    assert few.flops() < dense.flops()
