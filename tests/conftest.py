"""What several tests share: the real command line, and a benchmark that takes a second."""

import io
import os
import subprocess
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch

from urnn_bench.__main__ import main

torch.set_num_threads(1)

TINY = """\
title: A benchmark for tests
task: {name: copying, symbols: 3, recall: 2, validation_examples: 12, test_examples: 16}
T: [4]
seeds: [0]
hidden: 6
models:
  urnn: {fit: {clip: null}}
  lstm:
fit:
  steps: 6
  batch: 4
  clip: {value: 1.0}
  log_every: 2
  evaluate_every: 3
figures: [learning_curves, scores_by_length]
"""


@pytest.fixture
def bench(tmp_path):
    """Run urnn-bench in a folder of its own, whose benchmarks/ has one called "tiny"."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "tiny.yaml").write_text(TINY)
    return CommandLine(tmp_path)


class CommandLine:
    """The command line as users have it, in a folder of its own.

    Calling it runs the entry point in this process, which spares loading torch every time;
    ``process`` and ``start`` are for what only a process of its own can show.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def env(self, **extra):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("URNN_BENCH_")}
        return {**kept, "OMP_NUM_THREADS": "1", "COLUMNS": "80", **extra}

    def start(self, *arguments, env=None, **kwargs):
        command = [sys.executable, "-m", "urnn_bench", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **kwargs}
        return subprocess.Popen(command, cwd=self.folder, env=self.env(**(env or {})), **pipes)

    def process(self, *arguments, code=0, env=None):
        process = self.start(*arguments, env=env)
        return checked(process.communicate(timeout=120), process.returncode, code)

    def __call__(self, *arguments, code=0, env=None):
        out, err, found = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("default")
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["urnn-bench", *map(str, arguments)])
            for name in [name for name in os.environ if name.startswith("URNN_BENCH_")]:
                patch.delenv(name)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            try:
                with redirect_stdout(out), redirect_stderr(err):
                    main()
            except SystemExit as stop:
                found = stop.code or 0
        return checked((out.getvalue(), err.getvalue()), found, code)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def runs(self, benchmark="tiny"):
        return sorted(p.parent for p in (self.folder / "results" / benchmark).glob("*/run.json"))


class Output:
    """What a command wrote."""

    def __init__(self, out, err):
        self.out, self.err = out, err


def checked(streams, found, expected):
    out, err = streams
    assert found == expected, f"exit {found}\n{out}\n{err}"
    return Output(out, err)
