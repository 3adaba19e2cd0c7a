"""The contract of readouts: what holds for every readout."""

import pytest
import torch
from torch.autograd import gradcheck

from urnn_bench.random_streams import global_states, seeded

T, B, R, OUTPUTS = 4, 6, 5, 3
AXES = [(B,), (T, B)]


def make(readout_type, seed=0):
    """Return a readout in float64 with its initial values."""
    with seeded(seed, "init"):
        return readout_type(R, OUTPUTS, readout_type.Options()).double()


def make_perturbed(readout_type, seed=0):
    """Return a readout with noise on its parameters, as zeros can hide a fault."""
    readout, rng = make(readout_type, seed), torch.Generator().manual_seed(seed + 2)
    with torch.no_grad():
        for p in readout.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng, dtype=p.dtype)
    return readout


def features(*axes):
    rng = torch.Generator().manual_seed(1)
    return torch.randn(*axes, R, generator=rng, dtype=torch.float64)


@pytest.mark.parametrize("axes", AXES)
def test_shapes_and_types(readout_type, axes):
    outputs = make(readout_type)(features(*axes))
    assert outputs.shape == (*axes, OUTPUTS) and outputs.dtype == torch.float64


def test_has_real_parameters(readout_type):
    parameters = [*make(readout_type).parameters()]
    assert parameters and all(p.is_floating_point() for p in parameters)


def test_the_seed_alone_decides_the_initial_values(readout_type):
    first, second = (make(readout_type).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_says_whether_an_update_draws(readout_type):
    readout = make(readout_type)
    before = global_states()
    readout(features(B))
    assert readout.draws or global_states() == before


def test_reads_every_sequence_by_itself_when_it_is_scored(readout_type):
    """So that scores do not depend on the size of the batches."""
    readout, x = make_perturbed(readout_type).eval(), features(T, B)
    single = torch.stack([torch.stack([readout(row[None])[0] for row in step]) for step in x])
    torch.testing.assert_close(readout(x), single, rtol=1e-12, atol=1e-12)


def test_gradient_equals_finite_differences(readout_type):
    readout = make_perturbed(readout_type).eval()
    names, values = zip(*readout.named_parameters(), strict=True)
    values = [v.detach().clone().requires_grad_() for v in values]

    def outputs(x, *values):
        replaced = dict(zip(names, values, strict=True))
        return torch.func.functional_call(readout, replaced, (x,))

    assert gradcheck(outputs, (features(B).requires_grad_(), *values), eps=1e-6, atol=1e-6)


def test_uses_the_kernel_s_product_where_it_says_so(readout_type):
    """Another way to compute the product is no other readout."""
    readout, x = make_perturbed(readout_type).eval(), features(B)
    expected = readout(x)
    readout.linear = lambda x, weight, bias: x @ weight.T + bias
    torch.testing.assert_close(readout(x), expected, rtol=1e-12, atol=1e-12)


def test_state_dict_round_trip(readout_type):
    saved, loaded = make_perturbed(readout_type).eval(), make(readout_type, seed=9).eval()
    loaded.load_state_dict(saved.state_dict())
    assert torch.equal(saved(features(B)), loaded(features(B)))


def test_builds_on_the_meta_device(readout_type):
    """So that the parameters can be counted without memory."""
    with torch.device("meta"):
        readout = readout_type(1 << 20, 1 << 14, readout_type.Options())
    assert all(p.is_meta for p in readout.parameters())
