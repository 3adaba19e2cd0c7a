"""Deep networks as they are run: resumed, stacked, probed, sized, and refused."""

import csv
import json

import pytest
import torch

from urnn_bench.cli.display.messages import size
from urnn_bench.engine.loop import train, train_run
from urnn_bench.engine.stacked_check import share_strategy
from urnn_bench.engine.train_state import TrainState
from urnn_bench.events import Measured
from urnn_bench.registry import Components
from urnn_bench.run import build, checkpoint
from urnn_bench.run.device import Backend
from urnn_bench.run.width import widest
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.layers import Block
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

COMPONENTS = Components()
TASK = {"T": 5, "validation_examples": 4, "test_examples": 4}
BLOCKS = {
    "plain": None,
    "layer": Block(mixer="glu"),
    "dropout": Block(norm="rms", mixer="mlp", dropout=0.5),
    "batch": Block(norm="batch", position="post"),
}


def run_of(block="layer", seed=0, model="lstm", layers=2, **more):
    return Run(
        benchmark="b",
        label=model,
        task=ComponentSpec(name="copying", options=TASK),
        hidden=6,
        seed=seed,
        cell=ComponentSpec(name=model),
        layers=layers,
        block=BLOCKS[block],
        fit=Fit.model_validate({"steps": 12, "batch": 4, "evaluate_every": 4, "dtype": "float64"}),
        **more,
    )


def job_of(run):
    return build.job_of(COMPONENTS, run, Backend("cpu"))[0]


def weights_after(job, state=None):
    list(train_run(job, state or TrainState()))
    return {name: value.clone() for name, value in job.model.state_dict().items()}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_goes_on_to_the_byte(tmp_path, block, bidirectional):
    run = run_of(block, bidirectional=bidirectional)
    job, state = job_of(run), TrainState()
    for _ in train_run(job, state):
        if state.step == 5:
            break
    checkpoint.save(tmp_path / "checkpoint.pt", job, state, "id", {})
    job = job_of(run)
    state = checkpoint.restore(checkpoint.load(tmp_path / "checkpoint.pt", "id"), job)
    found, expected = weights_after(job, state), weights_after(job_of(run))
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def scores(events):
    kept = [e for e in events if isinstance(e, Measured)]
    return [value for e in kept for value in e.metrics.values()]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_stack_trains_each_as_alone(block):
    runs = [run_of(block, seed) for seed in range(3)]
    jobs = share_strategy([job_of(run) for run in runs])
    events = [[] for _ in jobs]
    for i, event in train(jobs, [TrainState() for _ in jobs]):
        events[i].append(event)
    for found, run in zip(events, runs, strict=True):
        alone = list(train_run(job_of(run), TrainState()))
        assert len(scores(found)) > 4
        assert scores(found) == pytest.approx(scores(alone), rel=1e-8)


def test_layers_of_which_nothing_is_trained_run(bench):
    done = bench("run", "tiny", "--model", "echo_state", "--set", "layers=2", "--updates", 3)
    assert "1 done" in done.err + done.out


def test_what_is_not_used_leaves_the_identity():
    alone = run_of("plain", layers=1)
    assert "layers" not in json.dumps(alone._canonical())
    used = [run_of("plain"), run_of("layer"), run_of("plain", bidirectional=True)]
    assert len({run.identity for run in [alone, *used]}) == 4


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"layers": 3}, "3 layers, hidden 5, 1,234 parameters"),
        ({"layers": 2, "bidirectional": True}, "2 bidirectional layers, hidden 5, 1,234"),
        ({"layers": 1, "bidirectional": True}, "1 bidirectional layer, hidden 5, 1,234"),
        ({"layers": 1}, "hidden 5, 1,234 parameters"),
    ],
)
def test_the_size_of_a_network_names_its_layers(network, said):
    run = run_of("layer").model_copy(update={"bidirectional": False, "hidden": 5, **network})
    assert size(run, 1234).startswith(said)


def test_describe_says_how_deep_a_network_is_and_what_a_block_takes(bench):
    shown = bench("describe", "seams/layers").out
    assert "gru_3   3 layers, hidden 21, 11,518 parameters" in shown
    assert "  position  [pre] pre: before" in shown and "  warm_up  [0 updates]" in shown
    shown = bench("describe", "seams/length-generalisation").out
    assert "\nscored also at T:\n  50, 100, 200, 500\n" in shown


DEEP = ("--model", "lstm", "--set", "layers=2", "--set", "block={mixer: glu}")


def test_probes_name_states_by_layer(bench):
    bench("run", "tiny", *DEEP, "--probe", "-q")
    (path,) = bench.folder.glob("results/tiny/lstm-*/probes.csv")
    with path.open() as lines:
        states = {row["state"] for row in csv.DictReader(lines) if row["probe"] == "state_norm"}
    assert states == {"h_1", "c_1", "h_2", "c_2"}
    bench("plot", "tiny", "--figure", "gradient_norms")


