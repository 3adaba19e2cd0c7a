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
from urnn_bench.records.record import Record
from urnn_bench.spec.run import Run

torch.set_num_threads(1)
if not torch.cuda.is_available():
    # Triton's interpreter runs on a CPU what would be compiled; it is asked for at first import
    os.environ["TRITON_INTERPRET"] = "1"

# what the records of runs that never were belong to
MADE = """\
title: Made up
task: {name: copying}
T: 100
models: {urnn: {hidden: 8}, lstm: {hidden: 8}}
fit: {steps: 1000, solved: {metric: cross_entropy_nat, below: 0.01}}
"""

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


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder where both models of "tiny" were trained and looked into, at two lengths."""
    line = CommandLine(tmp_path_factory.mktemp("trained"))
    line.write("benchmarks/tiny.yaml", TINY)
    line(
        "run",
        "tiny",
        "--T",
        4,
        "--T",
        6,
        "--seeds",
        3,
        "--probe",
        "--set",
        "probes.at=[0]",
        "--set",
        "probes.every=3",
        "--set",
        "fit.solved={metric: cross_entropy_nat, below: 10}",
        "-q",
    )
    return line


class CommandLine:
    """The command line as users have it, in a folder of its own.

    Calling it runs the entry point in this process, which spares loading torch every time;
    ``process`` and ``start`` are for what only a process of its own can show.
    """

    MADE = MADE

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
            finally:
                # an option may set one for the processes the command starts
                for name in [name for name in os.environ if name.startswith("URNN_BENCH_")]:
                    os.environ.pop(name)
        return checked((out.getvalue(), err.getvalue()), found, code)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def record(self, label, T=100, seed=0, test=0.01, solved_step=None, results="results", **more):
        """Write the record of a run that never was, for what only reads records."""
        task = {"name": "copying", "options": {"T": T, "recall": more.pop("recall", 10)}}
        run = Run.model_validate(
            {
                "benchmark": more.pop("benchmark", "made"),
                "label": label,
                "task": task,
                "cell": {"name": label},
                "hidden": 8,
                "seed": seed,
                "probes": more.pop("probes", None),
                "settings": more.pop("settings", ()),
                "fit": {
                    "steps": more.get("steps_done", 1000),
                    "solved": {"metric": "cross_entropy_nat", "below": 0.01},
                    **more.pop("fit", {}),
                },
            }
        )
        session = dict.fromkeys(("started", "host"), "")
        session |= {
            "pid": 1,
            "argv": (),
            "threads": 1,
            "torch_threads": 1,
            "versions": {},
            "deterministic": True,
            "commit": None,
            "dirty": None,
        }
        record = Record.model_validate(
            {
                "identity": run.identity,
                "protocol": run.protocol,
                "status": "done",
                "reason": "",
                "run": run,
                "fingerprint": {"train": f"{task}", "test": f"{task}"},
                "asked": "1",
                "criterion": "cross_entropy_nat",
                "steps_done": 1000,
                "train_s": 10.0,
                "baselines": {"cross_entropy_nat": {"memoryless": 0.17}},
                "solved_step": solved_step,
                "test": {"cross_entropy_nat": test} if isinstance(test, float) else test,
                "sessions": (session,),
                **more,
            }
        )
        folder = self.folder / results / run.benchmark / run.slug
        folder.mkdir(parents=True, exist_ok=True)
        record.write(folder)
        header = "step,examples,train_s,split,metric,value\n"
        (folder / "metrics.csv").write_text(f"{header}1000,20000,10.0,validation,loss,{test}\n")
        return folder

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
