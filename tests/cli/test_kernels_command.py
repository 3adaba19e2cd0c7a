"""``urnn-bench kernels`` as it is typed: sizes, a benchmark's sizes, a file, and wrong input."""

import csv
import json

import pytest
import torch

TINY = ("kernels", "--model", "rnn", "--T", "6", "--batch", "2", "--hidden", "4", "--rounds", "1")


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


def test_takes_models_and_sizes_from_a_benchmark(bench):
    rows = json.loads(bench("kernels", "tiny", "--rounds", "1", "--json").out)
    found = {(r["model"], r["steps"], r["batch"], r["hidden"]) for r in rows}
    assert found == {("urnn", 8, 4, 6), ("lstm", 8, 4, 6), ("torch", 8, 4, 6)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tiny", "--T", "5"), "a benchmark says its sizes"),
        (("tiny", "--model", "gru"), "the benchmark does not train gru"),
        (("tinny",), "did you mean 'tiny'"),
        (("--model", "lstn"), "did you mean 'lstm'"),
        (("tiny", "--profile", "--csv", "a.csv"), "--profile shows updates on a CPU"),
    ],
)
def test_wrong_input_is_one_sentence(bench, arguments, said):
    done = bench("kernels", *arguments, code=2)
    assert said in done.err and len(done.err.splitlines()) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_a_gpu_that_is_not_here_is_one_sentence(bench):
    done = bench(*TINY, "--device", "cuda", code=2)
    assert "no such device is here" in done.err
