"""The contract of depth: layers of every cell compute what their cells do one after another."""

from itertools import product

import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_map

from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.layers.deep import DeepCell
from urnn_bench.random_streams import seeded
from urnn_bench.run.architecture import Layers
from urnn_bench.spec.layers import Block

T, B, F, H = 6, 3, 3, 8
BLOCKS = [
    Block(norm=norm, position=position, residual=residual, mixer=mixer)
    for (norm, position), (residual, mixer) in zip(
        product(("none", "layer", "rms", "batch"), ("pre", "post")),
        [*product((True, False), ("none", "glu", "mlp")), (True, "glu"), (True, "mlp")],
        strict=True,
    )
]
EACH = [None, *BLOCKS]


def ids(block):
    return "plain" if block is None else "-".join(str(v) for v in block.model_dump().values())


def make(cell_type, block, number=2, bidirectional=False, seed=0):
    if cell_type.layers_refusal:
        pytest.skip(cell_type.layers_refusal)
    with seeded(seed, "init"):
        layers = Layers(number, block, bidirectional)
        return layers.build(cell_type, F, H, cell_type.Options()).double()


def inputs(seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(T, B, F, generator=rng, dtype=torch.float64)


def gradients(cell, outputs):
    hs, last = outputs
    cell.zero_grad()
    rng = torch.Generator().manual_seed(3)
    (torch.randn(hs.shape, generator=rng, dtype=hs.dtype) * hs).sum().backward()
    grads = [p.grad.clone() for p in cell.parameters() if p.grad is not None]
    assert len(grads) > 2
    return [hs.detach(), *(s.detach() for s in last), *grads]


def by_kernel(cell, x):
    return choose(cell, "cpu", "auto").run(x, cell.initial_state(B), cell.weights())


def assert_close(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("block", EACH, ids=ids)
def test_the_kernel_is_the_time_loop(cell_type, block):
    """In evaluation mode too, where batch normalisation is a map of every step by itself."""
    cell = make(cell_type, block)
    if not cell.has_step:
        pytest.skip(cell.time_loop_refusal)
    if not [*cell.recurrent_parameters()]:
        pytest.skip("nothing of it is trained")
    with torch.no_grad():
        by_kernel(cell.train(), inputs(1))  # so that running means are not those of the start
    x = inputs()
    cell.train(not cell.time_loop_refusal)
    loop = unroll(cell, x, cell.initial_state(B), cell.weights())
    assert_close(gradients(cell, by_kernel(cell, x)), gradients(cell, loop))


def test_two_layers_without_a_block_are_one_cell_after_another(cell_type):
    cell, x = make(cell_type, None), inputs()
    first, second = cell.parts
    hs, _ = unroll(first, x, first.initial_state(B), first.weights())
    below = first.readout_features(hs)
    hs, last = unroll(second, below, second.initial_state(B), second.weights())
    y, states = by_kernel(cell, x)
    assert_close([y, states[-1]], [second.readout_features(hs), last[-1]])


def test_a_sequence_can_be_cut_anywhere(cell_type):
    cell, x = make(cell_type, Block()), inputs()
    run, w = choose(cell, "cpu", "auto").run, cell.weights()
    whole, last = run(x, cell.initial_state(B), w)
    head, middle = run(x[:2], cell.initial_state(B), w)
    if not cell.time_varying:
        tail, end = run(x[2:], middle, w)
        assert_close([torch.cat([head, tail]), *end], [whole, *last])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("block", [None, Block(mixer="glu")], ids=ids)
def test_a_stack_is_each_network_by_itself(cell_type, block, bidirectional):
    cells = [make(cell_type, block, bidirectional=bidirectional, seed=seed) for seed in range(2)]
    x = torch.stack([inputs(seed) for seed in range(2)])
    w = tree_map(lambda *tensors: torch.stack(tensors), *(c.weights() for c in cells))
    first = tuple(map(torch.stack, zip(*(c.initial_state(B) for c in cells), strict=True)))
    hs, last = choose(cells[0], "cpu", "auto").stacked(x, first, w)
    for m, cell in enumerate(cells):
        one, end = by_kernel(cell, x[m])
        assert_close([hs[m], *(s[m] for s in last)], [one, *end])


def test_both_directions_see_the_whole_sequence(cell_type):
    """At the end every feature depends on every step; in the middle half of them on the end."""
    cell, x = make(cell_type, None, 1, bidirectional=True), inputs().requires_grad_()
    hs, last = by_kernel(cell, x)
    half = cell.features // 2
    backwards_only = torch.autograd.grad(hs[1, :, half:].sum(), x, retain_graph=True)[0]
    assert backwards_only[T - 1].abs().sum() > 0 and not backwards_only[0].any()
    forwards_only = torch.autograd.grad(hs[1, :, :half].sum(), x, retain_graph=True)[0]
    assert forwards_only[0].abs().sum() > 0 and not forwards_only[T - 1].any()
    at_end = torch.autograd.grad(last[0][:, half:].sum(), x)[0]
    assert at_end[T - 1].abs().sum() > 0


@pytest.mark.parametrize("norm", ["none", "layer"])
def test_the_end_of_the_top_layer_is_the_last_state_of_each_direction(cell_type, norm):
    block = None if norm == "none" else Block(norm=norm, mixer="glu")
    cell, x = make(cell_type, block, bidirectional=True), inputs()
    _, (y, *_) = by_kernel(cell, x)
    below = cell.encoder(x)
    for layer, around in zip(cell.cells, cell.blocks, strict=True):
        over_time = around.before(below), layer.initial_state(B), layer.weights()
        hs, last = choose(layer, "cpu", "auto").run(*over_time)
        end, below = around.after(below[-1], last[0]), around.after(below, hs)
    assert_close([y], [cell.norm(end)])


def test_one_layer_without_a_block_is_the_cell_itself(cell_type):
    assert type(make(cell_type, None, 1)) is cell_type


def test_what_a_cell_says_of_itself_holds_of_its_layers(cell_type):
    alone = make(cell_type, None, 1)
    for cell in (make(cell_type, Block()), make(cell_type, None, 1, bidirectional=True)):
        assert cell.host_sync_reason == alone.host_sync_reason
        assert cell.time_varying == alone.time_varying


def test_every_state_and_parameter_is_named_once(cell_type):
    cell = make(cell_type, Block())
    names = [state.name for state in cell.states]
    assert len(set(names)) == len(names) == len(cell.initial_state(B))
    inner = len(cell.parts[0].states)
    assert names[0] == "y" and names[1] == f"{cell.parts[0].states[0].name}_1"
    assert names[1 + inner] == f"{cell.parts[0].states[0].name}_2"
    recurrent = {id(p) for p in cell.recurrent_parameters()}
    blocks = {id(p) for p in (*cell.blocks.parameters(), *cell.encoder.parameters())}
    assert bool(recurrent) == any(p.requires_grad for p in cell.parts[0].parameters())
    assert blocks and not recurrent & blocks
    assert isinstance(cell, DeepCell) and isinstance(cell.encoder, nn.Linear)
