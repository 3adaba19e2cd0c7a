"""What tests share: the command line in a temporary folder, and a benchmark of a second."""

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
from urnn_bench.probes.base import Probe
from urnn_bench.records.jsonable import jsonable
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.spec.run import Run

# a plugin, as a second conftest.py would hide this one from "from conftest import ..."
pytest_plugins = ["contracts.selection", "attack.sizes", "cluster.slurm"]

torch.set_num_threads(1)
# some tests import figures without the command line, which sets it
os.environ["MPLBACKEND"] = "agg"
if not torch.cuda.is_available():
    # run Triton kernels on the CPU by its interpreter; Triton reads this when it is imported
    os.environ["TRITON_INTERPRET"] = "1"

# the benchmark of the records that `bench.record` makes up
MADE = """\
title: Made up
task: {name: copying}
T: 100
models: {urnn: {hidden: 8}, lstm: {hidden: 8}}
fit: {steps: 1000, solved: {metric: cross_entropy_nat, below: 0.01}}
"""

PROBES = Components().probes
# those of any task, so that a figure of a new probe has what it draws
_OF_ANY_TASK = [name for name in PROBES.names() if PROBES.get(name, Probe).task_type is object]
EVERY_PROBE = f"probes.read=[{', '.join(_OF_ANY_TASK)}]"

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


def pytest_addoption(parser):
    """Add --include FILE, which runs the contracts on a component of your own."""
    parser.addoption(
        "--include",
        action="append",
        default=[],
        type=Path,
        metavar="FILE.py",
        help="run the contracts on the components of this file alone; repeat",
    )


@pytest.fixture
def bench(tmp_path):
    """Run urnn-bench in a temporary folder that has the benchmark "tiny"."""
    return CommandLine(tmp_path, tiny=TINY)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The command line in a folder with records and probes of "tiny": three seeds, two lengths.

    They are tested at a third length too.
    """
    command = CommandLine(tmp_path_factory.mktemp("trained"), tiny=TINY)
    command(
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
        EVERY_PROBE,
        "--set",
        "fit.solved={metric: cross_entropy_nat, below: 10}",
        "--set",
        "evaluate.T=[4, 6, 9]",
        "-q",
    )
    return command


class CommandLine:
    """The command line, run in a folder that holds the given benchmarks.

    A call runs the entry point in this process, which saves importing torch again. ``process`` runs
    it in a new process and waits for it; ``start`` does not wait.
    """

    MADE = MADE

    def __init__(self, folder: Path, **benchmarks: str):
        self.folder = folder
        for name, text in benchmarks.items():
            self.write(f"benchmarks/{name}.yaml", text)

    def env(self, **extra):
        """Return the environment of a new process, without this package's variables."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("URNN_BENCH_")}
        return {**inherited, "OMP_NUM_THREADS": "1", "COLUMNS": "80", **extra}

    def start(self, *arguments, env=None, **kwargs):
        """Start the command in a new process and return the process."""
        command = [sys.executable, "-m", "urnn_bench", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **kwargs}
        return subprocess.Popen(command, cwd=self.folder, env=self.env(**(env or {})), **pipes)

    def process(self, *arguments, code=0, env=None):
        """Run the command in a new process; return what it wrote."""
        process = self.start(*arguments, env=env)
        return checked(process.communicate(timeout=120), process.returncode, code)

    def __call__(self, *arguments, code=0, env=None):
        """Run the command in this process; return what it wrote."""
        out, err, exit_code = io.StringIO(), io.StringIO(), 0
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
                exit_code = stop.code or 0
            finally:
                # some options set a variable for the processes that the command starts
                for name in [name for name in os.environ if name.startswith("URNN_BENCH_")]:
                    os.environ.pop(name)
        return checked((out.getvalue(), err.getvalue()), exit_code, code)

    def write(self, name, text):
        """Write a file below the folder and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def record(self, label, T=100, seed=0, test=0.01, solved_step=None, results="results", **more):
        """Write a made-up record, for tests of what only reads records."""
        task = {"name": "copying", "options": {"T": T, "recall": more.pop("recall", 10)}}
        point = f" @ {more.pop('point')}" if "point" in more else ""
        run = Run.model_validate(
            {
                "benchmark": more.pop("benchmark", "made"),
                "label": f"{label}{point}",
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
                # a score that is not finite is stored as null
                "test": jsonable({"cross_entropy_nat": test} if isinstance(test, float) else test),
                "sessions": (session,),
                **more,
            }
        )
        folder = self.folder / results / run.benchmark / run.slug
        folder.mkdir(parents=True, exist_ok=True)
        record.write(folder)
        header = "step,examples,train_s,split,metric,value\n"
        score = next(iter(test.values()), 0.0) if isinstance(test, dict) else test
        (folder / "metrics.csv").write_text(f"{header}1000,20000,10.0,validation,loss,{score}\n")
        return folder

    def runs(self, benchmark="tiny"):
        """Return the folders of a benchmark's recorded runs."""
        return sorted(p.parent for p in (self.folder / "results" / benchmark).glob("*/run.json"))


def same(a, b):
    """Return whether numbers are equal to the bit; to rounding on processors without AVX-512.

    There the compiler joins a product and a sum in another way for another number of rows.
    """
    if torch.backends.cpu.get_cpu_capability() == "AVX512":
        return torch.equal(a, b)
    return torch.allclose(a, b, rtol=1e-13, atol=1e-14)


def with_setting(words, setting):
    """Return a command with a setting in the place of its own for the same key."""
    key = setting.partition("=")[0]
    own = next((i for i, word in enumerate(words) if word.startswith(f"{key}=")), None)
    kept = words if own is None else (*words[: own - 1], *words[own + 1 :])
    return (*kept, "--set", setting)


class Output:
    """What a command wrote."""

    def __init__(self, out, err):
        self.out, self.err = out, err


def checked(streams, exit_code, expected):
    """Return what a command wrote, if it ended with the expected exit code."""
    out, err = streams
    assert exit_code == expected, f"exit {exit_code}\n{out}\n{err}"
    return Output(out, err)
