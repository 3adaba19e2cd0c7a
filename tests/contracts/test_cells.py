"""The contract of cells: what holds for every cell."""

import pytest
import torch
from contracts.selection import sizes_of
from torch.autograd import gradcheck
from torch.utils._pytree import tree_leaves, tree_map

from urnn_bench.cells._filtered import FilteredCell
from urnn_bench.cells.base import recurrent_weights_of
from urnn_bench.kernels.time_loop import iterate_states, unbind_steps, unroll
from urnn_bench.random_streams import seeded

# inputs and width of cells that have no example of their own
T, B, F, H = 5, 3, 2, 5


def make(cell_type, seed=0):
    """Return a cell in float64 with its initial parameters."""
    with seeded(seed, "init"):
        return cell_type(*sizes_of(cell_type, F, H), cell_type.Options()).double()


def make_perturbed(cell_type, seed=0):
    """Return a cell with noise on its parameters, as zero biases and the like can hide a fault."""
    cell, rng = make(cell_type, seed), torch.Generator().manual_seed(seed + 2)
    with torch.no_grad():
        for p in cell.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng, dtype=p.dtype)
    return cell


def inputs(cell):
    rng = torch.Generator().manual_seed(1)
    return torch.randn(T, B, cell.inputs, generator=rng, dtype=torch.float64)


def reached_state(cell):
    """Return a cell's state after a few steps, as zeros to start from can hide a fault."""
    return unroll(cell, inputs(cell), cell.initial_state(B), cell.weights())[1]


def first_drive(cell, w):
    """Return the drive of the first step."""
    return next(iter(unbind_steps(cell.drive(inputs(cell), w))))


def can_be_nan(tensor):
    return tensor.is_floating_point() or tensor.is_complex()


def trained_parameters(cell):
    return {name: p for name, p in cell.named_parameters() if p.requires_grad}


def test_shapes_and_types(cell_type):
    cell = make(cell_type)
    w, state = cell.weights(), cell.initial_state(B)
    names = tuple(declared.name for declared in cell.states)
    assert len(state) == len({*names}) == len(names) and names == tuple(cell.state_names)
    assert any(declared.memory for declared in cell.states)
    assert all(s.ndim >= 2 and s.shape[0] == B for s in state)
    hs, last = unroll(cell, inputs(cell), state, w)
    assert hs.shape == (T, *state[0].shape)
    assert [s.shape for s in last] == [s.shape for s in state]
    features = cell.readout_features(hs)
    assert features.shape == (T, B, cell.features) and features.dtype == torch.float64
    assert all(not p.is_complex() for p in cell.parameters())


def test_the_seed_alone_decides_the_initial_values(cell_type):
    def values(seed):
        return torch.cat(
            [v.flatten().double() for v in make(cell_type, seed).state_dict().values()]
        )

    assert torch.equal(values(0), values(0))
    # a cell without parameters may have nothing that is drawn
    if list(make(cell_type).parameters()):
        assert not torch.equal(values(0), values(1))


def test_step_is_pure(cell_type):
    cell = make_perturbed(cell_type)
    w, state = cell.weights(), reached_state(cell)
    u = first_drive(cell, w)
    before = [s.clone() for s in state]
    first, second = cell.step(u, state, w), cell.step(u, state, w)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))


def test_step_reads_only_its_arguments(cell_type):
    """One cell's step, mapped over the weights of two, gives what each cell's own step gives."""
    cells = [make_perturbed(cell_type, seed) for seed in (1, 2)]
    weights = [cell.weights() for cell in cells]
    drives = [first_drive(cell, w) for cell, w in zip(cells, weights, strict=True)]
    states = [reached_state(cell) for cell in cells]
    arguments = list(zip(drives, states, weights, strict=True))
    stacked_arguments = tree_map(lambda *tensors: torch.stack(tensors), *arguments)
    stacked_states = torch.vmap(cells[0].step)(*stacked_arguments)
    for i, cell in enumerate(cells):
        for stacked, single in zip(stacked_states, cell.step(*arguments[i]), strict=True):
            torch.testing.assert_close(stacked[i], single, rtol=1e-12, atol=1e-12)


