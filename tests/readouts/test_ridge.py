"""Ridge: least squares as scikit-learn solves it, in a run without updates."""

import csv
import json

import pytest
import torch
from sklearn.linear_model import Ridge

from urnn_bench.errors import ComponentError
from urnn_bench.random_streams import generator
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components

N, R, OUTPUTS = 60, 7, 3
BENCHMARK = """\
title: Ridge
task: {name: %s}
T: 8
hidden: 20
models: {echo_state: {%s}}
readout: ridge
fit: {steps: %d, batch: 10, evaluate_every: 2, log_every: 1}
"""


def make(penalties):
    kind = Components().readouts.get("ridge", Readout)
    return kind(R, OUTPUTS, kind.Options(penalties=penalties)).double()


def examples(name, noise=1.0):
    """Return features far from zero, and targets that depend on them."""
    rng = generator(0, name)
    x = 3 + torch.randn(N, R, generator=rng, dtype=torch.float64)
    w = torch.randn(R, OUTPUTS, generator=generator(0, "w"), dtype=torch.float64)
    return x, x @ w + noise * torch.randn(N, OUTPUTS, generator=rng, dtype=torch.float64) - 5


@pytest.mark.parametrize("penalty", [1e-6, 0.1, 30.0])
def test_the_solution_is_scikit_learn_s(penalty):
    readout, (x, y) = make([penalty]), examples("train")
    readout.solve([(x, y)], [examples("validation")])
    expected = Ridge(alpha=penalty).fit(x.numpy(), y.numpy())
    found = readout(examples("test")[0]).detach().numpy()
    assert found == pytest.approx(expected.predict(examples("test")[0].numpy()), rel=1e-9)


def test_batches_of_any_size_give_one_solution():
    whole, parts = make([0.1]), make([0.1])
    x, y = examples("train")
    whole.solve([(x, y)], [examples("validation")])
    parts.solve(zip(x.split(7), y.split(7), strict=True), [examples("validation")])
    torch.testing.assert_close(whole(x), parts(x), rtol=1e-10, atol=1e-10)


def test_features_that_are_not_finite_are_one_sentence(bench):
    cell = "cell: {name: esn, spectral_radius: 1.0e+30, activation: relu}"
    bench.write("benchmarks/here.yaml", BENCHMARK.replace("echo_state", "m") % ("digits", cell, 20))
    said = bench("run", "here", "-q", code=3).err
    assert "those of training are infinite, nan or too large" in said and "eigh" not in said


@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan, 1e200])
def test_one_number_that_is_not_finite_is_refused(value):
    x, y = examples("train")
    for place in (x, y):
        spoilt = place.clone()
        spoilt[3, 1] = value
        pair = (spoilt, y) if place is x else (x, spoilt)
        with pytest.raises(ComponentError, match="finite"):
            make([0.1]).solve([pair], [examples("validation")])


@pytest.mark.parametrize("noise", [0.01, 20.0])
def test_validation_chooses_the_penalty_of_the_smallest_squared_error(noise):
    (x, y), (held_x, held_y) = examples("train", noise), examples("validation", noise)
    penalties = [1e-4, 1e-1, 10.0, 1000.0]

    def error(penalty):
        predicted = Ridge(alpha=penalty).fit(x.numpy(), y.numpy()).predict(held_x.numpy())
        return float((torch.from_numpy(predicted) - held_y).square().sum())

    best = min(penalties, key=error)
    assert make(penalties).solve([(x, y)], [(held_x, held_y)]).startswith(f"penalty {best:g} of 4")


def test_equal_features_do_not_stop_it():
    readout, (x, y) = make([1e-6]), examples("train")
    readout.solve([(x[:, :1].expand(-1, R), y)], [(x, y)])
    assert readout.weight.isfinite().all()


def run(bench, task="digits", model="", steps=200, *arguments, code=0):
    bench.write("benchmarks/here.yaml", BENCHMARK % (task, model, steps))
    said = bench("run", "here", *arguments, code=code)
    records = (folder / "run.json" for folder in bench.runs("here"))
    return said.err if code else [json.loads(path.read_text()) for path in records]


def test_a_run_is_solved_without_updates_and_recorded_like_any_other(bench):
    (record,) = run(bench)
    assert record["status"] == "done" and record["steps_done"] == 0
    # an epoch of 1,157 images in batches of 10
    assert record["reason"].startswith("no updates, solved in closed form: penalty ")
    assert record["reason"].endswith(", 1150 training examples")
    assert record["parameters"] == 10 * 21 and record["test"]["accuracy"] > 0.5
    rows = list(csv.DictReader((bench.runs("here")[0] / "metrics.csv").read_text().splitlines()))
    assert {row["split"] for row in rows} == {"validation", "test"}
    (row,) = json.loads(bench("table", "here", "--json").out)
    assert row["test"] == pytest.approx(record["test"]["cross_entropy_nat"])
    assert "done" in bench("status", "here").out
    assert "already done" in bench("run", "here").err


def test_it_sees_no_more_batches_than_updates_would(bench):
    (record,) = run(bench, steps=3)
    assert record["reason"].endswith(", 30 training examples")


