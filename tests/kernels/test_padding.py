"""Steps after the end of a sequence: each function beside a loop over the sequences."""

import torch
from torch.autograd import gradcheck

from urnn_bench.kernels.padding import at_ends, reversed_steps, steps_inside, without_padding

T, B, F = 5, 4, 3
LENGTHS = torch.tensor([5, 1, 3, 4])


def inputs(*axes):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(*axes, T, B, F, generator=rng, dtype=torch.float64)


def reversed_one_by_one(x, lengths):
    found = x.clone()
    for b, length in enumerate(lengths.tolist()):
        found[:length, b] = x[:length, b].flip(0)
    return found


def test_steps_are_reversed_within_each_sequence():
    x = inputs()
    found = reversed_steps(x, LENGTHS)
    assert torch.equal(found, reversed_one_by_one(x, LENGTHS)) and not torch.equal(found, x)
    assert torch.equal(reversed_steps(found, LENGTHS), x)


def test_sequences_of_one_length_are_flipped():
    x = inputs()
    assert torch.equal(reversed_steps(x, torch.full((B,), T)), x.flip(0))


def test_steps_of_a_batch_that_is_a_view_are_reversed():
    x = inputs().transpose(0, 1).contiguous().transpose(0, 1)
    assert not x.is_contiguous()
    assert torch.equal(reversed_steps(x, LENGTHS), reversed_one_by_one(x, LENGTHS))


def test_the_gradient_of_reversed_steps_is_that_of_finite_differences():
    weight = inputs().sin()
    x = inputs().requires_grad_()
    assert gradcheck(lambda x: weight * reversed_steps(x, LENGTHS), (x,))


def test_ends_are_the_last_steps_that_count():
    x = inputs()
    expected = torch.stack([x[length - 1, b] for b, length in enumerate(LENGTHS.tolist())])
    assert torch.equal(at_ends(x, LENGTHS), expected)


def test_what_follows_the_end_becomes_zero():
    x = inputs()
    found = without_padding(torch.where(steps_inside(T, LENGTHS), x, torch.nan), LENGTHS)
    for b, length in enumerate(LENGTHS.tolist()):
        assert torch.equal(found[:length, b], x[:length, b]) and not found[length:, b].any()


def test_a_stack_is_each_batch_by_itself():
    x, lengths = inputs(2), torch.stack([LENGTHS, LENGTHS.flip(0)])
    for function in (reversed_steps, at_ends, without_padding):
        found = function(x, lengths)
        for m in range(2):
            assert torch.equal(found[m], function(x[m], lengths[m])), function.__name__
