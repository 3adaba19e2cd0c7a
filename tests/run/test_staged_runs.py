"""Runs in stages through the command line: their records, bad input, and every kill."""

import csv
import shutil
from contextlib import suppress

import pytest
import torch
from run.test_resume import Death, Killed, equal, state, table

from urnn_bench.records.record import Record
from urnn_bench.run import recorder

STAGED = """\
title: In stages
task: {name: copying, symbols: 3, recall: 2, validation_examples: 12, test_examples: 16}
T: [4]
hidden: 6
models:
  urnn: {fit: {clip: null}}
  lstm:
stages:
  - {name: short, task: {T: 3}, fit: {steps: 2, batch: 5}}
  - name: long
    fit: {steps: 3, optimizer: {name: adam, lr: 1e-2}}
fit:
  batch: 4
  clip: {value: 1.0}
  log_every: 2
  evaluate_every: 2
figures: [learning_curves]
"""


@pytest.fixture
def staged(bench):
    bench.write("benchmarks/staged.yaml", STAGED)
    return bench


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_column_of_stages_is_there_with_stages_alone(staged):
    staged("run", "staged", "tiny", "--model", "lstm", "-q")
    (folder,), (plain,) = staged.runs("staged"), staged.runs("tiny")
    stages = [(row["step"], row["stage"]) for row in rows(folder) if row["split"] == "train"]
    assert stages == [("2", "short"), ("4", "long"), ("5", "long")]
    assert [row["stage"] for row in rows(folder) if row["split"] == "test"] == ["long"] * 3
    assert list(rows(plain)[0]) == ["step", "examples", "train_s", "split", "metric", "value"]


def test_a_record_has_the_stages_and_counts_their_updates(staged):
    assert "5 updates" in staged("run", "staged", "--model", "urnn").err
    record = Record.read(staged.runs("staged")[0])
    assert [s.name for s in record.run.stages] == ["short", "long"]
    assert [s.task.T for s in record.run.stages] == [3, 4] and record.run.T == 4
    assert [s.fit.optimizer.name for s in record.run.stages] == ["rmsprop_paper", "adam"]
    assert record.steps_done == 5 and record.best_step in (2, 4, 5)
    assert "short's train" in record.fingerprint
    assert "1 done" in staged("run", "staged", "--model", "urnn").err


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_killed_before_any_write_in_any_stage_it_ends_the_same(staged, monkeypatch):
    """With a checkpoint after every update, also after the one that ends a stage."""
    monkeypatch.setattr(recorder, "_CHECKPOINT_AT_LEAST_S", 0.0)
    monkeypatch.setattr(recorder, "_CHECKPOINT_SHARE", 1e9)
    probes = ("--set", "probes={at: [0, 2, 3], read: [state_norm]}")
    arguments = ("run", "staged", "--model", "lstm", *probes, "-q")
    staged(*arguments, "--results", "whole")
    (whole,) = (staged.folder / "whole" / "staged").iterdir()
    for moment in range(1, 1000):
        with pytest.MonkeyPatch.context() as patch:
            death = Death(patch, moment)
            with suppress(Killed):
                staged(*arguments)
        if death.left > 0:
            break
        staged(*arguments)
        (folder,) = staged.runs("staged")
        assert table(folder) == table(whole), f"killed before write {moment}"
        assert equal(state(folder), state(whole)), f"killed before write {moment}"
        assert (folder / "probes.csv").read_bytes() == (whole / "probes.csv").read_bytes()
        shutil.rmtree(staged.folder / "results")
    assert moment > 30, "the run was never killed"


def test_a_checkpoint_at_the_boundary_has_a_new_optimizer(staged, monkeypatch):
    monkeypatch.setattr(recorder.RunRecorder, "_reason_to_stop", stop_at(2))
    staged("run", "staged", "--model", "lstm", "-q", code=3)
    content = torch.load(staged.runs("staged")[0] / "checkpoint.pt", weights_only=True)
    assert content["position"]["step"] == 2 and content["optimizer"]["state"] == {}
    assert "betas" in content["optimizer"]["param_groups"][0]


def stop_at(step):
    def reason(self, _elapsed_s):
        is_there = self.run.state.step == step
        return ("interrupted", "stopped by SIGINT") if is_there else None

    return reason


