"""Gestures and EEG of users' files: what is read, what a split holds out, and what is wrong."""

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from urnn_bench.data import store
from urnn_bench.tasks import chalearn, deap
from urnn_bench.tasks.chalearn import Chalearn, ChalearnOptions
from urnn_bench.tasks.deap import Deap, DeapOptions


def gestures(seed=0, coordinates=3):
    """Return the arrays of twelve gestures of 1 to 8 frames, four in each split."""
    rng = np.random.default_rng(seed)
    lengths = np.array([8, 1, 5, 3, 2, 7, 4, 4, 6, 1, 2, 3])
    return {
        "x": rng.normal(1, 4, (lengths.sum(), 20, coordinates)),
        "lengths": lengths,
        "classes": np.arange(12) + 8,
        "split": np.arange(12) % 3,
    }


def signals(subject, trials=5):
    """Return the arrays of one subject."""
    rng = np.random.default_rng(subject)
    data = rng.integers(-100, 100, (trials, 40, 8064), dtype=np.int8)
    return {"data": data, "labels": rng.uniform(1, 9, (trials, 4))}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a data folder with gestures and with five subjects of five trials."""
    monkeypatch.setenv(store.DATA, str(tmp_path / "data"))
    for name in ("chalearn", "deap"):
        (tmp_path / "data" / name).mkdir(parents=True)
    np.savez(tmp_path / "data/chalearn/gestures.npz", **gestures())
    for subject in range(5):
        np.savez(tmp_path / f"data/deap/s{subject + 1:02}.npz", **signals(subject))
    return tmp_path / "data"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("centre", [None, 0, 7])
def test_gestures_are_relative_to_a_joint_and_without_it(centre):
    task = Chalearn(ChalearnOptions(T=6, centre=centre, standardise=False))
    arrays = gestures()
    ends = arrays["lengths"].cumsum()
    for place, split in enumerate(("train", "validation", "test")):
        batch = task.batch(split, 0, 4, 0) if place else None
        part = task.load()[place]
        rows = np.flatnonzero(arrays["split"] == place)
        assert part.classes.tolist() == arrays["classes"][rows].tolist()
        for b, row in enumerate(rows):
            frames = arrays["x"][ends[row] - arrays["lengths"][row] : ends[row]]
            kept = [joint for joint in range(20) if joint != centre]
            origin = 0 if centre is None else frames[:, [centre]]
            expected = (frames - origin)[:, kept].reshape(len(frames), -1)
            assert np.allclose(part.x[b, : len(frames)].numpy(), expected, rtol=1e-6, atol=1e-6)
            if batch is not None:
                count = min(6, len(frames))
                assert batch.lengths[b] == count
                assert torch.equal(batch.x[:count, b], part.x[b, :count])
    assert task.signature.inputs.width == (60 if centre is None else 57)


@pytest.mark.usefixtures("folder")
def test_gestures_are_standardised_by_the_training_set():
    train = Chalearn(ChalearnOptions(T=6)).load().train
    samples = train.x[torch.arange(train.x.shape[1]) < train.lengths[:, None]].double()
    assert samples.mean(0).abs().max() < 1e-6
    assert (samples.std(0, correction=0) - 1).abs().max() < 1e-6


def test_gestures_may_have_two_coordinates(folder):
    np.savez(folder / "chalearn/gestures.npz", **gestures(coordinates=2))
    assert Chalearn(ChalearnOptions(T=6)).signature.inputs.width == 38


def pooled_slowly(data, per_step):
    """The mean of every step of one trial (F, L), normalised channel by channel: (T, F)."""
    steps = data.shape[1] // per_step
    means = [data[:, t * per_step : (t + 1) * per_step].mean(1) for t in range(steps)]
    x = np.array(means)
    return (x - x.mean(0)) / x.std(0)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("channels", "width"), [("eeg", 32), ("all", 40)])
@pytest.mark.parametrize(("T", "per_step", "stride"), [(40, 64, None), (30, 100, 20), (76, 100, 5)])
def test_windows_are_those_of_the_definition(channels, width, T, per_step, stride):
    options = {"samples_per_step": per_step, "stride": stride, "channels": channels}
    task = Deap(DeapOptions(T=T, **options))
    assert task.signature.inputs.width == width
    for place, split in ((3, "validation"), (4, "test")):
        x, classes = [], []
        for subject in range(5):
            arrays = signals(subject)
            trial = pooled_slowly(arrays["data"][place, :width, 384:].astype(float), per_step)
            for start in range(0, len(trial) - T + 1, stride or T):
                x.append(trial[start : start + T])
                classes.append(int(arrays["labels"][place, 0] > 5))
        batch = task.batch(split, 0, len(x), 0)
        assert task.batches(split, len(x)) == 1 and batch.lengths is None
        assert batch.y.tolist() == classes
        assert np.allclose(batch.x.transpose(0, 1).numpy(), np.array(x), atol=1e-5)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("label", "column"), [("valence", 0), ("arousal", 1), ("liking", 3)])
def test_a_rating_above_5_is_high(label, column):
    parts = Deap(DeapOptions(T=1920, label=label)).load()
    high = [signals(subject)["labels"][:, column] > 5 for subject in range(5)]
    assert parts.test.classes.tolist() == [int(trials[4]) for trials in high]
    assert parts.train.classes.tolist() == [int(one) for trials in high for one in trials[:3]]


@pytest.mark.usefixtures("folder")
def test_no_subject_is_in_two_splits_of_subjects():
    by_trials = Deap(DeapOptions(T=1920)).load()
    by_subjects = Deap(DeapOptions(T=1920, split="subjects")).load()
    assert (
        [len(part.classes) for part in by_trials]
        == [15, 5, 5]
        == [len(part.classes) for part in by_subjects]
    )
    for number, part in ((3, by_subjects.validation), (4, by_subjects.test)):
        expected = deap.pooled(torch.from_numpy(signals(number)["data"][:, :32, 384:]).double(), 4)
        assert torch.equal(part.x, deap.normalised(expected).float())


def test_a_channel_that_does_not_change_becomes_zero():
    x = torch.full((2, 9, 3), 0.1, dtype=torch.float64)
    assert float(deap.normalised(x).abs().max()) < 1e-12


@pytest.mark.usefixtures("folder")
def test_windows_of_training_are_the_same_in_every_epoch():
    task, known = Deap(DeapOptions(T=700)), {}
    for index in range(6):
        rows, batch = task.training_rows(index, 15, 0), task.batch("train", index, 15, 0)
        for b, row in enumerate(rows.tolist()):
            assert torch.equal(known.setdefault(row, batch.x[:, b]), batch.x[:, b])
    assert len(known) == task.training_examples() == 30


def test_the_identity_follows_the_files(folder):
    before = [Chalearn(ChalearnOptions(T=6)).identity(), Deap(DeapOptions(T=9)).identity()]
    np.savez(folder / "chalearn/gestures.npz", **gestures(1))
    np.savez(folder / "deap/s05.npz", **signals(9))
    for module in (chalearn, deap):
        module._read.cache_clear()
        module._digest.cache_clear()
    after = [Chalearn(ChalearnOptions(T=6)).identity(), Deap(DeapOptions(T=9)).identity()]
    assert [dict(one).keys() for one in before] == [{"gestures"}, {"trials"}]
    assert before[0] != after[0] and before[1] != after[1]


BENCHMARK = """\
title: Brought
task: {name: NAME}
T: [6, 4]
models: {rnn: {hidden: 4}}
fit: {steps: 2, batch: 3}
"""


@pytest.fixture
def brought(bench, folder):
    for name in ("chalearn", "deap"):
        bench.write(f"benchmarks/{name}.yaml", BENCHMARK.replace("NAME", name))
    bench.data = folder
    return bench


@pytest.mark.parametrize(("name", "key"), [("chalearn", "gestures"), ("deap", "trials")])
def test_a_run_has_the_hash_of_its_data(brought, name, key):
    brought("run", name, "--data-dir", brought.data, "-q")
    for run in brought.runs(name):
        record = json.loads((run / "run.json").read_text())
        assert record["status"] == "done" and len(record["fingerprint"][key]) == 64


@pytest.mark.parametrize("name", ["chalearn", "deap"])
def test_without_a_file_it_is_said_how_to_make_it(brought, name):
    for path in (brought.data / name).iterdir():
        path.unlink()
    said = brought("run", name, "--data-dir", brought.data, code=2).err
    assert str(brought.data / name) in said and "docs/data.md" in said and "--data-dir" in said
    assert said.count("\n") == 1


def refused(brought, name, file, arrays, says):
    np.savez(brought.data / name / file, **arrays)
    said = brought("run", name, "--data-dir", brought.data, code=2).err
    assert f"{file}: " in said and says in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"x": np.ones((46, 19, 3))}, "'x' has the shape (46, 19, 3), not (frames, 20, 2 or 3)"),
        ({"x": np.full((46, 20, 3), np.nan)}, "'x' is not finite at [0, 0, 0]"),
        ({"x": np.ones((50, 20, 3))}, "'lengths' adds up to 46 frames, and 'x' has 50"),
        ({"lengths": np.array([46, 0])}, "'lengths' has the value 0, which is not in 1 to 46"),
        ({"classes": np.arange(12) + 9}, "'classes' has the value 20, which is not in 0 to 19"),
        ({"classes": np.arange(11)}, "'classes' has the shape (11,), not (12)"),
        ({"split": np.arange(12) % 2}, "no series is left for the test split; mark some in"),
        ({"split": np.full(12, 3)}, "'split' has the value 3, which is not in 0 to 2"),
        ({"split": np.array([None] * 12)}, "'split' cannot be read: Object arrays"),
    ],
)
def test_a_wrong_array_of_gestures_is_one_sentence(brought, changed, says):
    refused(brought, "chalearn", "gestures.npz", {**gestures(), **changed}, says)


def test_a_missing_array_is_one_sentence(brought):
    arrays = gestures()
    del arrays["split"]
    says = "has no array 'split'; it needs x, lengths, classes, split"
    refused(brought, "chalearn", "gestures.npz", arrays, says)
    refused(brought, "deap", "s03.npz", {"data": signals(3)["data"]}, "has no array 'labels'")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"data": np.ones((5, 32, 8064), "i1")}, "'data' has the shape (5, 32, 8064), not (trials"),
        ({"data": np.ones((5, 40, 8000), "i1")}, "'data' has the shape (5, 40, 8000), not (trials"),
        ({"labels": np.ones((5, 2))}, "'labels' has the shape (5, 2), not (5, 4)"),
        ({"labels": np.full((5, 4), 9.5)}, "'labels' has the value 9.5, which is not in 1 to 9"),
        ({"labels": np.full((5, 4), np.nan)}, "'labels' is not finite at [0, 0]"),
    ],
)
def test_a_wrong_array_of_signals_is_one_sentence(brought, changed, says):
    refused(brought, "deap", "s03.npz", {**signals(3), **changed}, says)


def test_a_split_without_a_trial_is_one_sentence(brought):
    (brought.data / "deap/s05.npz").unlink()
    options = ("--set", "task.split=subjects", "--data-dir", brought.data)
    said = brought("run", "deap", *options, code=2).err
    assert "split=subjects: no series is left for the test split; bring five" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("T", "per_step", "steps"), [(1921, 4, "1,920"), (1, 9000, "0")])
def test_a_window_longer_than_a_trial_is_one_sentence(brought, T, per_step, steps):
    says = f"a window of T={T} steps does not fit a trial, which has {steps} steps of"
    with pytest.raises(ValidationError, match=says):
        DeapOptions(T=T, samples_per_step=per_step)
    setting = ("--set", f"T=[{T}]", "--set", f"task.samples_per_step={per_step}")
    said = brought("run", "deap", *setting, "--data-dir", brought.data, code=2).err
    assert says in said and said.count("\n") == 1
