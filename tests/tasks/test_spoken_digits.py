"""Spoken digits: mel bands, what the two splits hold out, and other files."""

import io
import json
import os
import wave
from math import log10
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.tasks import _fsdd_data
from urnn_bench.tasks._mel import mel_filters
from urnn_bench.tasks.spoken_digits import SpokenDigits, SpokenDigitsOptions

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def recorded(seed, samples=900, rate=8000):
    file = io.BytesIO()
    noise = np.random.default_rng(seed).integers(-9000, 9000, samples, dtype="<i2")
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, rate, samples, "NONE", "not compressed"))
        out.writeframes(noise.tobytes())
    return file.getvalue()


def filters_slowly(bands, bins, rate_hz):
    """The triangles of the mel scale, bin by bin."""

    def mel(hz):
        return 2595 * log10(1 + hz / 700)

    edges = [mel(rate_hz / 2) * i / (bands + 1) for i in range(bands + 2)]
    weights = np.zeros((bands, bins))
    for k in range(bands):
        low, centre, high = edges[k : k + 3]
        for f in range(bins):
            at = mel(f * rate_hz / 2 / (bins - 1))
            if low < at <= centre:
                weights[k, f] = (at - low) / (centre - low)
            elif centre < at < high:
                weights[k, f] = (high - at) / (high - centre)
    return weights


@pytest.mark.parametrize("bands", [1, 3, 20, 64])
def test_bands_are_those_of_the_definition(bands):
    weights = mel_filters(bands, 129, 8000).numpy()
    assert np.allclose(weights, filters_slowly(bands, 129, 8000), atol=1e-12)


@pytest.mark.parametrize("bands", [1, 20, 64])
def test_every_band_has_a_bin_and_neighbours_add_up_to_one(bands):
    weights = mel_filters(bands, 129, 8000)
    assert bool((weights.amax(1) > 0).all()) and float(weights.max()) <= 1
    # between the centres of the first and the last band
    inside = slice(int(weights[0].argmax()) + 1, int(weights[-1].argmax()))
    assert torch.allclose(weights[:, inside].sum(0), torch.ones(1).double())


SPEAKERS = ("anna", "theo", "yweweler")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a data folder with three speakers, two digits and twelve recordings of each."""
    monkeypatch.setenv(store.DATA, str(tmp_path))
    (tmp_path / "fsdd").mkdir()
    names = [f"{d}_{s}_{i}" for d in (3, 8) for s in SPEAKERS for i in range(12)]
    for seed, name in enumerate(names):
        (tmp_path / "fsdd" / f"{name}.wav").write_bytes(recorded(seed, 700 + 100 * (seed % 7)))
    return tmp_path


def made(**options):
    return SpokenDigits(SpokenDigitsOptions(T=8, **options))


@pytest.mark.usefixtures("folder")
def test_recordings_are_split_by_index_and_speakers_by_name():
    by_index, by_speaker = made().load(), made(split="speakers").load()
    assert [len(part.classes) for part in by_index] == [12, 30, 30]
    assert [len(part.classes) for part in by_speaker] == [24, 24, 24]
    for part in (*by_index, *by_speaker):
        assert part.classes.bincount().tolist()[3::5] == [len(part.classes) // 2] * 2
    assert made().identity() != made(split="speakers").identity()
    assert made().identity() == made().identity() != made(bands=5).identity()


@pytest.mark.usefixtures("folder")
def test_a_frame_is_the_standardised_power_of_its_bands():
    task = made(bands=5, split="speakers")
    train = task.load().train
    spectra = []
    for name in [f"{d}_anna_{i}.wav" for d in (3, 8) for i in range(12)]:
        content = (store.folders()[0] / "fsdd" / name).read_bytes()
        samples = np.frombuffer(content[44:], "<i2") / 2**15
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
        starts = range(0, len(samples) - 255, 128)
        power = [np.abs(np.fft.rfft(hann * samples[i : i + 256])) ** 2 for i in starts]
        bands = filters_slowly(5, 129, 8000) @ np.array(power).T
        spectra.append((name, 10 * np.log10(1e-5 + bands.T)))
    spectra.sort()
    every = np.concatenate([values for _, values in spectra])
    for row, length, (_, values) in zip(train.x, train.lengths.tolist(), spectra, strict=True):
        assert length == len(values)
        expected = (values - every.mean(0)) / every.std(0)
        assert np.allclose(row[:length].numpy(), expected, atol=1e-9)
        assert not row[length:].any()


@pytest.mark.parametrize("bands", [0, 65])
def test_bands_are_one_to_64(bands):
    with pytest.raises(ValidationError, match="bands"):
        SpokenDigitsOptions(T=8, bands=bands)


BENCHMARK = """\
title: Digits
task: {name: spoken_digits, bands: 6, split: SPLIT}
T: [8, 5]
models: {rnn: {hidden: 4}}
fit: {steps: 2, batch: 4}
"""


@pytest.mark.parametrize("split", ["recordings", "speakers"])
def test_a_run_has_the_hash_of_its_recordings(bench, folder, split):
    bench.write("benchmarks/spoken.yaml", BENCHMARK.replace("SPLIT", split))
    bench("run", "spoken", "--data-dir", folder, "-q")
    for run in bench.runs("spoken"):
        record = json.loads((run / "run.json").read_text())
        assert record["status"] == "done" and len(record["fingerprint"]["recordings"]) == 64


@pytest.mark.parametrize(
    ("name", "split", "says"),
    [
        ("12_anna_3.wav", "recordings", "12_anna_3.wav: says the digit 12"),
        ("one_anna_3.wav", "recordings", "one_anna_3.wav: is not called digit_speaker_index.wav"),
        ("1_anna.wav", "speakers", "1_anna.wav: is not called digit_speaker_index.wav"),
    ],
)
def test_a_recording_of_another_name_is_one_sentence(bench, folder, name, split, says):
    (folder / "fsdd" / name).write_bytes(recorded(0))
    bench.write("benchmarks/spoken.yaml", BENCHMARK.replace("SPLIT", split))
    said = bench("run", "spoken", "--data-dir", folder, code=2).err
    assert says in said and said.count("\n") == 1


def test_a_speaker_who_is_not_there_is_one_sentence(bench, folder):
    for path in (folder / "fsdd").glob("*_theo_*"):
        path.unlink()
    bench.write("benchmarks/spoken.yaml", BENCHMARK.replace("SPLIT", "speakers"))
    said = bench("run", "spoken", "--data-dir", folder, code=2).err
    assert "split=speakers: no series is left for the validation split" in said
    assert said.count("\n") == 1


def test_the_real_recordings_are_3000_and_few_are_longer_than_64_frames(monkeypatch):
    monkeypatch.setenv(store.DATA, os.environ.get(store.DATA, str(SHARED)))
    try:
        _fsdd_data.wave_contents(store.folders())
    except DataError as error:
        pytest.skip(f"the real recordings are not here: {error}")
    expected = {"recordings": [2400, 300, 300], "speakers": [2000, 500, 500]}
    for split, counts in expected.items():
        parts = made(split=split).load()
        assert [len(part.classes) for part in parts] == counts
        assert sum(int((part.lengths > 64).sum()) for part in parts) == 14
        for part in parts:
            assert part.classes.bincount().tolist() == [len(part.classes) // 10] * 10
