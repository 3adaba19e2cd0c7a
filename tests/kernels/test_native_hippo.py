"""HiPPO's networks and the LMU in C, with options that the contracts do not set."""

from functools import partial

import pytest
import torch
from contracts.test_kernels import check, inputs
from torch.profiler import ProfilerActivity, profile

from urnn_bench.cells.base import Cell
from urnn_bench.cells.hippo_legs import HippoLegs
from urnn_bench.kernels import sample_times
from urnn_bench.kernels.choose import available
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Registry

ALL = ("hippo_legs", "hippo_legt", "hippo_lagt", "hippo_rand", "lmu")
RULES = ("bilinear", "forward_euler", "backward_euler")
VARIANTS = [
    *(("hippo_legs", {"discretisation": rule}) for rule in RULES),
    *(("hippo_legs", {"memory_order": order}) for order in (1, 3, 21)),
    *(("hippo_legs", {"wiring": "paper", "memory_order": order}) for order in (5, 11)),
    *(("hippo_legs", {"timestamps": True, "discretisation": rule}) for rule in RULES),
    ("hippo_legs", {"timestamps": True, "wiring": "paper"}),
    *(("hippo_lagt", {"discretisation": rule, "memory_order": 3}) for rule in RULES),
    *((name, {"wiring": "paper", "memory_order": 12}) for name in ALL[1:4]),
    ("hippo_legt", {"discretisation": "zero_order_hold", "memory_order": 13}),
    ("hippo_lagt", {"alpha": 0.5, "beta": 0.0}),
    *(
        ("lmu", {"start": start, "memory_order": o})
        for start in ("original", "hippo")
        for o in (3, 17)
    ),
]


def cell_of(name, hidden=8, dtype=torch.float64, **options):
    """Return a cell with noise on its parameters, so that none of them is zero."""
    kind = Registry("model", "cells").get(name, Cell)
    with seeded(0, "init"):
        cell = kind(3, hidden, kind.Options(**options)).to(dtype)
    rng = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in cell.parameters():
            p += (0.1 * torch.randn(p.shape, generator=rng, dtype=torch.float64)).to(dtype)
    return cell


def timed(x, rng=None):
    """Return x with times in front, each row with intervals of its own, one of them zero."""
    intervals = torch.rand(x.shape[:2], generator=rng, dtype=x.dtype) + 0.01
    intervals[2, 1] = 0
    x[..., 0] = 3 + intervals.cumsum(0)
    return x


def inputs_for(cell, steps, batch):
    x = inputs(cell, steps, batch)
    return timed(x, torch.Generator().manual_seed(2)) if cell.options.timestamps else x


def gradients(cell, run, x, state=None):
    cell.zero_grad()
    x = x.clone().requires_grad_()
    hs, last = run(x, state or cell.initial_state(x.shape[1]), cell.weights())
    (hs.sin().sum() + last[0].square().sum() + last[1].square().sum()).backward()
    return [hs.detach(), *(s.detach() for s in last), x.grad, *(p.grad for p in cell.parameters())]


def in_c(cell):
    return partial(cell.kernels["c"].run, cell)


@pytest.mark.parametrize("part", ["every", "state"])
@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_equals_the_time_loop_with_any_options(name, options, part):
    cell = cell_of(name, **options)
    assert "c" in available(cell, "cpu")
    check(cell, "c", inputs_for(cell, 7, 19), lambda: cell.initial_state(19), part)


@pytest.mark.parametrize("timestamps", [False, True])
def test_legs_continues_from_a_late_clock(timestamps):
    """A share of 1e-5: nothing is looked up in a table that could end."""
    cell = cell_of("hippo_legs", 16, timestamps=timestamps)
    x = inputs_for(cell, 5, 3)
    x[..., 0] += 100_000 * timestamps
    h, c, clock = cell.initial_state(3)
    late = torch.full_like(clock, 100_000.0)

    def state():
        return (h + 0.1).requires_grad_(), (c + 0.2).requires_grad_(), late

    check(cell, "c", x, state, "state")
    _, (*_, end) = in_c(cell)(x, state(), cell.weights())
    assert timestamps or end.tolist() == [[100_005.0, 100_005.0]] * 3


