"""Trajectories: both containers, the split, the rates, padding, times and missing samples."""

import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.io import savemat

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.random_streams import generator
from urnn_bench.tasks import _trajectories as maths
from urnn_bench.tasks._trajectories_data import MAT, NPZ, Series, parse
from urnn_bench.tasks.trajectories import Trajectories, TrajectoriesOptions

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
CLASSES, EACH = 3, 20
LENGTHS = [60 + 2 * i for i in range(CLASSES * EACH - 1)] + [182]


def drawn(seed=0):
    """Return series of three classes, with zeros in the middle as letters have them."""
    rng = np.random.default_rng(seed)
    series = [rng.normal(i % CLASSES, 2, (n, 3)) for i, n in enumerate(LENGTHS)]
    for values in series:
        values[30] = 0
    return [Series(values, i % CLASSES) for i, values in enumerate(series)]


def with_zeros(values, before, after):
    return np.concatenate([np.zeros((before, 3)), values, np.zeros((after, 3))])


def npz(series):
    file = io.BytesIO()
    values = [with_zeros(one.values, 3, i % 4) for i, one in enumerate(series)]
    np.savez(
        file,
        X=np.concatenate(values),
        lengths=[len(v) for v in values],
        labels=np.array([one.label for one in series], dtype=np.uint8),
    )
    return file.getvalue()


def mat(series):
    file, cell = io.BytesIO(), np.empty((1, len(series)), dtype=object)
    for i, one in enumerate(series):
        cell[0, i] = with_zeros(one.values, i % 3, 2).T
    labels = np.array([[one.label + 1.0 for one in series]])
    savemat(file, {"mixout": cell, "consts": {"charlabels": labels}})
    return file.getvalue()


class Made(Trajectories):
    def load(self):
        return SPLITS


SPLITS = maths.split(parse(npz(drawn()), NPZ))


def make(T=182, **options):
    return Made(TrajectoriesOptions(T=T, **options))


def same(one, other):
    return all(
        a.label == b.label and np.array_equal(a.values, b.values)
        for a, b in zip(one, other, strict=True)
    )


def test_both_containers_give_the_same_series_in_the_same_order():
    series = drawn()
    order = np.random.default_rng(1).permutation(len(series))
    one, two = parse(npz(series), NPZ), parse(mat([series[i] for i in order]), MAT)
    assert same(one, two) and [s.label for s in one] == sorted(s.label for s in one)
    assert sorted(len(s.values) for s in one) == sorted(LENGTHS)


def test_only_the_zeros_at_both_ends_are_no_samples():
    (one,) = parse(mat(drawn()[:1]), MAT)
    assert np.array_equal(one.values, drawn()[0].values) and not one.values[30].any()
    with pytest.raises(DataError, match="no sample that is not zero"):
        parse(npz([Series(np.zeros((5, 3)), 0)]), NPZ)


@pytest.mark.parametrize("file", [NPZ, MAT])
@pytest.mark.parametrize("content", [b"", b"no container", npz(drawn())[:-2000]])
def test_what_is_no_such_container_is_one_sentence(file, content):
    with pytest.raises(DataError, match=f"^{file}: is not in the form of CharacterTrajectories: "):
        parse(content, file)


def test_a_series_of_other_channels_is_named():
    file = io.BytesIO()
    np.savez(file, X=np.ones((9, 2)), lengths=[4, 5], labels=[0, 1])
    with pytest.raises(DataError, match=r"has the shape \(4, 2\), not \(L, 3\)"):
        parse(file.getvalue(), NPZ)


def test_a_series_longer_than_the_longest_is_refused():
    series = drawn()
    series[0] = Series(np.ones((183, 3)), 0)
    with pytest.raises(DataError, match="has 183 samples, and the longest has 182"):
        maths.split(series)


