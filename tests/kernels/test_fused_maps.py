"""The kernel ``fused`` of convolutional recurrent networks: it computes what the time loop does."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from urnn_bench.cells._convolutional import ImageShape
from urnn_bench.cells._fused_maps import channels_last
from urnn_bench.cells._units import unit_of, unit_registry
from urnn_bench.cells.convrnn import ConvRnn
from urnn_bench.cells.units.reciprocal_gated import ReciprocalGated
from urnn_bench.errors import KernelError
from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.native import reciprocal
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.spec.types import ComponentSpec

FUSED = ConvRnn.kernels["fused"]

if reason := reciprocal.unavailable_reason():
    pytest.skip(reason, allow_module_level=True)


SMALL = ImageShape(1, 8, 8)


def network(hidden=3, image=SMALL, **options):
    """Return a network in float64 with noise on all parameters, edges and biases too."""
    with seeded(0, "init"), torch.no_grad():
        options = ConvRnn.Options.model_validate(options)
        cell = ConvRnn(image.channels * image.places, hidden, options, image).double()
        for p in cell.parameters():
            p += 0.1 * torch.randn_like(p)
    return cell


def drawn(*shape, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def states_of(cell, batch):
    """Return states to start from, whose gradients are asked for."""
    zeros = cell.initial_state(batch)
    return tuple(drawn(*s.shape, seed=i).to(s).requires_grad_() for i, s in enumerate(zeros))


def results(cell, run, x, state):
    """Return features, last states and all gradients."""
    cell.zero_grad()
    # a tensor of its own, or the gradients of two runs would be one sum
    x = x.detach().requires_grad_(x.requires_grad)
    hs, last = run(cell, x, state, cell.weights())
    features = cell.readout_features(hs)
    # a weight of its own for each number
    weight = drawn(*features.shape, seed=5).to(features)
    ((weight * features).sum() + sum(s.square().sum() for s in last)).backward()
    grads = [t.grad for t in (*cell.parameters(), *state, x)]
    return [hs.detach(), *(s.detach() for s in last), *grads]


def check(cell, x, tolerance=1e-10):
    batch = x.shape[1]
    fused = results(cell, FUSED.run, x, states_of(cell, batch))
    loop = results(cell, unroll, x, states_of(cell, batch))
    torch.testing.assert_close(fused, loop, rtol=tolerance, atol=tolerance)
    last = FUSED.last_state(cell, x, states_of(cell, batch), cell.weights())
    torch.testing.assert_close([*last], fused[1 : 1 + len(last)], rtol=0, atol=0)


NETWORKS = {
    "biological": {},
    "feedforward": {"unrolling": "feedforward"},
    "edges": {"feedback": [[3, 1], [3, 2], [2, 1]]},
    "edges, feedforward": {"feedback": [[3, 1], [3, 2]], "unrolling": "feedforward"},
    "flat": {"readout": "flat"},
    "units in all layers": {"unit_from": 1},
    "no unit": {"unit": {"name": "feedforward"}},
    "no unit, edge": {"unit": {"name": "feedforward"}, "feedback": [[3, 2]]},
    "large filters": {"kernel_size": 5},
    "filters of one place": {"kernel_size": 1},
    "one layer": {"depth": 1, "pools": 0, "unit_from": 1},
    "no pools": {"pools": 0},
}


def changing(cell):
    return drawn(5, 3, cell.inputs)


def with_gradient(cell):
    return drawn(5, 3, cell.inputs).requires_grad_()


def static(cell):
    return drawn(1, 3, cell.inputs).expand(5, -1, -1)


def shown_then_grey(cell):
    image = drawn(1, 3, cell.inputs)
    return torch.cat([image, image, torch.full_like(image, 0.5).repeat(3, 1, 1)])


def steps_alike_with_gradient(cell):
    return drawn(1, 3, cell.inputs).repeat(5, 1, 1).requires_grad_()


@pytest.mark.parametrize(
    "inputs", [changing, with_gradient, static, shown_then_grey, steps_alike_with_gradient]
)
@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_equals_the_time_loop(options, inputs):
    cell = network(**options)
    check(cell, inputs(cell))


# around the numbers of a vector of four bytes and of eight
@pytest.mark.parametrize("hidden", [1, 2, 4, 7, 8, 9, 15, 16, 17, 33])
def test_any_number_of_channels(hidden):
    cell = network(hidden, ImageShape(1, 4, 4))
    check(cell, changing(cell))


@pytest.mark.parametrize("image", [(3, 4, 4), (1, 4, 12), (2, 4, 8)])
def test_any_image(image):
    cell = network(4, ImageShape(*image), feedback=[[3, 2]])
    check(cell, changing(cell))


@pytest.mark.parametrize("hidden", [1, 5, 8])
def test_maps_of_one_place(hidden):
    cell = network(hidden, ImageShape(1, 2, 2), depth=2, pools=1, readout="flat")
    assert cell.shapes[-1].places == 1
    check(cell, changing(cell))


def test_one_step():
    cell = network()
    check(cell, drawn(1, 2, cell.inputs))


def test_single_precision_is_close_to_double():
    cell = network(16)
    x = drawn(6, 4, cell.inputs)
    exact, _ = FUSED.run(cell, x, cell.initial_state(4), cell.weights())
    cell = cell.float()
    rounded, _ = FUSED.run(cell, x.float(), cell.initial_state(4), cell.weights())
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded.double(), exact, rtol=1e-4, atol=1e-5)


def maps_and_filters(batch, channels, side):
    shapes = [(batch, channels, side, side)] * 4 + [(2 * channels, channels, 3, 3)] * 2
    maps = [drawn(*shape, seed=i).float() for i, shape in enumerate(shapes)]
    return [channels_last(m).requires_grad_() for m in maps]


# more numbers than three shares, in blocks of which the last one is not full
@pytest.mark.parametrize(("batch", "channels", "side"), [(64, 16, 14), (63, 17, 15)])
def test_no_number_depends_on_the_threads(batch, channels, side):
    def step(threads):
        token = THREADS.set(threads)
        inputs = maps_and_filters(batch, channels, side)
        states = reciprocal.step(*inputs)
        gradients = torch.autograd.grad(sum(s.sin().sum() for s in states), inputs)
        THREADS.reset(token)
        return [t.numpy(force=True).tobytes() for t in (*states, *gradients)]

    assert step(1) == step(2) == step(3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_passes_through(bad):
    cell = network(5)
    state = [s.detach().clone() for s in states_of(cell, 2)]
    state[0][0, 1, 0, 0] = state[3][1, 4, 2, 1] = bad
    x = drawn(3, 2, cell.inputs)
    x[1, 0, 3] = bad
    fused, fused_last = FUSED.run(cell, x, tuple(state), cell.weights())
    loop, loop_last = unroll(cell, x, tuple(state), cell.weights())
    assert not loop.isfinite().all()
    torch.testing.assert_close([fused, *fused_last], [loop, *loop_last], equal_nan=True)


def test_the_gradient_of_what_is_not_a_number_is_none():
    """So that a run is found to have diverged; torch's own is 1 in some of its loops."""
    h, c, x, z = (drawn(1, 3, 2, 2, seed=i) for i in range(4))
    x[0, 1, 0, 1] = torch.nan
    x.requires_grad_()
    new_h, _ = reciprocal.step(h, c, x, z, drawn(6, 3, 1, 1), drawn(6, 3, 1, 1, seed=9))
    new_h.sum().backward()
    assert torch.equal(x.grad.isnan(), x.isnan())


