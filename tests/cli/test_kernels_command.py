"""``urnn-bench kernels`` as it is typed: sizes, a benchmark's sizes, a file, and wrong input."""

import csv
import json

import pytest
import torch

TINY = (
    "kernels",
    "--model",
    "rnn",
    "--steps",
    "6",
    "--batch",
    "2",
    "--hidden",
    "4",
    "--rounds",
    "1",
)


def test_times_every_kernel_and_writes_what_it_found(bench):
    bench(*TINY, "--csv", "found/cpu.csv")
    with (bench.folder / "found" / "cpu.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"eager", "bptt", "nn.LSTM"} <= {row["kernel"] for row in rows}
    for row in rows:
        assert (row["device"], row["steps"], row["torch"]) == ("cpu", "6", torch.__version__)
        assert row["device_name"] and float(row["recurrence_ms"]) > 0
    (eager,) = (row for row in rows if row["kernel"] == "eager")
    assert float(eager["us_per_step"]) == pytest.approx(1e3 * float(eager["update_ms"]) / 6)


def test_kernels_by_name_are_the_only_ones(bench):
    rows = json.loads(bench(*TINY, "--kernel", "bptt", "--json").out)
    assert [(r["model"], r["kernel"]) for r in rows] == [
        ("rnn", "bptt"),
        ("torch", "nn.LSTM"),
        ("torch", "nn.RNN"),
    ]
    assert rows[0]["error"] < 1e-9 and rows[0]["ratio"] is None
    rows = json.loads(bench(*TINY, "--kernel", "bptt", "--seeds", "2", "--json").out)
    assert [r["kernel"] for r in rows] == ["bptt"]


def test_takes_models_and_sizes_from_a_benchmark(bench):
    rows = json.loads(bench("kernels", "tiny", "--rounds", "1", "--json").out)
    found = {(r["model"], r["steps"], r["batch"], r["hidden"]) for r in rows}
    assert found == {("urnn", 8, 4, 6), ("lstm", 8, 4, 6), ("torch", 8, 4, 6)}


def test_inputs_are_the_pixels_of_an_image(bench):
    sizes = ("--steps", "3", "--batch", "2", "--hidden", "2", "--rounds", "1", "--json")
    rows = json.loads(bench("kernels", "--model", "convrnn", "--inputs", "64", *sizes).out)
    assert {row["inputs"] for row in rows} == {64}
    assert {row["kernel"] for row in rows} >= {"eager", "nn.LSTM"}
    assert all(row["error"] < 1e-9 for row in rows if row["model"] == "convrnn")
    done = bench("kernels", "--model", "convrnn", "--inputs", "63", *sizes, code=2)
    assert "63 inputs are no square" in done.err
    (forward, *_) = json.loads(
        bench("kernels", "--forward", "--model", "convrnn", "--inputs", "64", *sizes).out
    )
    assert forward["model"] == "convrnn"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tiny", "--inputs", "5"), "a benchmark sets the sizes: leave out --steps"),
        (("tiny", "--steps", "5"), "a benchmark sets the sizes: leave out --steps"),
        (("tiny", "--model", "gru"), "the benchmark does not train gru"),
        (("tinny",), "did you mean 'tiny'"),
        (("--model", "lstn"), "did you mean 'lstm'"),
        (("--model", "rnn", "--kernel", "bppt"), "no kernel is called 'bppt'; did you mean 'bptt'"),
        (("--kernel", "c", "--profile"), "--profile measures the kernel that a run has"),
        (("tiny", "--profile", "--csv", "a.csv"), "--profile measures updates on a CPU"),
        (("--seeds", "2", "--csv", "a.csv"), "--seeds prints its own table"),
        (("--seeds", "2", "--profile"), "--seeds prints its own table"),
        (("--model", "gru", "--csv", "."), "--csv .: is not a regular file"),
        (("--model", "gru", "--batch", 10**12), "GB are free; lower --batch"),
        (("--model", "gru", "--steps", 10**12), "GB are free; lower --steps"),
    ],
)
def test_wrong_input_is_one_sentence(bench, arguments, said):
    done = bench("kernels", *arguments, code=2)
    assert said in done.err and len(done.err.splitlines()) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_a_gpu_that_is_not_here_is_one_sentence(bench):
    done = bench(*TINY, "--device", "cuda", code=2)
    assert "this device is not available" in done.err


def test_former_name_of_steps_gives_the_same_shapes(bench):
    arguments = ("--model", "rnn", "--batch", "2", "--hidden", "4", "--rounds", "1", "--json")
    rows = json.loads(bench("kernels", "--T", "6", *arguments).out)
    assert {row["steps"] for row in rows} == {6}


STACKING = (*TINY[:-2], "--seeds", "2", "--rounds")


def test_seeds_compares_sequential_with_stacked_updates(bench):
    rows = json.loads(bench(*STACKING, "3", "--json").out)
    assert {"eager", "bptt"} <= {row["kernel"] for row in rows}
    for row in rows:
        assert set(row) == {
            "model",
            "kernel",
            "device",
            "steps",
            "batch",
            "hidden",
            "seeds",
            "sequential_ms",
            "stacked_ms",
            "ratio",
            "ratio_low",
            "ratio_high",
            "reason",
        }
        shape = (row["model"], row["device"], row["steps"], row["batch"], row["hidden"])
        assert shape == ("rnn", "cpu", 6, 2, 4) and row["seeds"] == 2
        assert 0 < row["ratio_low"] <= row["ratio"] <= row["ratio_high"]


def test_the_ratio_of_stacking_is_sequential_over_stacked(bench):
    """In one round the medians and the ratio are of the same two times."""
    for row in json.loads(bench(*STACKING, "1", "--json").out):
        ratio = row["sequential_ms"] / row["stacked_ms"]
        assert row["ratio"] == pytest.approx(ratio)
        assert row["ratio_low"] == row["ratio"] == row["ratio_high"]


def test_the_table_of_stacking_has_the_columns_of_its_json(bench):
    done = bench(*STACKING, "1")
    header, *lines = (line.split("\t") for line in done.out.splitlines())
    assert header == [
        "model",
        "kernel",
        "T",
        "B",
        "H",
        "seeds",
        "sequential ms",
        "stacked ms",
        "x",
        "range",
    ]
    for line in lines:
        row = dict(zip(header, line, strict=True))
        assert line[0] == "rnn" and line[2:6] == ["6", "2", "4", "2"]
        ratio = float(row["sequential ms"]) / float(row["stacked ms"])
        assert float(row["x"]) == pytest.approx(ratio, rel=0.02)
        assert row["range"] == f"{row['x']}-{row['x']}"
    assert "speed-up of the stack" in done.err
