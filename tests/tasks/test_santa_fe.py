"""The laser series: its parts, its scale, its file."""

import io
import os
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import torch

from urnn_bench.data import store
from urnn_bench.errors import DataError, attempt
from urnn_bench.records.record import Record
from urnn_bench.tasks.santa_fe import FILE, PARTS, SANTA_FE, SantaFe, SantaFeOptions, parse

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "esn"
VALUES = 10_093


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def counting():
    """A series whose values are their places."""
    return np.arange(VALUES)[:, None]


class Counting(SantaFe):
    def load(self):
        return parse(npy(counting()), FILE)


def make(T=200, **options):
    return Counting(SantaFeOptions(T=T, **options))


def places(batch):
    """Return the places in the series of all values of a batch (T + 1, B)."""
    scaled = torch.cat([batch.x[:1], batch.y])[..., 0]
    training = torch.arange(len(PARTS["train"])).double()
    return (scaled * training.std(correction=0) + training.mean()).round().long()


def test_the_parts_are_the_whole_series_and_do_not_meet():
    assert [i for part in PARTS.values() for i in part] == list(range(VALUES))
    assert [round(len(part) / VALUES, 3) for part in PARTS.values()] == [0.7, 0.15, 0.15]


@pytest.mark.parametrize("split", PARTS)
@pytest.mark.parametrize("stride", [1, 7])
def test_a_sequence_lies_in_the_part_of_its_split(split, stride):
    task = make(T=200, stride=stride)
    count = ceil(task.training_examples() / 64) if split == "train" else task.batches(split, 64)
    seen = torch.cat([places(task.batch(split, i, 64, seed=0)) for i in range(count - 1)], 1)
    part = PARTS[split]
    assert part.start <= int(seen.min()) and int(seen.max()) < part.stop
    assert torch.equal(seen.diff(dim=0), torch.ones_like(seen[1:]))


def test_the_sequences_of_a_split_begin_a_stride_apart_and_reach_its_end():
    task = make(T=200, stride=7)
    whole = places(task.batch("test", 0, 10_000, seed=0))
    part = PARTS["test"]
    assert torch.equal(whole[0], torch.arange(part.start, part.stop - 200, 7))
    assert part.stop - 7 <= int(whole.max()) < part.stop


def test_an_epoch_has_every_sequence_of_training_once():
    task = make(T=200)
    count = task.training_examples()
    whole = places(task.batch("train", 0, count, seed=0))
    assert torch.equal(whole[0].sort().values, torch.arange(len(PARTS["train"]) - 200))


def test_only_the_training_part_sets_the_scale():
    values = counting()
    values[PARTS["validation"].start :] = 10**6
    scaled, other = parse(npy(values), FILE), parse(npy(counting()), FILE)
    training = scaled[: len(PARTS["train"])]
    assert torch.equal(training, other[: len(training)])
    assert float(training.mean()) == pytest.approx(0, abs=1e-12)
    assert float(training.std(correction=0)) == pytest.approx(1, abs=1e-12)


WRONG = {
    "nothing": (b"", "is no array of numbers"),
    "objects": (npy(np.array([1, "a"], dtype=object)), "is no array of numbers"),
    "half a file": (npy(counting())[:-3], "is no array of numbers"),
    "another length": (npy(np.arange(9)), "has 9 values of type int64"),
    "text": (npy(np.full(VALUES, "a")), "has 10093 values of type <U1"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_another_file_is_one_sentence(wrong):
    content, sentence = WRONG[wrong]
    with pytest.raises(DataError, match=sentence):
        parse(content, FILE)


BENCHMARK = """\
title: Laser
task: {name: santa_fe, washout: 20, free_steps: 10, stride: 50}
T: [60]
hidden: 30
models: {echo_state: }
readout: ridge
fit: {steps: 20, batch: 10, dtype: float64}
"""


@pytest.mark.parametrize("setting", ["T=[1514]", "evaluate.T=[1514]"])
def test_a_sequence_that_no_part_holds_is_refused(setting, bench):
    bench.write("benchmarks/laser.yaml", BENCHMARK)
    err = bench("run", "laser", "--set", setting, code=2).err
    assert f"--set {setting}: must be at most 1513, not 1514" in err and err.count("\n") == 1


def test_a_file_of_objects_is_no_data(bench):
    bench.write("benchmarks/laser.yaml", BENCHMARK)
    (bench.folder / FILE).write_bytes(WRONG["objects"][0])
    (bench.folder / SANTA_FE.name).mkdir()
    (bench.folder / SANTA_FE.name / FILE).write_bytes(WRONG["objects"][0])
    err = bench("run", "laser", "--data-dir", ".", code=2).err
    assert "is damaged or another file" in err and "urnn-bench prepare santa_fe" in err


@pytest.fixture
def real(monkeypatch):
    """Let the real file be found, and return its folder, or skip."""
    folders = [os.environ.get(store.DATA, ""), str(SHARED)]
    for folder in filter(None, folders):
        monkeypatch.setenv(store.DATA, folder)
        if attempt(store.check, SANTA_FE) is None:
            return folder
    pytest.skip("the real file is not here")


@pytest.mark.usefixtures("real")
def test_the_real_series_is_that_of_the_competition():
    content, _ = store.read(SANTA_FE, FILE)
    values = np.load(io.BytesIO(content))[:, 0]
    assert values[:5].tolist() == [86, 141, 95, 41, 22]
    scaled = SantaFe(SantaFeOptions(T=200)).load().numpy()
    assert np.corrcoef(scaled, values)[0, 1] == pytest.approx(1, abs=1e-12)


def test_a_reservoir_predicts_the_next_value_of_the_real_series(real, bench):
    bench.write("benchmarks/laser.yaml", BENCHMARK)
    bench("run", "laser", "--data-dir", real, "--threads", 1, "-q")
    record = Record.read(bench.runs("laser")[0])
    assert record.test["nrmse"] < 0.5 < record.baselines["nrmse"]["last value"]
