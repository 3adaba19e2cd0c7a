"""The network of maps: when an image reaches a layer, edges, sizes, and what its options refuse."""

import json
from itertools import pairwise

import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from urnn_bench.cells._convolutional import ImageShape
from urnn_bench.cells.convrnn import ConvRnn
from urnn_bench.kernels.time_loop import iterate_states, unroll
from urnn_bench.random_streams import seeded
from urnn_bench.tasks.base import Images

B, C, T = 2, 3, 6
BENCHMARK = """\
title: Whole digits
task: {name: static_digits}
T: [4]
seeds: [0]
hidden: 3
models:
  conv: {cell: {name: convrnn}}
fit: {steps: 2, batch: 4, evaluate_every: 2}
"""


@pytest.fixture
def images(bench):
    """The command line with a benchmark of images of 8 x 8."""
    bench.write("images.yaml", BENCHMARK)
    return bench


def make(seed=0, image=None, hidden=C, **options):
    """Return a network in float64 of an image of 8 x 8, or of another."""
    shape = ImageShape(*(image or (1, 8, 8)))
    with seeded(seed, "init"):
        options = ConvRnn.Options.model_validate(options)
        return ConvRnn(shape.channels * shape.places, hidden, options, shape).double()


def perturbed(network, seed=5):
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in network.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng, dtype=p.dtype)
    return network


