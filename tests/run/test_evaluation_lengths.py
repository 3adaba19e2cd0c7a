"""The best weights of a run, scored at lengths that it was not trained on."""

import json
import signal
import time

import pytest
import torch

from urnn_bench.records import evaluations
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.tasks.base import Task

RUN = ("run", "tiny", "--model", "urnn", "--threads", 1)
AT_8 = ("--set", "evaluate.T=[8]")
AT_8_AND_20 = ("--set", "evaluate.T=[8, 20]")


def only(bench, results="results"):
    (path,) = (bench.folder / results / "tiny").glob("*/run.json")
    return path.parent


def test_the_best_weights_are_scored_on_the_test_split_of_every_length(bench):
    said = bench(*RUN, *AT_8_AND_20).err
    record = Record.read(folder := only(bench))
    assert record.status == "done" and record.lengths == (4, 8, 20)
    run = record.run
    for T in (8, 20):
        options = {**run.task.options, "T": T}
        trained_there = run.model_copy(
            update={"task": run.task.model_copy(update={"options": options})}
        )
        job, _ = build.job_of(Components(), trained_there, Backend())
        checkpoint = torch.load(folder / "checkpoint.pt", weights_only=True)
        job.model.load_state_dict(checkpoint["position"]["best_weights"])
        batch = job.task.batch("test", 0, 16, run.seed).to(job.device, job.dtype)
        with torch.no_grad():
            loss = float(job.task.loss(job.model(batch.x)[0], batch))
        assert record.test_at(T)["cross_entropy_nat"] == pytest.approx(loss, rel=1e-5)
        assert record.baselines_at(T) == job.task.baselines()
        assert f"scored at T = {T}: test cross_entropy_nat {loss:.3g}"[:-1] in said
    assert record.baselines_at(8) != record.baselines_at(20)


def test_training_and_identity_do_not_depend_on_the_lengths(bench):
    bench(*RUN, "--results", "plain", "-q")
    bench(*RUN, *AT_8, "-q")
    plain, scored = only(bench, "plain"), only(bench)
    assert plain.name == scored.name
    assert Record.read(plain).test == Record.read(scored).test
    names = {path.name for path in scored.iterdir()} - {path.name for path in plain.iterdir()}
    assert names == {"evaluations.csv"}


def test_every_line_of_the_file_names_the_length_of_its_score(bench):
    bench(*RUN, *AT_8, "-q")
    record = Record.read(folder := only(bench))
    rows = evaluations.read(folder / "evaluations.csv")
    assert {row.length for row in rows} == {4, 8} and {row.step for row in rows} == {
        record.best_step
    }
    by_length = {T: {r.metric: r.value for r in rows if r.length == T} for T in (4, 8)}
    assert by_length == {4: record.test, 8: record.evaluations[8].test}


def test_a_length_is_added_to_a_done_run_without_training(bench):
    bench(*RUN, *AT_8_AND_20, "--results", "at once", "-q")
    bench(*RUN, "-q")
    before = Record.read(folder := only(bench))
    curve = (folder / "metrics.csv").read_bytes()
    bench(*RUN, *AT_8, "-q")
    said = bench(*RUN, "--set", "evaluate.T=20").err
    assert "scored at T = 20" in said and "scored at T = 8" not in said
    after = Record.read(folder)
    assert after.evaluations == Record.read(only(bench, "at once")).evaluations
    assert after.sessions == before.sessions and after.test == before.test
    assert (folder / "metrics.csv").read_bytes() == curve
    assert "scored" not in bench(*RUN, *AT_8_AND_20).err


def test_a_done_run_without_its_checkpoint_is_refused_and_kept(bench):
    bench(*RUN, "-q")
    (only(bench) / "checkpoint.pt").unlink()
    before = (only(bench) / "metrics.csv").read_bytes()
    said = bench(*RUN, *AT_8, code=2).err
    assert "cannot be scored at T = 8: its checkpoint.pt is not there" in said and "--force" in said
    assert Record.read(only(bench)).status == "done"
    assert (only(bench) / "metrics.csv").read_bytes() == before


def test_a_run_trained_again_loses_the_scores_of_the_old_weights(bench):
    bench(*RUN, *AT_8, "-q")
    bench(*RUN, "--force", "-q")
    assert Record.read(only(bench)).evaluations == {}
    assert not (only(bench) / "evaluations.csv").exists()
    bench(*RUN, *AT_8, "--force", "-q")
    assert Record.read(only(bench)).lengths == (4, 8)


def test_runs_of_a_stack_score_as_by_themselves(bench):
    stack = ("run", "tiny", "--model", "lstm", "--seeds", 2, "--threads", 1, "--kernel", "eager")
    stack += ("--set", "fit.dtype=float64", *AT_8_AND_20, "-q")
    bench(*stack, "--stacked")
    bench(*stack, "--results", "alone")
    for folder in bench.runs():
        stacked = Record.read(folder)
        alone = Record.read(bench.folder / "alone" / "tiny" / folder.name)
        assert stacked.sessions[0].together == 2 and stacked.lengths == (4, 8, 20)
        for T in (8, 20):
            assert stacked.test_at(T) == pytest.approx(alone.test_at(T), rel=1e-6)
            assert stacked.evaluations[T].fingerprint == alone.evaluations[T].fingerprint