def test_the_split_is_the_same_for_every_seed_and_has_the_shares_of_classes():
    sizes = [len(part.classes) for part in SPLITS]
    assert sizes == [42, 9, 9]
    for part, each in zip(SPLITS, (14, 3, 3), strict=True):
        assert torch.bincount(part.classes).tolist() == [each] * CLASSES
    rows = {row.numpy().tobytes() for part in SPLITS for row in part.x}
    assert len(rows) == len(LENGTHS)
    batches = [make().batch("test", 0, 9, seed) for seed in (0, 1)]
    assert torch.equal(batches[0].x, batches[1].x)


def test_channels_are_standardised_by_the_training_series_at_full_rate():
    train = SPLITS.train
    inside = torch.arange(182) < train.lengths[:, None]
    samples = train.x[inside]
    assert samples.mean(0).abs().max() < 1e-12
    assert (samples.std(0, correction=0) - 1).abs().max() < 1e-12
    assert not train.x[~inside].any()
    # a rate changes which samples are read, and none of them
    full, half = (make(T).batch("validation", 0, 9, 0) for T in (182, 91))
    assert torch.equal(full.x[::2][:30], half.x[:30])


def test_moments_are_those_of_numpy():
    samples = np.random.default_rng(0).normal(3, 5, (500, 3))
    mean, deviation = maths.moments(samples)
    assert np.allclose(mean, samples.mean(0), rtol=1e-13)
    assert np.allclose(deviation, samples.std(0), rtol=1e-13)


def read_slowly(length, stride, missing, scores):
    """The samples that are read of one series, one after the other."""
    present = list(range(0, length, stride))
    count = max(min(2, len(present)), len(present) - round(missing * len(present)))
    best = sorted(range(len(present)), key=lambda place: float(scores[place]))[:count]
    return [present[place] for place in sorted(best)]


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.5, 0.7, 0.99])
@pytest.mark.parametrize("T", [182, 91, 61, 23, 2, 1])
def test_samples_are_those_of_the_definition(T, missing):
    lengths = torch.tensor([1, 2, 60, 61, 119, 182])
    scores = torch.rand(len(lengths), T, generator=generator(0, "scores"))
    sampled = maths.sampling(lengths, T, missing, scores)
    for i, length in enumerate(lengths.tolist()):
        expected = read_slowly(length, maths.STRIDES[T], missing, scores[i])
        assert sampled.lengths[i] == len(expected)
        rest = [expected[-1]] * (T - len(expected))
        assert sampled.positions[i].tolist() == expected + rest


@pytest.mark.parametrize("missing", [0.0, 0.5])
@pytest.mark.parametrize("T", [182, 91, 46])
def test_times_increase_over_samples_and_padding(T, missing):
    lengths, stride = torch.tensor([60, 119, 182]), maths.STRIDES[T]
    scores = torch.rand(3, T, generator=generator(0, "scores"))
    sampled = maths.sampling(lengths, T, missing, scores)
    times = maths.sample_times(sampled, stride)
    assert bool((times[:, 1:] > times[:, :-1]).all())
    for i, count in enumerate(sampled.lengths.tolist()):
        ends = sampled.positions[i, :count].double() + 1
        assert torch.allclose(times[i, :count], ends, rtol=1e-12)
        after = times[i, count - 1 :].diff()
        assert torch.allclose(after, torch.full_like(after, stride), rtol=1e-12)


def test_a_share_of_the_samples_is_missing_and_the_same_in_every_epoch():
    task = make(missing=0.5, timestamps=True)
    known = {}
    for index in range(12):
        rows, batch = task.training_rows(index, 14, 0), task.batch("train", index, 14, 0)
        for i, row in enumerate(rows.tolist()):
            times = batch.x[: batch.lengths[i], i, 0]
            assert torch.equal(known.setdefault(row, times), times)
            assert len(times) == SPLITS.train.lengths[row] // 2
    assert len(known) == 42
    other = task.batch("validation", 0, 9, 1)
    assert not torch.equal(other.x, task.batch("validation", 0, 9, 0).x)
    assert torch.equal(other.lengths, task.batch("validation", 0, 9, 0).lengths)


