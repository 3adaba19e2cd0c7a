"""`run --on slurm`, with programs in the place of Slurm's that note how they were called."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urnn_bench.cli.submission import worker_words
from urnn_bench.launchers._slurm_profile import Profile, seconds_of
from urnn_bench.launchers.base import Submission
from urnn_bench.launchers.slurm import array_sizes, task_count

# sbatch keeps its script, and refuses the one that a file names
_PROGRAM = """#!{python}
import json, sys
from pathlib import Path
name, folder = Path(sys.argv[0]).name, Path(sys.argv[0]).parent
calls = folder / "calls"
number = len(calls.read_text().splitlines()) if calls.exists() else 0
script = sys.stdin.read() if name == "sbatch" else ""
with calls.open("a") as file:
    print(json.dumps([name, *sys.argv[1:], script]), file=file)
if name == "scontrol":
    print("MaxArraySize            = 10")
if name == "sbatch":
    if (folder / "refused").exists() and (folder / "refused").read_text() == str(number):
        print("sbatch: error: Batch job submission failed: Invalid partition", file=sys.stderr)
        sys.exit(1)
    print(f"{{100 + number}};cluster")
"""


class FakeSlurm:
    """Programs named as those of Slurm, and the settings' folder of a user."""

    def __init__(self, folder):
        self.bin, self.settings = folder / "bin", folder / "settings"
        self.bin.mkdir()
        for name in ("sbatch", "scontrol", "scancel"):
            (self.bin / name).write_text(_PROGRAM.format(python=sys.executable))
            (self.bin / name).chmod(0o755)

    @property
    def env(self):
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "XDG_CONFIG_HOME": str(self.settings)}

    def profile(self, name, text):
        path = self.settings / "urnn-bench/slurm" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def calls(self, name):
        path = self.bin / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [call[1:] for call in map(json.loads, lines) if call[0] == name]


@pytest.fixture
def slurm(tmp_path):
    return FakeSlurm(tmp_path)


