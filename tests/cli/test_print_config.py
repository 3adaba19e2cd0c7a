"""``run --print-config``: YAML that trains the runs of the command which wrote it."""

import json

import pytest

GRID = "grid={optimizer.lr: [0.1, 0.01]}"


def identities(bench, *arguments):
    rows = json.loads(bench("run", *arguments, "--dry-run", "--json").out)
    return [row["run"] for row in rows]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--set", "fit.optimizer=adam", "--updates", 5, "--batch", 3, "--set", "hidden=4"),
        ("--model", "rnn,lstm", "--T", "3,5", "--seed", "2-4"),
        ("--set", "T={3: {steps: 2}, 5: {}}", "--T", "3"),
        ("--probe", "--set", "probes.every=2", "--set", "models.lstm.hidden=3"),
        ("--set", GRID, "--set", "models.urnn.fit.clip={value: 1e-3}"),
        ("--set", "stages=[{name: first, task: {T: 3}}, {name: last, fit: {steps: 2}}]"),
    ],
)
def test_its_runs_have_the_same_identities(bench, arguments):
    text = bench("run", "tiny", *arguments, "--print-config").out
    path = bench.write("mine.yaml", text)
    assert identities(bench, path) == identities(bench, "tiny", *arguments)
    assert bench("run", path, "--print-config").out == text


def test_what_one_file_cannot_say_is_refused(bench):
    point = ("run", "tiny", "--set", GRID, "--model", "lstm @ lr=0.1")
    assert "--set grid.KEY=[VALUE]" in bench(*point, "--print-config", code=2).err
    assert "give one" in bench("run", "tiny", "copy", "--print-config", code=2).err