def test_the_last_value_is_repeated_and_read_where_padding_is_not_masked():
    masked, read = (make(91, padding=padding).batch("test", 0, 9, 0) for padding in PADDINGS)
    assert torch.equal(masked.x, read.x) and read.lengths is None
    for i, count in enumerate(masked.lengths.tolist()):
        assert bool((read.x[count - 1 :, i] == read.x[count - 1, i]).all())


PADDINGS = ("masked", "last_value")


def test_times_are_scaled_in_the_split_that_the_option_names():
    plain = make(timestamps=True)
    scaled = make(timestamps=True, test_time_scale=0.5)
    both = make(timestamps=True, time_scale=2.0)
    factors = {"train": (1, 2), "validation": (1, 2), "test": (0.5, 2)}
    for split, (of_scaled, of_both) in factors.items():
        x = plain.batch(split, 0, 9, 0).x
        for task, factor in ((scaled, of_scaled), (both, of_both)):
            other = task.batch(split, 0, 9, 0).x
            assert torch.allclose(other[..., 0], factor * x[..., 0], rtol=1e-12)
            assert torch.equal(other[..., 1:], x[..., 1:])


def test_the_baseline_is_what_its_predictor_scores():
    task = make()
    batch = task.batch("train", 0, 42, seed=0)
    scores = task.scores(task.baseline_output(batch), batch)
    for metric, values in task.baselines().items():
        score = scores[metric]
        assert score.total / score.weight == pytest.approx(values["class frequencies"])


@pytest.mark.parametrize(
    ("T", "nearest"), [(181, "91 or 182"), (100, "91 or 182"), (50, "46 or 61"), (183, "182")]
)
def test_a_length_of_no_whole_stride_names_the_nearest(T, nearest):
    with pytest.raises(ValidationError, match=f"the nearest to {T} is {nearest} "):
        TrajectoriesOptions(T=T)


def test_every_stride_has_its_length():
    assert [T for T in maths.STRIDES if T > 40] == [46, 61, 91, 182]
    for T, stride in maths.STRIDES.items():
        assert len(range(0, 182, stride)) == T and len(range(0, 182, max(1, stride - 1))) >= T


INCLUDED = """\
\"\"\"Made-up trajectories in the place of the real ones.\"\"\"

import numpy as np

from urnn_bench.tasks._trajectories import split
from urnn_bench.tasks._trajectories_data import Series
from urnn_bench.tasks.trajectories import Trajectories


class Made(Trajectories):
    data = None

    def load(self):
        rng = np.random.default_rng(0)
        return split([Series(rng.normal(i % 2, 1, (60 + i, 3)), i % 2) for i in range(80)])
"""
BENCHMARK = """\
title: Made up
task: {name: made}
T: [23, 12]
evaluate: {T: [23, 12]}
models: {lstm: {hidden: 4}, gru: {hidden: 4}}
fit: {steps: 4, batch: 8, optimizer: {name: adam, lr: 1e-3}}
figures: [length_generalisation]
"""


@pytest.fixture
def made(bench):
    bench.write("made.py", INCLUDED)
    bench.write("benchmarks/made.yaml", BENCHMARK)
    return bench


OWN = ("run", "made", "--include", "made.py", "--threads", 1)


def test_weights_of_one_rate_are_scored_at_the_other(made):
    made(*OWN, "-q")
    records = [json.loads((folder / "run.json").read_text()) for folder in made.runs("made")]
    assert len(records) == 4
    for record in records:
        trained = record["run"]["task"]["options"]["T"]
        (other,) = record["evaluations"]
        assert {trained, int(other)} == {23, 12} and record["status"] == "done"
        assert 0 <= record["evaluations"][other]["test"]["accuracy"] <= 1
    made("plot", "made", "--include", "made.py")