@given(st.integers(1, 5000), st.integers(1, 1001))
def test_arrays_hold_all_tasks_and_none_is_too_large(tasks, most):
    sizes = array_sizes(tasks, most)
    assert sum(sizes) == tasks
    assert max(sizes) <= most and max(sizes) - min(sizes) <= 1
    assert len(sizes) == -(-tasks // most)


@pytest.mark.parametrize(
    ("runs", "expected_s", "tasks", "expected"),
    [
        (300, 300.0, None, 1),  # short runs share one task
        (300, 30 * 3600.0, None, 50),  # no more than the profile allows
        (6, 30 * 3600.0, None, 6),
        (18, 2 * 3600.0, None, 4),
        (18, 1.0, 5, 5),
        (3, 1.0, 5, 3),
    ],
)
def test_short_runs_share_a_task(tmp_path, runs, expected_s, tasks, expected):
    submission = Submission((), runs, expected_s, tmp_path, tasks)
    assert task_count(submission, Profile()) == expected


def test_a_task_gets_the_command_without_what_is_of_the_submission():
    typed = ["run", "copy", "--on", "slurm:gpu", "--jobs=3", "--set", "hidden=4", "--dry-run"]
    assert worker_words(typed) == ["run", "copy", "--set", "hidden=4"]
    assert worker_words(["run", "--on=slurm", "copy", "--jobs", "3"]) == ["run", "copy"]


def test_one_array_is_submitted_and_the_user_told_how_to_follow_it(bench, slurm):
    slurm.profile("gpu", "{partition: gpu, time: '1:00:00', gpus: 1, setup: [module load cuda]}")
    said = bench("run", "tiny", "--seeds", 2, "--jobs", 3, "--on", "slurm:gpu", env=slurm.env).err
    (call,) = slurm.calls("sbatch")
    assert call[:-1] == ["--parsable"]
    script = call[-1]
    for option in ("array=0-2", "partition=gpu", "time=1:00:00", "gres=gpu:1", "requeue"):
        assert f"#SBATCH --{option}\n" in script
    assert "\nmodule load cuda\n" in script and " run tiny --seeds 2 &\n" in script
    assert "job 101, 3 tasks, for 4 runs" in said
    assert "urnn-bench status tiny --results results" in said and "scancel 101" in said
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_programs_read_what_was_submitted(bench, slurm):
    shown = bench("run", "tiny", "--on", "slurm", "--json", "-q", env=slurm.env)
    assert json.loads(shown.out) == {"jobs": ["101"], "tasks": 1, "runs": 2} and not shown.err


def test_arrays_above_the_largest_size_are_split(bench, slurm):
    said = bench("run", "tiny", "--seeds", 8, "--jobs", 12, "--on", "slurm", env=slurm.env).err
    scripts = [call[-1] for call in slurm.calls("sbatch")]
    assert ["--array=0-5\n" in script for script in scripts] == [True, True]
    assert "job 101 and job 102, 12 tasks" in said


def test_a_refused_array_leaves_nothing_submitted(bench, slurm):
    (slurm.bin / "refused").write_text("2")
    command = ("run", "tiny", "--seeds", 8, "--jobs", 12, "--on", "slurm")
    said = bench(*command, code=2, env=slurm.env).err
    assert "Batch job submission failed: Invalid partition" in said and said.count("\n") == 1
    assert [call[:-1] for call in slurm.calls("scancel")] == [["101"]]


def test_a_dry_run_shows_the_script_and_submits_nothing(bench, slurm):
    shown = bench("run", "tiny", "--on", "slurm", "--dry-run", env=slurm.env).out
    assert shown.startswith("#!/bin/bash\n") and "--dry-run" not in shown
    assert not slurm.calls("sbatch") and not (bench.folder / "results").exists()


@pytest.mark.parametrize(
    ("target", "profile", "expected"),
    [
        ("slurm:gpv", "{}", "did you mean 'gpu'?"),
        ("slurm:gpu", "partitoin: gpu", "gpu.yaml, line 1: partitoin: unknown key 'partitoin'"),
        ("slurm:gpu", "cpus: none", "cpus: must be a whole number, not 'none'"),
        ("slurm:gpu", "{time: '2'}", "'checkpoint_s' must be less than the time limit, 120 s"),
        ("slurm:gpu", "options: {array: 0-1}", "'options' cannot set 'array'"),
        ("slurm:gpu", "options: {--qos: low}", "--qos"),
        ("slrm", "{}", "no launcher is called 'slrm'; did you mean 'slurm'?"),
    ],
)
def test_a_wrong_profile_is_one_sentence(bench, slurm, target, profile, expected):
    slurm.profile("gpu", profile)
    said = bench("run", "tiny", "--on", target, code=2, env=slurm.env).err
    assert expected in said and said.count("\n") == 1
    assert not slurm.calls("sbatch")


def test_an_empty_profile_is_the_default_and_numbers_may_be_names(bench, slurm):
    slurm.profile("default", "")
    slurm.profile("odd", "{account: 1234, memory: 4000, options: {nice: 5}}")
    bench("run", "tiny", "--on", "slurm", env=slurm.env)
    bench("run", "tiny", "--on", "slurm:odd", env=slurm.env)
    _, script = (call[-1] for call in slurm.calls("sbatch"))
    assert all(f"--{option}\n" in script for option in ("account=1234", "mem=4000", "nice=5"))


@pytest.mark.parametrize(
    ("limit", "expected_s"),
    [
        ("90", 5400),
        ("90:30", 5430),
        ("1:30:05", 5405),
        ("2-3", 183600),
        ("2-3:30", 185400),
        ("2-3:30:10", 185410),
        ("UNLIMITED", float("inf")),
    ],
)
def test_a_time_limit_is_read_as_slurm_reads_it(limit, expected_s):
    assert seconds_of(limit) == expected_s


def test_what_slurm_would_read_otherwise_is_written_for_it(bench, slurm):
    env = {**slurm.env, "URNN_BENCH_RESULTS": "it's 5 %a"}
    shown = bench("run", "tiny", "--on", "slurm", "--dry-run", "-q", env=env).out
    assert "5 %%a/.slurm/%A_%a.txt" in shown and " -q" not in shown
    # not every cluster passes on the environment
    assert "export URNN_BENCH_RESULTS='it'\"'\"'s 5 %a'\n" in shown


def test_force_is_refused_as_each_task_would_train_all_runs(bench, slurm):
    said = bench("run", "tiny", "--on", "slurm", "--force", code=2, env=slurm.env).err
    assert "--force cannot be given" in said and not slurm.calls("sbatch")


def test_without_slurm_one_sentence_says_so(bench):
    said = bench("run", "tiny", "--on", "slurm", code=2, env={"PATH": ""}).err
    assert "scontrol is not found here" in said and said.count("\n") == 1


def test_a_wrong_benchmark_is_told_before_anything_is_submitted(bench, slurm):
    bench.write("benchmarks/wrong.yaml", "{title: W, task: copying, T: [4], modles: {lstm: }}")
    said = bench("run", "wrong", "--on", "slurm", code=2, env=slurm.env).err
    assert "did you mean 'models'?" in said
    assert not slurm.calls("sbatch")


def test_a_login_node_needs_no_torch(bench, slurm):
    program = (
        "import sys; sys.modules['torch'] = None; sys.argv[0] = 'urnn-bench'; "
        "from urnn_bench.__main__ import main; main()"
    )
    command = [sys.executable, "-c", program, "run", "tiny", "--on", "slurm"]
    subprocess.run(command, cwd=bench.folder, env={**bench.env(), **slurm.env}, check=True)
    assert len(slurm.calls("sbatch")) == 1