def test_recurrent_weights_are_those_that_a_step_reads(cell_type):
    """A step reads a tensor if NaN there makes the states NaN, under a drive without NaN.

    A cell behind a filter has those of its inner cell.
    """
    cell = make_perturbed(cell_type)
    w, x = cell.weights(), inputs(cell)
    found = {t.data_ptr() for t in recurrent_weights_of(cell, w) if can_be_nan(t)}
    if isinstance(cell, FilteredCell):
        cell, x = cell.plain, cell.with_bias_input(x)
    drive = cell.drive(x, w)

    def is_read(leaf):
        faulty = tree_map(lambda t: torch.full_like(t, torch.nan) if t is leaf else t, w)
        state = cell.initial_state(B)
        for u in unbind_steps(drive):
            state = cell.step(u, state, faulty)
        return any(s.isnan().any() for s in state)

    leaves = filter(can_be_nan, tree_leaves(w))
    assert {leaf.data_ptr() for leaf in leaves if is_read(leaf)} == found


class SumOverSteps(torch.nn.Module):
    """A loss that depends on every step and on the last state."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x):
        hs, last = unroll(self.cell, x, self.cell.initial_state(B), self.cell.weights())
        memory = (s for s, of in zip(last, self.cell.states, strict=True) if of.memory)
        return self.cell.readout_features(hs).pow(2).sum() + sum(s.abs().sum() for s in memory)


def test_gradient_equals_finite_differences(cell_type):
    """With respect to the input and every parameter, those of the initial state included."""
    cell = make_perturbed(cell_type)
    parameters = trained_parameters(cell)
    values = [p.detach().clone().requires_grad_() for p in parameters.values()]

    def loss(x, *values):
        replaced = {f"cell.{name}": v for name, v in zip(parameters, values, strict=True)}
        return torch.func.functional_call(SumOverSteps(cell), replaced, (x,))

    assert gradcheck(loss, (inputs(cell).requires_grad_(), *values), eps=1e-6, atol=1e-6, rtol=1e-5)


def test_every_parameter_has_a_gradient(cell_type):
    cell = make_perturbed(cell_type)
    if not trained_parameters(cell):
        pytest.skip("nothing of it is trained")
    hs, _ = unroll(cell, inputs(cell), cell.initial_state(B), cell.weights())
    cell.readout_features(hs).pow(2).sum().backward()
    grads = {name: p.grad for name, p in trained_parameters(cell).items()}
    assert all(grad is not None and grad.abs().sum() > 0 for grad in grads.values())


def test_state_dict_round_trip(cell_type):
    saved, loaded = make_perturbed(cell_type), make(cell_type, seed=9)
    loaded.load_state_dict(saved.state_dict())
    outputs = [unroll(c, inputs(c), c.initial_state(B), c.weights())[0] for c in (saved, loaded)]
    assert torch.equal(*outputs)


def test_a_sequence_can_be_cut_and_continued(cell_type):
    cell = make_perturbed(cell_type)
    if cell.time_varying:
        pytest.skip("its step depends on the number of steps since the start of the input")
    w, x = cell.weights(), inputs(cell)
    hs, last = unroll(cell, x, cell.initial_state(B), w)
    _, middle = unroll(cell, x[:2], cell.initial_state(B), w)
    rest, end = unroll(cell, x[2:], middle, w)
    torch.testing.assert_close(rest, hs[2:], rtol=1e-12, atol=1e-12)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(end, last, strict=True))
    assert len(list(iterate_states(cell, x, middle, w))) == T


def test_builds_on_the_meta_device(cell_type):
    """So that the parameters of a wide cell can be counted without memory."""
    sizes = sizes_of(cell_type, F, 1 << 14)
    with torch.device("meta"):
        cell = cell_type(*sizes, cell_type.Options())
    assert all(p.is_meta for p in cell.parameters())