def test_a_stack_of_seeds_with_missing_samples_trains_as_each_alone(made):
    options = ("--model", "lstm", "--T", 23, "--seeds", 2, "-q", "--kernel", "eager")
    options += ("--set", "task.missing=0.5", "--set", "task.timestamps=true")
    options += ("--set", "fit.dtype=float64")
    made(*OWN, *options, "--stacked")
    made(*OWN, *options, "--results", "alone")
    for folder in made.runs("made"):
        alone = json.loads((made.folder / "alone/made" / folder.name / "run.json").read_text())
        stacked = json.loads((folder / "run.json").read_text())
        assert stacked["sessions"][0]["together"] == 2
        assert stacked["fingerprint"] == alone["fingerprint"]
        assert stacked["test"] == pytest.approx(alone["test"], rel=1e-9)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("T=[100]", "the nearest to 100 is 91 or 182"),
        ("task.time_scale=0.5", "set timestamps=true"),
        ("task.missing=1.0", "task.missing=1.0: must be less than 1, not 1.0"),
        ("task.padding=zeros", "must be 'masked' or 'last_value'"),
    ],
)
def test_what_cannot_be_is_one_sentence(made, setting, says):
    said = made(*OWN, "--set", setting, code=2).err
    assert says in said and said.count("\n") == 1


def test_without_a_file_every_command_says_where_it_comes_from(bench):
    bench.write("benchmarks/pens.yaml", BENCHMARK.replace("made", "trajectories"))
    for command in (("run", "pens", "--T", 23), ("prepare", "trajectories"), ("prepare", "pens")):
        said = bench(*command, "--data-dir", bench.folder, code=2).err
        assert f"{NPZ} or {MAT} is not in {bench.folder}" in said
        assert "archive.ics.uci.edu" in said and "--data-dir" in said and said.count("\n") == 1


@pytest.mark.parametrize(("file", "kind"), [(NPZ, "SHA-256"), (MAT, "MD5")])
def test_a_file_of_another_version_is_refused(bench, file, kind):
    folder = bench.folder / "character_trajectories"
    folder.mkdir()
    (folder / file).write_bytes({NPZ: npz, MAT: mat}[file](drawn()))
    said = bench("prepare", "trajectories", "--data-dir", bench.folder, code=2).err
    assert f"{file}: is damaged or another file (its {kind} is not the known one)" in said


def test_prepare_of_everything_leaves_out_what_is_yours_to_bring(bench):
    offline = {"URNN_BENCH_OFFLINE": "1"}
    said = bench("prepare", "--data-dir", bench.folder, code=2, env=offline).err
    assert "mnist" in said and "character_trajectories" not in said


@pytest.fixture
def real(monkeypatch):
    """Let the real file be found, or skip."""
    monkeypatch.setenv(store.DATA, os.environ.get(store.DATA, str(SHARED)))
    try:
        store.check(Trajectories.data)
    except DataError as error:
        pytest.skip(f"the real file is not here: {error}")
    return Trajectories(TrajectoriesOptions(T=182)).load()


@pytest.mark.usefixtures("real")
def test_the_real_series_are_2858_of_60_to_182_samples():
    parts = Trajectories(TrajectoriesOptions(T=182)).load()
    assert [len(part.classes) for part in parts] == [2000, 429, 429]
    lengths = torch.cat([part.lengths for part in parts])
    assert (int(lengths.min()), int(lengths.max())) == (60, 182)
    classes = torch.bincount(torch.cat([part.classes for part in parts]))
    assert len(classes) == 20 and (int(classes.min()), int(classes.max())) == (119, 186)


def test_the_real_split_is_always_the_same(real):
    """A split that changed with a library would make other data of every record."""
    digest = hashlib.sha256()
    for part in real:
        digest.update(part.lengths.numpy().tobytes() + part.classes.numpy().tobytes())
    assert digest.hexdigest() == "8346c0e1edd439a2d0a44080f0f131d71e9a236dfeb99e98b626a0f96834b888"
