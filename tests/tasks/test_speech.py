"""Speech frames: the spectrogram, what is asked, what is masked, and other files."""

import io
import json
import wave
from zipfile import ZipFile

import numpy as np
import pytest
import torch

from urnn_bench.data.wav import parse
from urnn_bench.errors import DataError
from urnn_bench.tasks._speech import Recordings, SpeechOptions, SpeechTask, frames


def recorded(samples, rate=8000, channels=1, width=2):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setframerate(rate)
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.writeframes(np.asarray(samples, dtype="<i2").tobytes())
    return file.getvalue()


def noise(count, seed=0):
    return np.random.default_rng(seed).integers(-20000, 20000, count)


class Noise(SpeechTask):
    Options = SpeechOptions

    def load(self):
        parts = [frames(torch.from_numpy(noise(n, n) / 2**15)) for n in (1000, 700, 2000, 384)]
        return Recordings(tuple(parts), tuple(parts[:2]), tuple(parts[2:]))


def test_frames_are_the_log_power_of_windowed_spectra():
    samples = noise(1000) / 2**15
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    expected = [
        10 * np.log10(1e-5 + np.abs(np.fft.rfft(hann * samples[i : i + 256])) ** 2)
        for i in range(0, 1000 - 255, 128)
    ]
    assert np.allclose(frames(torch.from_numpy(samples)).numpy(), expected, rtol=1e-10)


def test_the_answer_is_the_next_frame_and_the_rest_is_masked():
    task = Noise(SpeechOptions(T=6))
    batch, (whole, short) = task.batch("validation", 0, 2, seed=0), task.load().validation
    assert torch.equal(batch.x[:5, 0], whole[:5]) and torch.equal(batch.y[:5, 0, :-1], whole[1:6])
    assert batch.y[..., -1].sum(0).tolist() == [5, 3] and len(whole) == 6 and len(short) == 4
    assert not batch.x[5:].any()


def test_what_is_masked_costs_nothing():
    task = Noise(SpeechOptions(T=20))
    batch = task.batch("validation", 0, 2, seed=0)
    output = torch.randn(20, 2, 129, generator=torch.Generator().manual_seed(0)).double()
    changed = torch.where(batch.y[..., -1:] == 1, output, 1e6)
    assert torch.equal(task.loss(output, batch), task.loss(changed, batch))
    perfect = batch.y[..., :-1]
    assert float(task.loss(perfect, batch)) == 0
    assert float(task.loss(perfect + 2, batch)) == pytest.approx(4)


def test_the_baseline_is_what_the_mean_frame_scores():
    task = Noise(SpeechOptions(T=8))
    batch = task.batch("train", 0, 4, seed=0)
    score = task.scores(task.baseline_output(batch), batch)["mse_db2"]
    assert score.total / score.weight == pytest.approx(task.baselines()["mse_db2"]["mean frame"])


def test_samples_are_read_as_they_were_written():
    samples = noise(50)
    assert np.array_equal(parse(recorded(samples), "x", 8000) * 2**15, samples)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            recorded(noise(50), rate=16000),
            "has 16000 Hz, 1 channel.s., 16 bits; convert it to 8000",
        ),
        (recorded(noise(50), channels=2), "2 channel.s."),
        (recorded(noise(50), width=1), "8 bits"),
        (b"NIST_1A", "is no RIFF wave file"),
        (b"", "is no RIFF wave file"),
        (recorded(noise(50))[:100], "is cut short or empty: 28 of 50 samples are there"),
        (recorded(noise(50))[:44], "is cut short or empty: 0 of 50"),
        (recorded(noise(0)), "is cut short or empty: 0 of 0"),
        (b"RIFF\x99\x99\x99\x09WAVEfmt \x99\x99\x99\x09" + bytes(16), "is no RIFF wave file"),
    ],
)
def test_other_files_are_one_sentence(content, says):
    with pytest.raises(DataError, match=f"^a.wav: .*{says}"):
        parse(content, "a.wav", 8000)


BENCHMARK = """\
title: Speech
task: {name: NAME}
T: 12
models: {rnn: {hidden: 4}}
fit: {steps: 2, batch: 2}
"""


@pytest.fixture
def speech(bench):
    def write(name):
        bench.write(f"benchmarks/{name}.yaml", BENCHMARK.replace("NAME", name))
        return bench.folder / "data" / name

    return write


def test_a_zip_of_spoken_digits_is_split_by_its_names(bench, speech):
    folder = speech("fsdd")
    said = bench("run", "fsdd", "--data-dir", "data", code=2).err
    assert "no recordings in" in said and "--data-dir" in said
    folder.mkdir(parents=True)
    with ZipFile(folder / "all.zip", "w") as archive:
        for index in range(14):
            archive.writestr(f"recordings/3_theo_{index}.wav", recorded(noise(900, index)))
    bench("run", "fsdd", "--data-dir", "data", "-q")
    record = json.loads((bench.runs("fsdd")[0] / "run.json").read_text())
    assert "recordings" in record["fingerprint"] and record["test"]["mse_db2"] > 0


def test_timit_is_read_from_three_folders(bench, speech):
    folder = speech("timit")
    for split in ("train", "validation", "test"):
        (folder / split / "dr1").mkdir(parents=True)
        for i in range(3):
            (folder / split / "dr1" / f"{i}.wav").write_bytes(recorded(noise(700, i)))
    bench("run", "timit", "--data-dir", "data", "-q")
    (folder / "test" / "dr1" / "2.wav").write_bytes(recorded(noise(700), rate=16000))
    said = bench.process("run", "timit", "--data-dir", "data", "--force", code=2).err
    assert "2.wav: has 16000 Hz" in said and said.count("\n") == 1
