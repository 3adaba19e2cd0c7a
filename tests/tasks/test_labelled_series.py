"""Series of one class each: padding, moments, and the utterances of JapaneseVowels."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.tasks import _labelled_series as series_of
from urnn_bench.tasks._labelled_series import Series, SeriesOptions, SeriesTask
from urnn_bench.tasks.japanese_vowels import (
    JapaneseVowels,
    JapaneseVowelsOptions,
    every_fifth_apart,
    parse,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    return [Series(rng.normal(2, 3, (3 + i % 5, 2)), i % 3) for i in range(count)]


PARTS = drawn(12), drawn(5, 1), drawn(7, 2)


class Made(SeriesTask):
    Options = SeriesOptions
    classes = 3

    def load(self):
        return series_of.splits_of(PARTS, standardise=False)


@pytest.mark.parametrize("T", [1, 4, 7, 30])
def test_a_series_is_cut_or_filled_up_with_zeros(T):
    batch = Made(SeriesOptions(T=T)).batch("test", 0, 7, seed=0)
    assert batch.x.shape == (T, 7, 2)
    for b, one in enumerate(PARTS[2]):
        count = min(T, len(one.values))
        assert batch.lengths[b] == count and batch.y[b] == one.label
        assert torch.equal(batch.x[:count, b], torch.from_numpy(one.values[:count]))
        assert not batch.x[count:, b].any()


def test_a_row_of_training_is_the_same_series_in_every_epoch():
    task, known = Made(SeriesOptions(T=6)), {}
    for index in range(9):
        rows, batch = task.training_rows(index, 4, 0), task.batch("train", index, 4, 0)
        for b, row in enumerate(rows.tolist()):
            assert torch.equal(known.setdefault(row, batch.x[:, b]), batch.x[:, b])
    assert len(known) == task.training_examples() == 12


def test_standardised_channels_have_mean_0_and_deviation_1_in_training():
    splits = series_of.splits_of(PARTS, standardise=True)
    inside = torch.arange(splits.train.x.shape[1]) < splits.train.lengths[:, None]
    samples = splits.train.x[inside]
    assert samples.mean(0).abs().max() < 1e-12
    assert (samples.std(0, correction=0) - 1).abs().max() < 1e-12
    every = np.concatenate([one.values for one in PARTS[0]])
    expected = (PARTS[2][0].values - every.mean(0)) / every.std(0)
    assert np.allclose(splits.test.x[0, : len(expected)].numpy(), expected, rtol=1e-12)


def test_a_channel_that_never_changes_becomes_zero():
    parts = [[Series(np.full((length, 2), 0.1), 0)] for length in (9, 6, 7)]
    splits = series_of.splits_of(parts, standardise=True)
    assert all(float(part.x.abs().max()) < 1e-12 for part in splits)


def test_the_digest_tells_every_change_of_the_data():
    splits = series_of.splits_of(PARTS, standardise=False)
    seen = {series_of.digest(splits)}
    for split in splits._fields:
        for name in ("x", "lengths", "classes"):
            part = getattr(splits, split)
            changed = getattr(part, name).clone()
            changed.view(-1)[0] += 1
            seen.add(series_of.digest(splits._replace(**{split: part._replace(**{name: changed})})))
    assert len(seen) == 10
    assert series_of.digest(series_of.splits_of(PARTS, standardise=False)) in seen


def test_a_split_without_series_is_named():
    with pytest.raises(DataError, match=r"^deep: no series .* validation split; bring more$"):
        series_of.require_series((PARTS[0], (), PARTS[2]), "deep", "bring more")


def test_every_fifth_of_a_class_is_set_apart():
    series = [Series(np.full((1, 1), i), i % 2) for i in range(22)]
    kept, apart = every_fifth_apart(series)
    assert [int(one.values[0, 0]) for one in apart] == [8, 18, 9, 19]
    assert len(kept) == 18 and not {*map(id, kept)} & {*map(id, apart)}


def test_channels_of_a_ts_file_are_columns():
    (one, two) = parse(b"#about\n@classLabel true 1 2\n@data\n1,2,3:4,5,6:2\n7:8:1\n")
    assert one.values.tolist() == [[1, 4], [2, 5], [3, 6]] and one.label == 1
    assert two.values.tolist() == [[7, 8]] and two.label == 0


VOWELS = """\
title: Vowels
task: {name: japanese_vowels}
T: 29
models: {gru: {hidden: 4}}
fit: {steps: 2, batch: 20}
"""


def test_without_its_files_the_command_that_fetches_them_is_said(bench):
    bench.write("benchmarks/vowels.yaml", VOWELS)
    said = bench("run", "vowels", "--data-dir", bench.folder, code=2).err
    assert "JapaneseVowels_TRAIN.ts is not in" in said and "prepare japanese_vowels" in said


@pytest.fixture
def real(monkeypatch):
    """Let the real files be found, or skip; return their folder."""
    monkeypatch.setenv(store.DATA, folder := os.environ.get(store.DATA, str(SHARED)))
    try:
        store.check(JapaneseVowels.data)
    except DataError as error:
        pytest.skip(f"the real files are not here: {error}")
    return folder


@pytest.mark.usefixtures("real")
def test_the_test_split_is_the_published_one():
    parts = JapaneseVowels(JapaneseVowelsOptions(T=29)).load()
    speakers = [torch.bincount(part.classes).tolist() for part in parts]
    assert speakers == [[24] * 9, [6] * 9, [31, 35, 88, 44, 29, 24, 40, 50, 29]]
    lengths = torch.cat([part.lengths for part in parts])
    assert (int(lengths.min()), int(lengths.max())) == (7, 29)
    assert len({row.numpy().tobytes() for part in parts[:2] for row in part.x}) == 270


@pytest.mark.usefixtures("real")
def test_coefficients_can_be_read_as_they_are():
    """A split that changed would make other data of every record."""
    plain = JapaneseVowels(JapaneseVowelsOptions(T=29, standardise=False)).load()
    assert float(plain.train.x[0, 0, 0]) == 1.860936
    rows = b"".join(part.x[:, 0].contiguous().numpy().tobytes() for part in plain)
    expected = "c0331c51305dbbbe76c6322b1be2c4546386f2514b21f9765372612e157e4c49"
    assert hashlib.sha256(rows).hexdigest() == expected


def test_a_run_learns_from_the_real_files(bench, real):
    bench.write("benchmarks/vowels.yaml", VOWELS)
    bench("run", "vowels", "--data-dir", real, "-q")
    record = json.loads((bench.runs("vowels")[0] / "run.json").read_text())
    assert record["status"] == "done" and 0 <= record["test"]["accuracy"] <= 1