def test_a_long_sequence_is_its_parts():
    cell, x = cell_of("hippo_legs"), inputs_for(cell_of("hippo_legs"), 30, 3)
    whole, last = in_c(cell)(x, cell.initial_state(3), cell.weights())
    state, parts = cell.initial_state(3), []
    for part in x.split(11):
        hs, state = in_c(cell)(part, state, cell.weights())
        parts.append(hs)
    for one, other in zip((whole, *last), (torch.cat(parts), *state), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hippo_legs", {"discretisation": "zero_order_hold"}),
        ("hippo_legt", {"timestamps": True}),
        ("hippo_lagt", {"timestamps": True}),
        ("hippo_rand", {"scaled": True}),
        ("lmu", {"timestamps": True}),
    ],
    ids=str,
)
def test_says_why_a_memory_stays_on_the_time_loop(name, options):
    cell = cell_of(name, **options)
    assert "every s" in cell.kernels["c"].unavailable_reason(cell, "cpu")
    assert available(cell, "cpu") == ["eager"]


@pytest.mark.parametrize("name", ALL)
def test_float32_errs_no_more_than_the_time_loop_in_float32(name):
    """Against float64; twice the loop's own error, as sums are taken in another order."""
    exact_cell, cell = cell_of(name, 24), cell_of(name, 24, torch.float32)
    x = inputs(exact_cell, 100, 20)
    exact = gradients(exact_cell, partial(unroll, exact_cell), x)

    def error(run):
        pairs = zip(gradients(cell, run, x.float()), exact, strict=True)
        return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)

    loop, kernel = error(partial(unroll, cell)), error(in_c(cell))
    assert 0 < kernel < 2 * loop + 1e-6


@pytest.mark.parametrize("name", ALL)
def test_threads_change_nothing_of_a_memory(name):
    """Not to the bit: 40 rows are several groups, whose sums are added up in a fixed order."""
    cell, found = cell_of(name, 13), []
    x = inputs(cell, 20, 40)
    for threads in (1, 2, 5):
        token = THREADS.set(threads)
        found.append([t.clone() for t in gradients(cell, in_c(cell), x)])
        THREADS.reset(token)
    assert all(
        torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True)
    )


@pytest.mark.parametrize("timestamps", [False, True])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_passes_through_a_memory(name, bad, timestamps):
    cell = cell_of(name, timestamps=timestamps)
    if "c" not in available(cell, "cpu"):
        pytest.skip("samples with times are not for this memory's kernel")
    x = inputs_for(cell, 6, 3)
    x[2, 1, 0] = bad
    state, w = cell.initial_state(3), cell.weights()
    (slow, last), (fast, same) = (f(x, state, w) for f in (partial(unroll, cell), in_c(cell)))
    assert fast[2:, 1].isnan().any() and not fast[:, 0].isnan().any()
    pairs = zip((slow, *last), (fast, *same), strict=True)
    assert all(torch.equal(a.isnan(), b.isnan()) for a, b in pairs)


