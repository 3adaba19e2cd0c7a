"""A file that a task reads has changed since a run was trained: the run is not "already done"."""

import pytest

TASK = '''\
"""Adding, scaled by a number in a file beside this one."""

from dataclasses import replace
from pathlib import Path

from urnn_bench.tasks.adding import Adding

_FILE = Path(__file__).parent / "scale.txt"


class Scaled(Adding):
    def batch(self, split, index, size, seed):
        batch = super().batch(split, index, size, seed)
        return replace(batch, x=batch.x * float(_FILE.read_text()))
'''

BENCHMARK = """\
title: t
task: {name: scaled, validation_examples: 4, test_examples: 4}
T: 5
hidden: 3
models: {rnn: }
fit: {steps: 2, batch: 2, evaluate_every: 2}
"""


@pytest.fixture
def arguments(bench):
    task, path = bench.write("scaled.py", TASK), bench.write("own.yaml", BENCHMARK)
    bench.write("scale.txt", "1")
    bench("run", path, "--include", task)
    return "run", path, "--include", task


def test_a_done_run_whose_data_have_changed_is_refused(bench, arguments):
    bench.write("scale.txt", "2")
    said = bench(*arguments, code=2).err
    assert "rnn T=5 seed 0: refused: the train and validation and test data that the task" in said
    assert "already done" not in said and "--force" in said and "--results" in said
    assert "\trefused\t" in bench(*arguments, "--dry-run").out
    assert ": done, " in bench(*arguments, "--force").err
    assert "already done" in bench(*arguments).err


def test_data_that_are_back_or_cannot_be_read_leave_it_done(bench, arguments):
    for content in ("3", "1"):
        bench.write("scale.txt", content)
    assert "already done" in bench(*arguments).err
    (bench.folder / "scale.txt").unlink()
    assert "already done" in bench(*arguments).err