@pytest.mark.parametrize("name", unit_registry().names())
def test_a_units_faster_step_is_its_step(name):
    with seeded(0, "init"):
        unit = unit_of(ComponentSpec(name=name), 5, 3).double()
    w, x = unit.weights(), drawn(2, 5, 4, 4)
    state = tuple(drawn(2, 5, 4, 4, seed=i) for i, _ in enumerate(unit.state_names))
    fused = unit.fused_step(unit.fused_drive(x, w), state, w)
    torch.testing.assert_close(fused, unit.step(x, state, w), rtol=1e-12, atol=1e-12)


class OutputAlone(ReciprocalGated):
    """A cell whose memory does not change."""

    def step(self, x, state, w):
        return super().step(x, state, w)[0], state[1]


def test_another_step_is_not_computed_as_that_of_its_base():
    unit = OutputAlone(3, 3, OutputAlone.Options()).double()
    w, x, state = unit.weights(), drawn(2, 3, 4, 4), (drawn(2, 3, 4, 4), drawn(2, 3, 4, 4, seed=2))
    assert torch.equal(unit.fused_step(unit.fused_drive(x, w), state, w)[1], state[1])
    assert unit.fused_unavailable_reason() is None


class Convolutions(TorchDispatchMode):
    """How many convolutions there were, and of how many channels each."""

    def __init__(self):
        super().__init__()
        self.channels = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.convolution.default:
            self.channels.append(args[1].shape[0])
        return function(*args, **(kwargs or {}))