def taken_bytes(function):
    """Return what a function returns, and the memory that it took in between."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as measured:
        result = function()
    return result, sum(max(0, event.self_cpu_memory_usage) for event in measured.events())


@pytest.mark.parametrize("name", ALL)
def test_without_gradients_no_memory_of_a_step_is_kept(name):
    cell = cell_of(name, 16)
    x, state = inputs(cell, 500, 3), cell.initial_state(3)
    one_state_bytes = 500 * 3 * 16 * 8

    def run():
        return in_c(cell)(x, state, cell.weights())

    (hs, last), with_gradients = taken_bytes(run)
    with torch.no_grad():
        (again, same), without = taken_bytes(run)
    assert with_gradients - without > 0.99 * one_state_bytes
    assert all(torch.equal(a, b) for a, b in zip((hs, *last), (again, *same), strict=True))


@pytest.mark.parametrize("name", ["hippo_legs", "lmu"])
def test_an_update_in_place_does_not_reach_the_backward_pass(name):
    cell = cell_of(name)
    x = inputs(cell, 5, 3)
    expected = gradients(cell, in_c(cell), x)[-1].clone()
    cell.zero_grad()
    hs, last = in_c(cell)(x, cell.initial_state(3), cell.weights())
    loss = hs.sin().sum() + last[0].square().sum() + last[1].square().sum()
    with torch.no_grad():
        for p in cell.parameters():
            p.zero_()
    loss.backward()
    assert torch.equal(list(cell.parameters())[-1].grad, expected)


@pytest.mark.parametrize("name", ["hippo_legs", "lmu"])
def test_a_second_backward_pass_gives_the_same(name):
    """The gradient of the drive takes the drive's place in memory, which no pass reads again."""
    cell, x = cell_of(name), inputs(cell_of(name), 5, 3).requires_grad_()
    given = x.detach().clone()
    hs, _ = in_c(cell)(x, cell.initial_state(3), cell.weights())
    wanted = (x, *cell.parameters())
    passes = [torch.autograd.grad(hs.sin().sum(), wanted, retain_graph=True) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*passes, strict=True))
    assert torch.equal(x, given)


class DrivenByItsInput(HippoLegs):
    """A cell whose drive is x itself."""

    def drive(self, x, _):
        return x


def test_an_input_that_is_the_drive_is_not_written_to():
    with seeded(0, "init"):
        cell = DrivenByItsInput(9, 4, HippoLegs.Options()).double()
    x = inputs(cell, 5, 3).requires_grad_()
    given = x.detach().clone()
    hs, _ = in_c(cell)(x, cell.initial_state(3), cell.weights())
    hs.sum().backward()
    assert torch.equal(x, given)


def clock_of(kind, rows):
    start = {"new": (-1.0, 0.0), "at 0": (0.0, 4.0), "late": (100_000.0, 7.0)}[kind]
    return torch.tensor(start, dtype=torch.float64).expand(rows, 2).clone()


@pytest.mark.parametrize("start", ["new", "at 0", "late"])
@pytest.mark.parametrize("times", ["none", "given", "the same", "backwards"])
def test_shares_of_all_steps_are_those_of_each(start, times):
    rng, clock = torch.Generator().manual_seed(4), clock_of(start, 3)
    steps = torch.rand(6, 3, generator=rng, dtype=torch.float64)
    steps[2, 1] = 0
    given = {
        "none": None,
        "given": 7 + steps.cumsum(0),
        "the same": torch.full_like(steps, 7.0),
        "backwards": 7 - 3 * steps.cumsum(0),
    }[times]
    found, last = sample_times.shares_of_past(clock, given, 6)
    for t, share_found in enumerate(found):
        time = None if given is None else given[t, :, None]
        clock, interval = sample_times.advance(clock, time)
        share, is_first = sample_times.share_of_past(clock, interval)
        expected = torch.where(is_first, torch.inf, share)[:, 0]
        torch.testing.assert_close(share_found, expected, rtol=1e-13, atol=0)
    torch.testing.assert_close(last, clock, rtol=1e-13, atol=0)


def test_a_network_of_a_users_own_memory_runs(tmp_path, bench):
    """A subclass has the kernel of its base, through the command line."""
    (tmp_path / "my_legs.py").write_text(
        "from urnn_bench.cells.hippo_legs import HippoLegs\n\n\n"
        'class MyLegs(HippoLegs):\n    """LegS again."""\n'
    )
    arguments = ("--T", 6, "--hidden", 5, "--batch", 3, "--rounds", 1, "--threads", 1)
    out = bench(
        "kernels", "--model", "my_legs", "--include", tmp_path / "my_legs.py", *arguments
    ).out
    assert "my_legs\tc\t6" in out