def test_a_budget_counts_every_layer_and_block(bench):
    sizes = ("--set", "hidden=null", "--set", "parameters=3000")
    bench("run", "tiny", *DEEP, *sizes, "-q")
    (path,) = bench.folder.glob("results/tiny/lstm-*/run.json")
    record = json.loads(path.read_text())
    run = Run.model_validate(record["run"])
    wider = run.model_copy(update={"hidden": run.hidden + 1})
    assert record["parameters"] == build.count_parameters(COMPONENTS, run) <= 3000
    assert build.count_parameters(COMPONENTS, wider) > 3000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "layers=0"), "layers=0: must be at least 1"),
        (("--set", "layers=2000"), "layers=2000: must be at most 1000"),
        (("--set", "block={nrm: rms}"), "unknown key 'nrm'; did you mean 'norm'?"),
        (("--set", "block={norm: group}"), "must be 'none', 'layer', 'batch' or 'rms'"),
        (("--set", "block={dropout: 1}"), "must be less than 1"),
        (("--set", "bidirectional=true", "--probe"), "leave out 'bidirectional' or the probes"),
        (
            ("--model", "sr_lstm", "--set", "layers=2", "--probe"),
            "leave out 'layers' or the probes",
        ),
    ],
)
def test_wrong_input_is_one_sentence(bench, arguments, said):
    done = bench("run", "tiny", *arguments, code=2)
    assert said in done.err and len(done.err.splitlines()) == 1


TEXT = """\
from urnn_bench.tasks._text import TextOptions, TextTask, Texts


class Text(TextTask):
    Options = TextOptions

    def load(self):
        return Texts("to be or not to be " * 20, "that is the question " * 20, "to dream " * 40)
"""
BENCHMARK = """\
title: Text
task: {name: text}
T: [3]
hidden: 4
models: {gru: }
fit: {steps: 2, batch: 2, evaluate_every: 2}
"""


def test_what_comes_next_is_not_read_where_states_are_carried(bench):
    bench.write("text.py", TEXT)
    bench.write("benchmarks/text.yaml", BENCHMARK)
    run = ("run", "text", "--include", "text.py", "--threads", 1, "-q", "--set")
    bench(*run, "layers=2")
    for more in ((), ("--set", "layers=2")):
        err = bench(*run, "bidirectional=true", *more, code=2).err
        assert "bidirectional=true: the task 'text' goes on from the last state" in err


def test_the_time_loop_is_refused_where_it_computes_something_else(bench):
    batch = ("--set", "block={norm: batch}", "--model", "lstm")
    done = bench("run", "tiny", *batch, "--kernel", "eager", code=2)
    assert "batch normalisation takes its means over all time steps" in done.err


def test_a_part_of_a_block_is_set_in_models_that_have_their_own(bench):
    own = "{layers: 2, block: {mixer: glu}, readout: mlp}"
    text = (
        (bench.folder / "benchmarks" / "tiny.yaml").read_text().replace("  lstm:", f"  lstm: {own}")
    )
    bench.write("benchmarks/own.yaml", text)
    bench("run", "own", "--model", "lstm", "--set", "block.norm=rms", "--set", "readout.widths=[3]")
    (path,) = bench.folder.glob("results/own/lstm-*/run.json")
    run = Run.model_validate(json.loads(path.read_text())["run"])
    assert (run.block.norm, run.block.mixer) == ("rms", "glu")
    assert run.readout.name == "mlp" and run.readout.options["widths"] == [3]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("model", ["lstm", "gru"])
def test_a_budget_is_for_all_layers_in_both_directions(model, layers, bidirectional):
    run = run_of("plain", 0, model, layers, bidirectional=bidirectional)
    found = widest(COMPONENTS, run, 40_000)
    counts = [
        build.count_parameters(COMPONENTS, run.model_copy(update={"hidden": width}))
        for width in (found, found + 1)
    ]
    assert counts[0] <= 40_000 < counts[1]


@pytest.mark.parametrize("shape", [{"layers": 2}, {"layers": 1, "bidirectional": True}])
def test_noise_of_a_cell_is_that_of_the_run(shape):
    noisy = {"cell": ComponentSpec(name="esn", options={"noise": 0.1})}
    run = run_of("plain", **shape).model_copy(update=noisy)
    weights = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        weights.append(weights_after(job_of(run)))
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


@pytest.mark.parametrize("shape", [{"layers": 2}, {"layers": 1, "bidirectional": True}])
def test_features_of_a_cell_with_noise_are_not_kept(shape):
    task = ComponentSpec(name="digits", options={"T": 8})
    for noise, kept in ((0.0, True), (0.1, False)):
        cell = ComponentSpec(name="esn", options={"noise": noise})
        run = run_of("plain", **shape).model_copy(update={"cell": cell, "task": task})
        assert (job_of(run).features is not None) is kept
