"""Runs that start from another run's best weights."""

import shutil

import pytest
import torch
from run.test_resume import equal, state, table

from urnn_bench.records.record import Record
from urnn_bench.run import recorder

TUNE = """\
title: Tune
task: {name: copying, symbols: 3, recall: 2, validation_examples: 12, test_examples: 16}
T: [4]
hidden: 6
models: {lstm: }
start_from: {benchmark: tiny, model: lstm}
fit: {steps: 4, batch: 4, log_every: 2, evaluate_every: 2}
"""


@pytest.fixture
def tune(bench):
    bench.write("benchmarks/tune.yaml", TUNE)
    return bench


def first_score(folder):
    return next(row[-1] for row in table(folder) if row[0] == "0" and row[2] == "validation")


def best_score(folder):
    return str(state(folder)["position"]["best_value"])


def test_a_run_starts_from_the_best_weights_of_the_same_seed(tune):
    tune("run", "tiny", "--model", "lstm", "--seeds", 2, "-q")
    tune("run", "tune", "--seeds", 2, "-q")
    for source, folder in zip(tune.runs("tiny"), tune.runs("tune"), strict=True):
        assert first_score(folder) == best_score(source)
        run = Record.read(folder).run
        assert run.start_from.identity == Record.read(source).identity
    tune("run", "tune", "--seed", 1, "--set", "start_from.seed=0", "--results", "b", code=2)
    tune("run", "tune", "--seed", 1, "--set", "start_from.seed=0", "-q")
    runs = [Record.read(folder).run for folder in tune.runs("tune")]
    source = Record.read(tune.runs("tiny")[0]).identity
    assert {run.seed for run in runs if run.start_from.identity == source} == {0, 1}


def test_the_source_and_not_its_folder_is_in_the_identity(tune):
    tune("run", "tiny", "--model", "lstm", "-q")
    (source,) = tune.runs("tiny")
    tune("run", "tune", "-q")
    shutil.copytree(tune.folder / "results", tune.folder / "moved")
    copy = tune.folder / "moved" / "tiny" / source.name
    done = tune("run", "tune", "--set", f"start_from={copy}").err
    assert "1 done" in done and len(tune.runs("tune")) == 1
    (folder,) = tune.runs("tune")
    run = Record.read(folder).run
    other = run.start_from.model_copy(update={"identity": "0" * 64})
    assert run.model_copy(update={"start_from": other}).identity != run.identity
    assert run.model_copy(update={"start_from": None}).identity != run.identity


def test_a_run_that_is_resumed_does_not_start_again(tune, monkeypatch):
    tune("run", "tiny", "--model", "lstm", "-q")
    tune("run", "tune", "-q")
    whole = tune.folder / "whole"
    tune.runs("tune")[0].rename(whole)
    stop = {"reason": ("interrupted", "stopped by SIGINT")}
    monkeypatch.setattr(recorder.RunRecorder, "_reason_to_stop", lambda *_: stop.get("reason"))
    tune("run", "tune", "-q", code=3)
    stop.clear()
    tune("run", "tune", "-q")
    (folder,) = tune.runs("tune")
    assert table(folder) == table(whole) and equal(state(folder), state(whole))


def test_a_source_that_is_not_there_is_one_sentence_with_the_command(tune):
    err = tune("run", "tune", code=2).err
    assert "line 6: start_from: there is no run of 'lstm' of 'tiny' at T = 4, seed 0" in err
    assert "train it with: urnn-bench run tiny --model lstm --T 4 --seed 0" in err
    assert len(err.strip().splitlines()) == 1


def test_a_source_that_is_not_done_or_kept_nothing(tune, monkeypatch):
    with monkeypatch.context() as patch:
        reason = ("interrupted", "stopped by SIGINT")
        patch.setattr(recorder.RunRecorder, "_reason_to_stop", lambda *_: reason)
        tune("run", "tiny", "--model", "lstm", "--updates", 5, "-q", code=3)
    err = tune("run", "tune", code=2).err
    command = "train it with: urnn-bench run tiny --model lstm --T 4 --seed 0 --set fit.steps=5"
    assert "is interrupted and not done" in err and command in err
    tune("run", "tiny", "--model", "lstm", "--updates", 5, "-q")
    (tune.runs("tiny")[0] / "checkpoint.pt").unlink()
    err = tune("run", "tune", code=2).err
    assert "has kept no weights" in err and "--set fit.steps=5 --force" in err


def test_weights_that_do_not_fit_are_named_with_both_shapes(tune):
    tune("run", "tiny", "--model", "lstm", "-q")
    weights = torch.load(tune.runs("tiny")[0] / "checkpoint.pt", weights_only=True)["model"]
    err = tune("run", "tune", "--set", "hidden=7", code=2).err
    name, shape = next((n, tuple(t.shape)) for n, t in weights.items() if f"'{n}'" in err)
    assert f"'{name}' is of shape {shape} there and of shape (" in err
    err = tune("run", "tune", "--set", "layers=2", code=2).err
    assert "is missing there and of shape" in err or "there and missing here" in err


def test_two_runs_that_could_be_meant(tune):
    tune("run", "tiny", "--model", "lstm", "-q")
    tune("run", "tiny", "--model", "lstm", "--updates", 4, "-q")
    err = tune("run", "tune", code=2).err
    assert "there are 2 runs of 'lstm' of 'tiny'" in err and "give the folder of one" in err
    tune("run", "tune", "--set", f"start_from={tune.runs('tiny')[0]}", "-q")


BAD = {
    "start_from={model: lstm}": "give the 'benchmark' of the run, or its 'folder' alone",
    "start_from={folder: a, seed: 1}": "give the 'benchmark' of the run, or its 'folder' alone",
    "start_from.modl=lstm": "unknown key 'modl'; did you mean 'model'?",
    "start_from=nowhere": "nowhere: holds no run; give the folder of one",
}


@pytest.mark.parametrize("setting", BAD)
def test_a_bad_source_is_one_sentence(tune, setting):
    err = tune("run", "tune", "--set", setting, code=2).err
    assert BAD[setting] in err and len(err.strip().splitlines()) == 1
