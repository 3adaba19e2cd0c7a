"""A task of a user's that would give other scores, or fail later, is told before training."""

import pytest
from own_cells import replaced
from test_own_components import PARITY

HEAD = '''\
"""The first of T numbers, told after the last."""
import torch
from pydantic import Field
from torch.nn.functional import mse_loss

from urnn_bench.tasks.base import (
    Batch, PoolOptions, Score, Signature, SyntheticTask, Targets, Vectors,
)


class Options(PoolOptions):
    T: int = Field(ge=1)


class First(SyntheticTask):
    Options = Options
    metrics = ("mse",)

    @property
    def signature(self):
        return Signature(Vectors(1), 1, Targets.LAST_STEP)

    def sample(self, count, rng):
        x = torch.randn(self.options.T, count, 1, generator=rng)
        return Batch(x, x[0].clone())

    def loss(self, output, batch):
        return (output - batch.y).square().mean()

    def scores(self, output, batch):
        count = len(batch.y)
        return {"mse": Score(float(self.loss(output, batch)) * count, count)}

    def baselines(self):
        return {"mse": {"zero": 1}}

    def baseline_output(self, batch):
        return torch.zeros_like(batch.y)
'''
SUM = "Score(float(self.loss(output, batch)) * count, count)"
METHODS = "    def loss"
# what the task says, what it should have said, and a part of the sentence
FAULTS = {
    "targets_that_broadcast": ("x[0].clone()", "x[0, :, 0]", "compares every output with every"),
    "mean_as_a_sum": (SUM, SUM.replace(" * count,", ","), "a total is a sum: mean times weight"),
    "score_of_a_tensor": (SUM, SUM.replace("float(self.loss(output, batch))",
                          "self.loss(output, batch)"), "with plain numbers"),
    "score_without_weight": (SUM, "float(self.loss(output, batch))", "`scores` returned {'mse':"),
    "no_scores": ('return {"mse": Score', '{"mse": Score', "`scores` returned None"),
    "loss_as_a_number": (".square().mean()", ".detach().square().mean()",
                         "`loss` returned a number without a gradient"),
    "loss_raises": ("(output - batch.y)", "(output - batch.z)", "`loss` fails: AttributeError"),
    "metrics_without_comma": ('("mse",)', '("mse")', "has the `metrics` 'mse'"),
    "no_metrics": ('("mse",)', "()", "has the `metrics` ()"),
    "baseline_of_no_name": ('{"zero": 1}', "1", "`baselines` returned {'mse': 1}"),
    "baseline_of_a_tensor": ('{"zero": 1}', '{"zero": torch.ones(())}', "`baselines` returned"),
    "another_count": ("T, count, 1", "T, count + 1, 1", "it was asked for 3"),
    "another_count_for_pools": ("T, count, 1", "T, min(count, 5), 1",
                                "`sample` returned another number of sequences"),
    "arrays": ("x[0].clone()", "x[0].numpy()", "`batch` returned a value of type ndarray"),
    "no_validation": (METHODS, "    def batches(self, split, size):\n"
                      "        return 0\n\n" + METHODS, "`batches` returned 0 for the"),
    "validation_without_end": (METHODS, "    def batches(self, split, size):\n"
                               "        return None\n\n" + METHODS, "`batches` returned None"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_told_in_a_sentence(fault, bench):
    old, new, sentence = FAULTS[fault]
    bench.write("own_task.py", replaced(HEAD, old, new))
    bench.write("benchmarks/parity.yaml", PARITY)
    err = bench("run", "parity", "--include", "own_task.py", "-q", code=3).err
    assert "ComponentError: the task 'own_task'" in err and sentence in err


SOUND = {
    "as_it_is": ("(output - batch.y)", "(output - batch.y)"),
    "squeezed": ("(output - batch.y).square", "(output[:, 0] - batch.y[:, 0]).square"),
    "one_target_for_all": ("x[0].clone()", "torch.ones(count)"),
    "infinite_baseline": ('{"zero": 1}', '{"zero": float("inf")}'),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_task_trains_without_a_word(name, bench):
    bench.write("own_task.py", replaced(HEAD, *SOUND[name]))
    bench.write("benchmarks/parity.yaml", PARITY)
    assert bench("run", "parity", "--include", "own_task.py", "-q").err == ""