def convolutions(cell, x):
    with Convolutions() as counted, torch.no_grad():
        FUSED.last_state(cell, x, cell.initial_state(x.shape[1]), cell.weights())
    # those of a state have 2 C channels
    return counted.channels.count(cell.hidden)


def test_what_an_image_alone_decides_is_computed_once():
    cell = network()
    # the first layer's of an image; the second layer's two of the first state and of each image but
    # the last step's, which has not arrived; the third layer's two in each step
    assert convolutions(cell, static(cell)) == 1 + 2 * 2 + 2 * 5
    assert convolutions(cell, shown_then_grey(cell)) == 2 + 2 * 3 + 2 * 5
    assert convolutions(cell, changing(cell)) == 5 + 2 * 5 + 2 * 5


def kept_bytes(cell, run, x):
    """Return how many bytes autograd keeps, each memory once."""
    kept = {}

    def pack(tensor):
        memory = tensor.untyped_storage()
        kept[memory.data_ptr()] = memory.nbytes()
        alive.append(tensor)
        return tensor

    alive = []
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        run(cell, x, cell.initial_state(x.shape[1]), cell.weights())
    return sum(kept.values())


# of changing images much is kept by the first layer, which has no unit
@pytest.mark.parametrize(("inputs", "share"), [(changing, 0.8), (static, 0.6)])
def test_keeps_less_than_the_time_loop(inputs, share):
    cell = network(8)
    x = inputs(cell)
    assert kept_bytes(cell, FUSED.run, x) < share * kept_bytes(cell, unroll, x)


class Layouts(TorchDispatchMode):
    """Whether all convolutions have answered with the channels side by side."""

    def __init__(self):
        super().__init__()
        self.channels_last = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.aten.convolution.default:
            self.channels_last.append(result.is_contiguous(memory_format=torch.channels_last))
        return result


def test_no_convolution_answers_in_another_layout():
    """Of an image of one channel torch's would, and then takes ten times as long."""
    cell = network(4)
    with Layouts() as layouts, torch.no_grad():
        FUSED.run(cell, changing(cell), cell.initial_state(3), cell.weights())
    assert layouts.channels_last and all(layouts.channels_last)


def test_what_no_gradient_depends_on_has_none():
    inputs = maps_and_filters(2, 3, 4)
    x, z = inputs[2:4]
    h_next, c_next = reciprocal.step(*inputs)
    of_h = torch.autograd.grad(h_next.sum(), (x, z), retain_graph=True, allow_unused=True)
    of_c = torch.autograd.grad(c_next.sum(), (x, z), allow_unused=True)
    assert [g is None for g in (*of_h, *of_c)] == [False, True, True, False]


def test_maps_of_another_shape_are_refused():
    inputs = [m.detach() for m in maps_and_filters(2, 3, 4)]
    with pytest.raises(KernelError, match="wants a map as"):
        reciprocal.step(inputs[0][:1], *inputs[1:])


def test_the_kernel_is_chosen_unless_a_unit_refuses():
    cell = network()
    assert choose(cell, "cpu", "auto").name == "fused"
    cell.units[1].fused_unavailable_reason = lambda: "no compiler"
    choice = choose(cell, "cpu", "auto")
    assert (choice.name, choice.reason) == ("eager", "fused: no compiler")
