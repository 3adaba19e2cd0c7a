"""Sizes that no machine has: one sentence before anything is drawn, and the other runs go on."""

import json

import psutil
import pytest

from urnn_bench.run import build, limits

# below 2**63, beyond which options are refused
HUGE = 10**18
TOO_LARGE = {
    "batch": (("--batch", 10**9), "lower --batch"),
    "T": (("--T", 10**9), "lower --T"),
    "symbols": (("--set", f"task.symbols={HUGE}"), "lower the task's inputs or the task's outputs"),
    "hidden": (("--set", f"hidden={10**12}"), "lower hidden"),
    "weights": (("--set", f"hidden={10**6}", "--model", "lstm"), "lower hidden"),
    "evaluation": (
        (
            "--set",
            f"fit.evaluate_batch={10**12}",
            "--set",
            f"task.validation_examples={10**12}",
        ),
        "lower fit.evaluate_batch",
    ),
    "probes": (
        ("--probe", "--set", f"probes.batch={10**9}", "--set", f"task.validation_examples={10**9}"),
        "lower probes.batch",
    ),
    "probed length": (("--probe", "--set", f"probes.T={10**9}"), "lower probes.T"),
}
ENDLESS = [f"task.{split}_examples={HUGE}" for split in ("validation", "test")]


@pytest.mark.parametrize(("options", "mend"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_run_too_large_for_the_memory_is_oom_before_anything_is_drawn(bench, options, mend):
    said = bench("run", "tiny", *options, code=3)
    assert "Traceback" not in said.err and said.err.count(mend) == said.err.count(" oom (")
    assert "GB are free" in said.err
    for folder in bench.runs():
        assert not (folder / "error.txt").exists()
        assert json.loads((folder / "run.json").read_text())["status"] == "oom"
    said = bench("run", "tiny", *options, "--dry-run", code=2)
    assert said.err.splitlines()[-1].startswith("urnn-bench: error: ") and mend in said.err


@pytest.mark.parametrize("setting", ENDLESS)
def test_a_split_that_could_never_be_scored_fails_its_run(bench, setting):
    said = bench("run", "tiny", "--model", "urnn", "--set", setting, code=3).err
    assert "would never end; make the split smaller" in said and "1 failed" in said
    said = bench("run", "tiny", "--model", "urnn", "--set", setting, "--dry-run", code=2).err
    assert "would never end" in said and "Traceback" not in said


def test_the_other_runs_go_on(bench):
    huge = ("--set", f"models.lstm.hidden={10**12}")
    said = bench("run", "tiny", *huge, "--seeds", 2, "--stacked", code=3).err
    assert "2 done" in said and "2 oom" in said
    said = bench("run", "tiny", *huge, "--results", "other", "--dry-run", code=2)
    rows = [line.split("\t") for line in said.out.splitlines()[1:]]
    assert [row[1] for row in rows] == ["urnn", "lstm"]
    assert float(rows[0][7]) >= 0 and rows[1][7] == "–"
    assert "lstm T=4 seed 0: a batch" in said.err.splitlines()[-1]


def test_a_smaller_batch_is_proposed_where_it_is_enough(bench, monkeypatch):
    """A million steps of 16 sequences do not fit, and of one they do."""
    long = ("--T", 10**6, "--model", "urnn", "--batch", 1, "--dry-run")
    monkeypatch.setattr(limits, "_free", lambda _: 10**8)
    said = bench("run", "tiny", *long, code=2).err
    assert "sequences at T = 1,000,000" in said and "; lower --T or fit.evaluate_batch\n" in said
    monkeypatch.setattr(limits, "_free", lambda _: 10**7)
    assert bench("run", "tiny", *long, code=2).err.endswith("; lower --T\n")


def test_sizes_that_only_bound_what_is_there_are_not_refused(bench):
    bench(
        "run",
        "tiny",
        "--model",
        "urnn",
        "--probe",
        *("--set", f"fit.evaluate_batch={10**12}", "--set", f"probes.batch={10**12}"),
    )


def test_what_is_refused_is_a_lower_bound(bench, monkeypatch):
    """The memory that an update of a run keeps, counted by torch, is not below the bound."""
    from urnn_bench.registry import Components
    from urnn_bench.run.matrix import matrix
    from urnn_bench.run.stacks import activation_mb
    from urnn_bench.spec.sweep import Selection

    monkeypatch.chdir(bench.folder)
    components = Components()
    for run in matrix(components, ["tiny"], Selection(lengths=(4, 50))).runs:
        need = next(limits._batches(build.task_of(components, run), run))
        model, x = build.reference_model(components, run, "cpu")
        drawn_and_output = x.nbytes + model(x)[0].nbytes
        held = activation_mb(components, run) * 2**20 + drawn_and_output
        assert 0 < need.needed <= held


def test_the_memory_that_is_free_decides(bench, monkeypatch):
    arguments = ("run", "tiny", "--model", "urnn")
    free = psutil.virtual_memory()._replace(available=1000)
    with monkeypatch.context() as patch:
        patch.setattr(psutil, "virtual_memory", lambda: free)
        patch.setattr(psutil, "swap_memory", lambda: psutil._pslinux.ntp.sswap(0, 0, 0, 0, 0, 0))
        assert "1 oom" in bench(*arguments, code=3).err
    assert "1 done" in bench(*arguments).err


def test_so_many_seeds_are_refused_before_they_are_listed(bench):
    said = bench("run", "tiny", "--seeds", 10**12, code=2).err
    assert "must be at most 100000" in " ".join(said.split())


TASK = """\
from urnn_bench.tasks.copying import Copying, CopyingOptions


class Faulty(Copying):
    def {method}(self, *args, **kwargs):
        raise {error}
"""
FAULTS = [
    ("__init__", "ZeroDivisionError('no task')"),
    ("sample", "KeyError('no sample')"),
    ("batches", "IndexError('no batches')"),
    ("signature", "AttributeError('no signature')"),
]


@pytest.mark.parametrize(("method", "error"), FAULTS)
def test_whatever_a_task_raises_ends_its_run_and_is_told_in_one_sentence(
    bench, attack, method, error
):
    path = bench.write("faulty.py", TASK.format(method=method, error=error))
    text = (bench.folder / "benchmarks/tiny.yaml").read_text()
    bench.write("benchmarks/broken.yaml", text.replace("name: copying", "name: faulty"))
    arguments = ("run", "broken", "tiny", "--model", "lstm", "--include", path)
    said = bench(*arguments, code=3).err
    assert "1 failed, 1 done" in said and "Traceback" not in said
    name = error.partition("(")[0]
    said = bench(*arguments, "--results", "other", "--dry-run", code=2)
    assert "Traceback" not in said.err and len(said.out.splitlines()) == 3
    last = said.err.splitlines()[-1]
    assert last.startswith("urnn-bench: error: lstm T=4 seed 0: ") and name in last
    attack.tried("tasks that raise something when they are built or draw")