def inputs(network, steps=T, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(steps, B, network.inputs, generator=rng, dtype=torch.float64)


def outputs(network, x):
    """Return the last layer's map after every step."""
    with torch.no_grad():
        return unroll(network, x, network.initial_state(B), network.weights())[0]


def states(network, x):
    """Return every state by name after every step."""
    w, names = network.weights(), [s.name for s in network.states]
    with torch.no_grad():
        found = iterate_states(network, x, network.initial_state(B), w)
        return [dict(zip(names, state, strict=True)) for state in found]


def forward_pass(network, image):
    """Return the last map of one pass through layers without recurrence."""
    w, h = network.weights(), image.view(-1, *network.image)
    with torch.no_grad():
        for i, (filters, bias) in enumerate(zip(w.filters, w.biases, strict=True)):
            if 0 < i <= network.options.pools:
                h = functional.max_pool2d(h, 2)
            h = functional.elu(functional.conv2d(h, filters, bias, padding="same"))
    return h


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_an_image_reaches_layer_l_in_step_l(depth):
    network = perturbed(make(depth=depth, pools=min(depth - 1, 2), unit_from=1))
    shown = inputs(network)
    other = inputs(network, seed=2)
    reached = (outputs(network, shown) - outputs(network, other)).abs().amax(dim=(1, 2, 3, 4)) > 0
    assert reached.tolist() == [step >= depth for step in range(1, T + 1)]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_without_recurrence_step_l_is_a_pass_through_all_layers(depth):
    pools = min(depth - 1, 2)
    network = perturbed(make(depth=depth, pools=pools, unit="feedforward", unit_from=1))
    x = inputs(network)
    expected = torch.stack([forward_pass(network, image) for image in x])
    found, expected = outputs(network, x)[depth - 1 :], expected[: T - depth + 1]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_the_other_unrolling_answers_in_step_1():
    network = perturbed(make(unrolling="feedforward", unit="feedforward"))
    x = inputs(network)
    expected = torch.stack([forward_pass(network, image) for image in x])
    torch.testing.assert_close(outputs(network, x), expected, rtol=1e-12, atol=1e-12)


def test_the_unit_stands_in_the_layers_from_unit_from_on():
    network = make(depth=4, unit="lstm", unit_from=3)
    names = [s.name for s in network.states]
    assert names == ["h_4", "c_4", "h_3", "c_3", "h_2", "h_1"]
    everywhere = make(depth=2, pools=1, unit="time_decay", unit_from=1)
    assert [s.name for s in everywhere.states] == ["h_2", "s_2", "h_1", "s_1"]


def test_layers_are_named_from_the_bottom_and_halved_for_the_next():
    network = make(depth=4, pools=2)
    maps = zip(network.states, network.initial_state(B), strict=True)
    rows = {state.name: m.shape[-1] for state, m in maps}
    assert (rows["h_1"], rows["h_2"], rows["h_3"], rows["h_4"]) == (8, 4, 2, 2)


EDGES = [[3, 1], [3, 2], [2, 1]]


@pytest.mark.parametrize("unrolling", ["biological", "feedforward"])
def test_edges_start_at_zero_and_change_nothing(unrolling):
    plain, fed = (make(unrolling=unrolling, feedback=edges) for edges in ([], EDGES))
    x = inputs(plain)
    assert all(not e.any() for e in fed.edges)
    for without, with_edges in zip(states(plain, x), states(fed, x), strict=True):
        assert all(torch.equal(without[name], with_edges[name]) for name in without)


def test_edges_are_trained_from_zero():
    network = make(feedback=EDGES)
    hs, _ = unroll(network, inputs(network), network.initial_state(B), network.weights())
    network.readout_features(hs).square().sum().backward()
    assert all(e.grad.abs().sum() > 0 for e in network.edges)


@pytest.mark.parametrize(("source", "target"), EDGES)
def test_an_edge_changes_its_target_one_step_after_its_source(source, target):
    plain, fed = (make(unit="feedforward", feedback=e) for e in ([], [[source, target]]))
    with torch.no_grad():
        fed.edges[0].copy_(torch.eye(C)[:, :, None, None])
    x = inputs(plain)
    # zero until the image has come there, if biases are zero
    first = next(t for t, s in enumerate(states(plain, x)) if s[f"h_{source}"].any())
    pairs = [*zip(states(plain, x), states(fed, x), strict=True)]
    assert all(torch.equal(a[n], b[n]) for a, b in pairs[: first + 1] for n in a)
    without, with_edge = pairs[first + 1]
    differ = [name for name in without if not torch.equal(without[name], with_edge[name])]
    assert differ == [f"h_{target}"]
    h = states(plain, x)[first][f"h_{source}"]
    resized = functional.interpolate(h, size=without[f"h_{target}"].shape[-2:], mode="bilinear")
    total = inverse_elu(without[f"h_{target}"]) + resized
    torch.testing.assert_close(functional.elu(total), with_edge[f"h_{target}"])


def inverse_elu(h):
    return torch.where(h > 0, h, torch.log1p(h.clamp(max=0)))


def test_a_static_image_is_the_same_expanded_or_copied():
    network = perturbed(make(feedback=EDGES))
    x = inputs(network, steps=1).expand(T, -1, -1)
    torch.testing.assert_close(outputs(network, x), outputs(network, x.contiguous()))


def test_an_image_of_three_channels_and_unequal_sides():
    network = perturbed(make(image=(3, 8, 6), pools=1, unit="feedforward"))
    assert network.inputs == 3 * 8 * 6
    x = inputs(network)
    expected = torch.stack([forward_pass(network, image) for image in x])
    assert expected.shape[-2:] == (4, 3)
    torch.testing.assert_close(outputs(network, x)[2:], expected[:-2], rtol=1e-12, atol=1e-12)
    of_task = ConvRnn.of_input(Images(3, 8, 6), C, ConvRnn.Options(pools=1))
    assert of_task.image == ImageShape(3, 8, 6)


def test_the_readout_sees_means_over_places_or_the_whole_map():
    mean, flat = make(), make(readout="flat")
    h = outputs(mean, inputs(mean))
    assert (mean.features, flat.features) == (C, C * 2 * 2)
    torch.testing.assert_close(mean.readout_features(h), h.mean(dim=(-2, -1)))
    assert torch.equal(flat.readout_features(h), h.reshape(T, B, -1))


@pytest.mark.parametrize("unit", ["gru", "lstm", "ugrnn", "intersection_rnn", "reciprocal_gated"])
def test_operations_are_those_that_torch_counts(unit):
    """Convolutions are all but a few percent of them."""
    network = make(hidden=16, image=(1, 16, 16), unit=unit, feedback=[[3, 2]])
    x, w = inputs(network, steps=1), network.weights()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.step(network.drive(x, w)[0], network.initial_state(B), w)
    assert counter.get_total_flops() == pytest.approx(B * network.flops(), rel=0.05)


def test_an_edge_costs_its_convolution_where_its_source_is():
    plain, with_edge = (make(hidden=4, feedback=edges).flops() for edges in ([], [[2, 1]]))
    places = make(hidden=4).shapes[1].places
    assert with_edge - plain == 2 * 4 * 4 * places


@pytest.mark.parametrize("unit", ["separable", "dense"])
def test_operations_of_the_family_are_those_that_torch_counts(unit):
    for order in ("simultaneous", "memory_first"):
        options = {"separable": unit == "separable", "gate_kernel_size": 5, "order": order}
        network = make(hidden=16, unit={"name": "general_gated", **options})
        x, w = inputs(network, steps=1), network.weights()
        counter = FlopCounterMode(display=False)
        with torch.no_grad(), counter:
            network.step(network.drive(x, w)[0], network.initial_state(B), w)
        assert counter.get_total_flops() == pytest.approx(B * network.flops(), rel=0.06)


def test_trains_within_a_budget_of_parameters_with_the_most_channels(images):
    images.write("budget.yaml", BENCHMARK.replace("hidden: 3", "parameters: 3000"))
    (run,) = images_of(images, "budget.yaml")
    sizes = {c: count(c) for c in range(1, 20)}
    widest = max(c for c, size in sizes.items() if size <= 3000)
    assert run["hidden"] == str(widest)
    assert all(a < b for a, b in pairwise(sizes.values()))


def count(channels):
    """Return the parameters of the network of 8 x 8 with its readout of ten classes."""
    layers = (1 + 2 * channels) * channels * 9 + 3 * channels
    return layers + 2 * 5 * channels * channels * 9 + 10 * (channels + 1)


def images_of(bench, name):
    """Return the rows of a dry run."""
    header, *rows = (line.split("\t") for line in bench("run", name, "--dry-run").out.splitlines())
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_trains_and_the_same_seed_gives_the_same_scores(images):
    def scores(results):
        images("run", "images.yaml", "-q", "--results", results)
        (path,) = (images.folder / results).glob("*/*/run.json")
        return json.loads(path.read_text())["test"]

    assert scores("first") == scores("second")


UNIT = "models.conv.cell.unit"
REFUSED = [
    (
        "cell.depth=5 cell.pools=4",
        "a map of 1 x 1 cannot be halved above layer 4",
    ),
    ("cell.feedback=[[1,2]]", "an edge of 'feedback' goes from a layer up to 3 to a lower one"),
    ("cell.feedback=[[4,2]]", "an edge of 'feedback' goes from a layer up to 3 to a lower one"),
    ("cell.feedback=[[3,2],[3,2]]", "an edge of 'feedback' is given twice"),
    ("cell.kernel_size=4", "'kernel_size' must be odd, not 4"),
    ("cell.pools=3", "'pools' must be below 'depth', which is 3"),
    ("cell.unit_from=4", "'unit_from' must be at most 'depth', which is 3"),
    ("cell.unit=reciprocal_gate", "no unit is called 'reciprocal_gate'; did you mean"),
    ("cell.unit=zzz", "no unit is called 'zzz'; there are: "),
    ("cell.unit={name:lstm,peephole:true}", "unknown key 'peephole'; did you mean 'peepholes'?"),
    ("cell.unit={name:lstm,peepholes:3}", "must be true or false, not 3"),
    ("cell.unit={name:general_gated,gate_kernel_size:4}", "'gate_kernel_size' must be odd, not 4"),
    ("layers=2", "convrnn has layers of its own, by its option 'depth'; leave out layers"),
]


@pytest.mark.parametrize(("settings", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(images, settings, sentence):
    changes = [f"models.conv.{s}".replace(":", ": ") for s in settings.split()]
    options = [word for change in changes for word in ("--set", change)]
    error = images("run", "images.yaml", "--dry-run", *options, code=2).err
    assert sentence in error and "models.conv" in error and len(error.splitlines()) == 1


def test_a_wrong_option_of_a_unit_is_shown_where_it_stands(images):
    text = BENCHMARK.replace("name: convrnn", "name: convrnn, unit: {name: lstm, peephole: true}")
    images.write("images.yaml", text)
    error = images("run", "images.yaml", "--dry-run", code=2).err
    assert f"images.yaml, line 7: {UNIT}.peephole: unknown key 'peephole'" in error


def test_a_task_without_images_is_refused_in_a_sentence(images):
    images.write("images.yaml", BENCHMARK.replace("static_digits", "adding"))
    error = images("run", "images.yaml", "--dry-run", code=2).err
    assert "2 inputs are no square of one channel; take a task with images" in error