@pytest.mark.parametrize("task", ["adding", "copying, symbols: 2, recall: 1"])
def test_numbers_and_classes_at_every_step_are_targets_too(bench, task):
    (record,) = run(bench, task + ", validation_examples: 20, test_examples: 20", steps=20)
    assert record["status"] == "done"


ENDS = """\
\"\"\"Say the number before, until the sequence ends; what follows is far from any number.\"\"\"
import torch
from urnn_bench.spec.types import Count
from urnn_bench.tasks.base import (
    Batch, PoolOptions, Score, Signature, SyntheticTask, Targets, Vectors, masked_mean, step_mask)


class Options(PoolOptions):
    T: Count


class Ends(SyntheticTask):
    Options, metrics = Options, ("mse",)
    signature = Signature(Vectors(1), 1, Targets.EVERY_STEP)

    def sample(self, count, rng):
        x = torch.rand(self.options.T, count, 1, generator=rng, dtype=torch.float64)
        lengths = torch.randint(2, self.options.T, (count,), generator=rng)
        extras = {"lengths": lengths} if EXTRA == "lengths" else {
            "mask": torch.arange(self.options.T)[:, None] < lengths}
        drawn = Batch(x, x.roll(1, 0), extras)
        inside = step_mask(drawn)[..., None]
        return Batch(x, torch.where(inside, drawn.y, 100.0), extras)

    def loss(self, output, batch):
        return masked_mean((output - batch.y).square(), step_mask(batch))

    def scores(self, output, batch):
        count = float(step_mask(batch).sum())
        return {"mse": Score(count * float(self.loss(output, batch)), count)}

    def baselines(self):
        return {"mse": {"half": 1 / 12}}

    def baseline_output(self, batch):
        return torch.full_like(batch.y, 0.5)
"""


@pytest.mark.parametrize("extra", ["lengths", "mask"])
def test_steps_that_do_not_count_are_no_examples(bench, extra):
    bench.write("ends.py", ENDS.replace("EXTRA", repr(extra)))
    task = "ends, validation_examples: 50, test_examples: 50"
    (record,) = run(bench, task, "", 20, "--include", "ends.py")
    # the first number has none before it
    assert record["test"]["mse"] < 1 / 12
    assert 200 * 2 < int(record["reason"].split()[-3]) < 200 * 7


def test_a_solved_run_is_scored_at_other_lengths_and_solved_once(bench):
    task = "adding, validation_examples: 20, test_examples: 20"
    at_16 = ("--set", "evaluate.T=[16]")
    (record,) = run(bench, task, "", 20, *at_16, "--probe")
    folder = bench.runs("here")[0]
    assert record["evaluations"]["16"]["test"] != record["test"]
    first = (folder / "metrics.csv").read_text()
    # as if it was killed after its checkpoint, before its test
    (folder / "run.json").write_text(json.dumps({**record, "status": "running", "test": {}}))
    (again,) = run(bench, task, "", 20, *at_16, "--probe")
    assert again["test"] == record["test"] and again["reason"] == record["reason"]
    assert (folder / "metrics.csv").read_text() == first


def test_a_stack_solves_each_run(bench):
    alone = run(bench, "digits", "", 20, "--seeds", 2)
    bench("run", "here", "--seeds", 2, "--stacked", "--results", "stacked")
    stacked = [json.loads(p.read_text()) for p in sorted(bench.folder.glob("stacked/*/*/run.json"))]
    assert [r["test"] for r in alone] == [r["test"] for r in stacked]
    assert alone[0]["test"] != alone[1]["test"]


@pytest.mark.parametrize("shape", ["", ", layers: 2", ", bidirectional: true"])
def test_noise_of_a_cell_is_in_training_examples_and_follows_the_seed(bench, shape):
    scores = []
    for noise in (0.0, 0.5, 0.5):
        folder = f"results-{len(scores)}"
        torch.manual_seed(len(scores))
        run(bench, "digits", f"cell: {{name: esn, noise: {noise}}}{shape}", 20, "--results", folder)
        (path,) = bench.folder.glob(f"{folder}/*/*/run.json")
        scores.append(json.loads(path.read_text())["test"])
    plain, noisy, again = scores
    assert noisy == again
    assert noisy["cross_entropy_nat"] != pytest.approx(plain["cross_entropy_nat"], rel=1e-4)


def test_the_time_of_a_run_can_be_estimated(bench):
    bench.write("benchmarks/here.yaml", BENCHMARK % ("digits", "", 20))
    assert bench("run", "here", "--dry-run").out


def test_a_cell_that_is_trained_is_refused(bench):
    said = run(bench, "digits", "cell: rnn", 20, code=2)
    assert "line 6: readout: 'ridge' is solved once and trains nothing else, and the cell" in said
    assert said.endswith("take a cell without any, such as esn, or another readout\n")


def test_a_claim_can_be_judged_by_it(bench):
    run(bench, "digits", "", 20)
    bench.write(
        "claims.yaml",
        "title: A paper\npaper: nobody\nclaims:\n  better:\n    figure: '1'\n    says: Better.\n"
        "    source: made up\n    reference: {value: 1.6, error: 0.1, unit: nat}\n"
        "    needs: {benchmark: here, model: echo_state, T: 8, seeds: 1, updates: 20}\n"
        "    quantity: {of: test}\n    expect: {below: 2.3}\n",
    )
    assert "1 reproduced" in bench("verify", "claims.yaml").err
