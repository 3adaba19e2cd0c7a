"""The contract of units: what holds for whatever recurs in a layer of a convolutional network."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.utils._pytree import tree_map

from urnn_bench.cells.convrnn import ConvRnn
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded

T, B, C, K, R, S = 3, 2, 2, 3, 3, 3


def make(unit_type, seed=0, channels=C):
    """Return a unit in float64 with its initial parameters."""
    with seeded(seed, "init"):
        return unit_type(channels, K, unit_type.Options()).double()


def make_perturbed(unit_type, seed=0):
    """Return a unit with noise on its parameters, as a decay of zero and the like hide a fault."""
    return perturbed(make(unit_type, seed), seed + 2)


def perturbed(module, seed):
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng, dtype=p.dtype)
    return module


def maps(steps=T):
    rng = torch.Generator().manual_seed(1)
    return torch.randn(steps, B, C, R, S, generator=rng, dtype=torch.float64)


def zeros(unit):
    return tuple(torch.zeros(B, C, R, S, dtype=torch.float64) for _ in unit.state_names)


def states_over(unit, x, step=None):
    """Return the states after every step, from zero."""
    step, w, state, states = step or unit.step, unit.weights(), zeros(unit), []
    for x_t in x:
        state = step(x_t, state, w)
        states.append(state)
    return states


def make_network(unit_name, seed=0, **options):
    """Return two layers of 4 x 4 and 2 x 2, the upper one with the unit."""
    options = ConvRnn.Options(depth=2, pools=1, unit=unit_name, **options)
    with seeded(seed, "init"):
        return ConvRnn(16, C, options).double()


def images():
    rng = torch.Generator().manual_seed(3)
    return torch.randn(5, B, 16, generator=rng, dtype=torch.float64)


def test_shapes_and_types(unit_type):
    unit = make(unit_type)
    assert unit.state_names and len({*unit.state_names}) == len(unit.state_names)
    for state in states_over(unit, maps()):
        assert len(state) == len(unit.state_names)
        assert all(s.shape == (B, C, R, S) and s.dtype == torch.float64 for s in state)
    assert all(p.is_floating_point() for p in unit.parameters())


def test_the_seed_alone_decides_the_initial_values(unit_type):
    first, second, other = (make(unit_type, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    drawn = [name for name, p in first.items() if p.unique().numel() > 2]
    assert all(not torch.equal(first[name], other[name]) for name in drawn)


def test_step_is_pure(unit_type):
    unit, x = make_perturbed(unit_type), maps()
    w, state = unit.weights(), states_over(unit, x)[-1]
    before = [s.clone() for s in state]
    first, second = unit.step(x[0], state, w), unit.step(x[0], state, w)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))


def test_step_reads_only_its_arguments(unit_type):
    """One unit's step, mapped over the weights of two, gives what each unit's own step gives."""
    units, x = [make_perturbed(unit_type, seed) for seed in (1, 2)], maps()
    arguments = [(x[i], states_over(u, x)[-1], u.weights()) for i, u in enumerate(units)]
    stacked = tree_map(lambda *tensors: torch.stack(tensors), *arguments)
    together = torch.vmap(units[0].step)(*stacked)
    for i, unit in enumerate(units):
        for both, single in zip(together, unit.step(*arguments[i]), strict=True):
            torch.testing.assert_close(both[i], single, rtol=1e-12, atol=1e-12)


def test_sequences_do_not_see_each_other(unit_type):
    unit, x = make_perturbed(unit_type), maps()
    other = x.clone()
    other[:, 1] += 1
    for a, b in zip(states_over(unit, x)[-1], states_over(unit, other)[-1], strict=True):
        torch.testing.assert_close(a[0], b[0], rtol=1e-12, atol=1e-12)


def test_gradient_equals_finite_differences(unit_type):
    """With respect to the input of every step and every parameter."""
    unit = make_perturbed(unit_type)
    parameters = dict(unit.named_parameters())
    values = [p.detach().clone().requires_grad_() for p in parameters.values()]

    def loss(x, *values):
        replaced = {f"unit.{name}": v for name, v in zip(parameters, values, strict=True)}
        return torch.func.functional_call(Unrolled(unit), replaced, (x,))

    assert gradcheck(loss, (maps().requires_grad_(), *values), eps=1e-6, atol=1e-6, rtol=1e-5)


class Unrolled(torch.nn.Module):
    """A sum over the states of all steps."""

    def __init__(self, unit):
        super().__init__()
        self.unit = unit

    def forward(self, x):
        return sum((s + s.square()).sum() for state in states_over(self.unit, x) for s in state)


def test_every_parameter_has_a_gradient(unit_type):
    """Of the output alone, which is what layers above read."""
    unit = make_perturbed(unit_type)
    if not [*unit.parameters()]:
        pytest.skip("nothing of it is trained")
    sum((state[0] + state[0].square()).sum() for state in states_over(unit, maps())).backward()
    gradients = {name: p.grad for name, p in unit.named_parameters()}
    assert all(g is not None and g.abs().sum() > 0 for g in gradients.values()), gradients


def test_says_whether_it_remembers(unit_type):
    """An input at step 1 changes the states after four steps of grey, or only those of step 1."""
    unit, x = make_perturbed(unit_type), torch.zeros(5, B, C, R, S, dtype=torch.float64)
    shown = x.clone()
    shown[0] = maps()[0]
    grey, after = states_over(unit, x), states_over(unit, shown)
    assert (grey[0][0] - after[0][0]).abs().max() > 1e-3
    difference = max((a - b).abs().max() for a, b in zip(grey[-1], after[-1], strict=True))
    assert difference > 1e-9 if unit.recurrent else difference == 0


def test_the_fused_step_is_the_step(unit_type):
    unit = make_perturbed(unit_type)
    last = states_over(unit, maps())[-1], states_over(unit, maps(), unit.fused_step)[-1]
    for a, b in zip(*last, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_counts_operations_or_says_that_it_does_not(unit_type):
    """Twice as many channels cost more than twice the convolutions, and at least as much else."""
    few, many = (make(unit_type, channels=c).flops() for c in (4, 8))
    assert (few is None) == (many is None)
    assert few is None or 2 * few <= many <= 4 * few


def test_state_dict_round_trip(unit_type):
    saved, loaded = make_perturbed(unit_type), make(unit_type, seed=9)
    loaded.load_state_dict(saved.state_dict())
    states = states_over(saved, maps())[-1], states_over(loaded, maps())[-1]
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))


def test_builds_on_the_meta_device(unit_type):
    """So that the parameters of a wide network can be counted without memory."""
    with torch.device("meta"):
        unit = unit_type(1 << 12, K, unit_type.Options())
    assert all(p.is_meta for p in unit.parameters())


# which loads a user's file, as the command line does
@pytest.mark.usefixtures("unit_type")
def test_a_sequence_through_the_network_can_be_cut_and_continued(unit_name):
    network, x = perturbed(make_network(unit_name), 5), images()
    w, begin = network.weights(), network.initial_state(B)
    hs, last = unroll(network, x, begin, w)
    _, middle = unroll(network, x[:2], begin, w)
    rest, end = unroll(network, x[2:], middle, w)
    torch.testing.assert_close(rest, hs[2:], rtol=1e-12, atol=1e-12)
    for a, b in zip(end, last, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


# which loads a user's file, as the command line does
@pytest.mark.usefixtures("unit_type")
def test_the_seed_decides_the_network(unit_name):
    first, second, other = (make_network(unit_name, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
