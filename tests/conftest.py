"""What several tests share: the real command line, and a benchmark that takes a second."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

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
    """The command line as users have it, in a process and a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    def env(self, **extra):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("URNN_BENCH_")}
        return {**kept, "OMP_NUM_THREADS": "1", "COLUMNS": "80", **extra}

    def start(self, *arguments, env=None, **kwargs):
        command = [sys.executable, "-m", "urnn_bench", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **kwargs}
        return subprocess.Popen(command, cwd=self.folder, env=self.env(**(env or {})), **pipes)

    def __call__(self, *arguments, code=0, env=None):
        process = self.start(*arguments, env=env)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        return Output(out, err)

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