TEXT = """\
title: A text in stages
task: {name: ptb, unit: characters}
T: 6
hidden: 5
models: {lstm: }
stages: [{name: one, fit: {steps: 3, batch: 2}}, {name: two, fit: {steps: 4, batch: 3}}]
fit: {evaluate_every: 5, evaluate_batch: 2, log_every: 1}
"""


@pytest.mark.parametrize("step", [2, 3, 4])
def test_a_stage_of_a_text_begins_with_the_initial_state(bench, monkeypatch, step):
    """Within the text, with batches of another size; stopped there, it goes on the same."""
    bench.write("text.yaml", TEXT)
    for name in ("train", "valid", "test"):
        bench.write(f"data/ptb/ptb.{name}.txt", "the cat sat on the mat\n" * 8)
    arguments = ("run", "text.yaml", "--data-dir", "data", "-q")
    bench(*arguments, "--results", "whole")
    with monkeypatch.context() as patch:
        patch.setattr(recorder.RunRecorder, "_reason_to_stop", stop_at(step))
        bench(*arguments, code=3)
    (folder,), (whole,) = bench.runs("text"), (bench.folder / "whole" / "text").iterdir()
    assert len(state(folder)["position"]["state"]) == (0 if step == 3 else 2)
    bench(*arguments)
    assert table(folder) == table(whole) and equal(state(folder), state(whole))


BAD = {
    "stages=[]": "must not be empty",
    "stages=3": "must be a list of stages, not 3",
    "stages=[{name: a}, {name: a}]": "two stages are called 'a'; rename one",
    "stages=[{fit: {}}]": "a stage is a mapping with a 'name'",
    "stages=[{name: ''}]": "the name of a stage has 1 to 40 characters",
    "stages.lng.fit.steps=3": "no stage is called 'lng'; did you mean 'long'?",
    "stages.long.fti.steps=3": "unknown key 'fti'; did you mean 'fit'?",
    "stages.long.fit.stps=3": "unknown key 'stps'; did you mean 'steps'?",
    "stages.short.task.symbls=3": "unknown key 'symbls'; did you mean 'symbols'?",
    "stages.short.task=adding": "one network cannot learn both",
    "stages.short.fit.solved={metric: recall_accuracy, above: 0.5}": "only the last stage can be",
    "stages.short.fit.dtype=float64": "has the weights, and so the type, of the last, float32",
    "stages.long.task.T=9": "lengths of the last stage belong under the top-level key 'T'",
    "fit.steps=9": "give one, as in --set stages.long.fit.steps=9",
    "readout=ridge": "is solved once and has no updates",
}


@pytest.mark.parametrize("setting", BAD)
def test_bad_stages_are_one_sentence(staged, setting):
    err = staged("run", "staged", "--set", setting, code=2).err
    assert BAD[setting] in err and len(err.strip().splitlines()) == 1


def test_a_fault_of_a_stage_has_its_line(staged):
    staged.write("b.yaml", STAGED.replace("fit: {steps: 3,", "fit: {stps: 3,"))
    err = staged("run", "b.yaml", code=2).err
    assert "b.yaml, line 11: stages.long.fit.stps: unknown key 'stps'" in err


def test_solved_stops_the_last_stage_alone(staged):
    solved = "fit.solved={metric: cross_entropy_nat, below: 100, stop: true}"
    staged("run", "staged", "--model", "lstm", "--set", solved, "-q")
    record = Record.read(staged.runs("staged")[0])
    assert record.status == "solved" and record.solved_step == 2 and record.steps_done == 3
    assert [stage.fit.solved is None for stage in record.run.stages] == [True, False]


def test_one_number_of_updates_is_refused(staged):
    err = staged("run", "staged", "--updates", 7, code=2).err
    assert "trains in stages" in err and "--set stages.long.fit.steps=7" in err


def test_a_setting_of_the_fit_holds_in_every_stage(staged):
    staged("run", "staged", "--model", "lstm", "--set", "fit.batch=3", "-q")
    record = Record.read(staged.runs("staged")[0])
    assert [s.fit.batch for s in record.run.stages] == [3, 3]
    staged("run", "staged", "--model", "urnn", "--set", "stages.short.fit.steps=1", "-q")
    changed = [Record.read(folder).run.updates for folder in staged.runs("staged")]
    assert sorted(changed) == [4, 5]