def test_killed_between_two_lengths_and_started_again_gives_the_same_numbers(bench):
    lengths = ("--set", "evaluate.T=[8, 20, 3000]", "--set", "task.test_examples=2000")
    process = bench.start(*RUN, *lengths)
    for _ in range(1200):
        scored = [path for path in bench.runs() if Record.read(path).evaluations]
        if scored:
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killed = Record.read(only(bench))
    assert killed.status == "done" and 3000 not in killed.evaluations
    bench(*RUN, *lengths, "-q")
    bench(*RUN, *lengths, "-q", "--results", "whole")
    found, whole = Record.read(only(bench)), Record.read(only(bench, "whole"))
    assert found.evaluations == whole.evaluations and found.lengths == (4, 8, 20, 3000)
    files = [only(bench, name) / "evaluations.csv" for name in ("results", "whole")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(found.sessions) == 1


def test_json_lines_name_the_length(bench):
    lines = [json.loads(line) for line in bench(*RUN, *AT_8, "--json", "-q").out.splitlines()]
    (scored,) = [line for line in lines if line["event"] == "scored"]
    record = Record.read(only(bench))
    assert scored["length"] == 8 and scored["test"] == record.test_at(8)
    assert scored["baselines"] == record.baselines_at(8)


WRONG = {
    "no number": ("evaluate.T=[long]", "evaluate.T.0: must be a whole number, not 'long'"),
    "twice": ("evaluate.T=[8, 8]", "evaluate.T: 8 is given twice"),
    "too short": ("evaluate.T=[0]", "must be at least 1, not 0"),
    "none": ("evaluate.T=[]", "must not be empty"),
    "another key": ("evaluate.Ts=[8]", "unknown key 'Ts'"),
}


@pytest.mark.parametrize(("setting", "sentence"), WRONG.values(), ids=WRONG)
def test_wrong_lengths_are_one_sentence(setting, sentence, bench):
    said = bench(*RUN, "--set", setting, code=2).err
    assert sentence.rpartition(": ")[2] in said and said.count("\n") == 1
    assert not bench.runs()


def test_a_length_that_the_task_cannot_make_is_refused_where_it_was_given(bench):
    adding = ("--set", "task={name: adding}", "--set", "evaluate.T=1")
    said = bench(*RUN, *adding, code=2).err
    assert "--set evaluate.T=1: must be at least 2, not 1" in said


@pytest.mark.parametrize("task", ["digits", "shakespeare"])
def test_a_task_whose_data_have_one_length_is_refused(task, bench):
    setting = ("--set", f"task={{name: {task}}}", "--T", 8, "--set", "evaluate.T=[8, 16]")
    said = bench(*RUN, *setting, code=2).err
    reason = Components().tasks.get(task, Task).fixed_length_reason
    assert f"'{task}' trained at T = 8 cannot be scored at T = 16: {reason}" in said


def test_a_longer_test_that_cannot_fit_is_refused_before_training(bench):
    said = bench(*RUN, "--set", "evaluate.T=100000000000", code=3).err
    assert "a test batch of 16 sequences at T = 100,000,000,000" in said and "lower" in said
    assert "evaluate.T" in said and not (only(bench) / "metrics.csv").exists()


def test_a_longer_test_that_cannot_fit_leaves_a_done_run_as_it_was(bench):
    bench(*RUN, *AT_8, "-q")
    before = Record.read(only(bench)).evaluations
    said = bench(*RUN, "--set", "evaluate.T=100000000000", code=2).err
    assert "cannot be scored at T = 100000000000: a test batch" in said
    record = Record.read(only(bench))
    assert record.status == "done" and record.evaluations == before


OTHER_INPUTS = """\
from urnn_bench.tasks.copying import Copying
from urnn_bench.tasks.base import Signature, Targets, Tokens


class Growing(Copying):
    @property
    def signature(self):
        return Signature(Tokens(self.options.symbols + 2 + self.options.T), 4, Targets.EVERY_STEP)
"""


def test_a_task_whose_inputs_change_with_the_length_is_one_sentence(bench):
    path = bench.write("growing.py", OTHER_INPUTS)
    own = ("--set", "task.name=growing", "--include", path)
    said = bench(*RUN, *own, *AT_8, code=3).err
    assert "cannot be scored at T = 8: its inputs or outputs are others there" in said


def test_runs_that_differ_in_these_lengths_alone_are_shown_together(bench):
    bench("run", "tiny", "--model", "lstm", "--threads", 1, "-q")
    bench(*RUN, *AT_8, "-q")
    shown = bench("table", "tiny")
    assert "left out" not in shown.err and {"lstm", "urnn"} <= {*shown.out.split()}
