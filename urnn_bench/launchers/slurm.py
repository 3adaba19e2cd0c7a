"""Slurm: one array whose tasks train what is left of a command, until nothing is.

A task that comes near its time limit saves what it has and is requeued. Nothing here needs torch.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from importlib.resources import files
from math import ceil
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from urnn_bench.errors import UsageError
from urnn_bench.launchers._slurm_profile import Profile, profile
from urnn_bench.launchers.base import BatchLauncher, Submission, Submitted, own_variables
from urnn_bench.proposals import program
from urnn_bench.records.folder import make_writable
from urnn_bench.records.refused import refused

LOGS = ".slurm"
# what the command ends with after SIGTERM
_STOPPED = 143
_TIMEOUT_S = 60
_LEVEL = re.compile(r"^\w+: (error|fatal): ")
_MAX_SIZE = re.compile(r"^MaxArraySize\s*=\s*(\d+)", re.MULTILINE)


class Slurm(BatchLauncher):
    """Arrays of Slurm, submitted by ``sbatch``; the argument names a profile."""

    def __init__(self, argument: str | None = None) -> None:
        super().__init__(argument)
        self._profile = profile(argument)

    def scripts(self, submission: Submission) -> list[str]:
        """Return the batch scripts, one for each array that this Slurm accepts."""
        tasks = task_count(submission, self._profile)
        sizes = array_sizes(tasks, _max_array_size())
        return [batch_script(submission, self._profile, size) for size in sizes]

    def submit(self, submission: Submission) -> Submitted:
        """Submit all arrays or none; raises UsageError."""
        scripts = self.scripts(submission)
        make_writable(submission.results)
        with refused(submission.results / LOGS, "cannot be made"):
            (submission.results / LOGS).mkdir(exist_ok=True)
        submitted: list[str] = []
        try:
            for script in scripts:
                submitted.append(_slurm("sbatch", "--parsable", script=script).split(";")[0])
        except UsageError:
            if submitted:
                _slurm("scancel", *submitted)
            raise
        tasks = task_count(submission, self._profile)
        return Submitted(submitted, tasks, shlex.join(["scancel", *submitted]))


def task_count(submission: Submission, its: Profile) -> int:
    """Return how many tasks train the runs: short runs share one."""
    if submission.tasks is not None:
        return min(submission.tasks, submission.runs)
    by_time = ceil(submission.expected_s / (60 * its.task_minutes))
    return max(1, min(by_time, its.tasks, submission.runs))


def array_sizes(tasks: int, most: int) -> list[int]:
    """Return the sizes of as few arrays as hold the tasks."""
    arrays = ceil(tasks / most)
    return [tasks // arrays + (i < tasks % arrays) for i in range(arrays)]


def batch_script(submission: Submission, its: Profile, size: int) -> str:
    """Return the script of an array of ``size`` tasks."""
    source = files("urnn_bench.launchers").joinpath("slurm.sh.txt").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(source).render(
        options=list(_options(submission, its, size)),
        setup=[*its.setup, *_exports()],
        command=shlex.join([*(its.program or _program()), *submission.words]),
        requeues=its.requeues,
        stopped=_STOPPED,
    )


def _options(submission: Submission, its: Profile, size: int) -> Iterator[str]:
    """Yield the options of sbatch."""
    at_once = f"%{its.parallel}" if its.parallel else ""
    logs = submission.results.absolute() / LOGS
    values = {
        "job-name": "urnn-bench",
        "array": f"0-{size - 1}{at_once}",
        "chdir": str(Path.cwd()),
        # a percent sign begins a pattern
        "output": f"{str(logs).replace('%', '%%')}/%A_%a.txt",
        "open-mode": "append",
        "signal": f"B:USR1@{its.checkpoint_s}",
        "partition": its.partition,
        "account": its.account,
        "time": its.time,
        "mem": its.memory,
        "cpus-per-task": its.cpus,
        "ntasks": 1,
        "gres": f"gpu:{its.gpus}" if its.gpus else None,
        **its.options,
    }
    yield "--requeue"
    yield from (f"--{name}={shlex.quote(str(v))}" for name, v in values.items() if v is not None)


def _exports() -> list[str]:
    """Return lines that set this package's variables, which not every cluster passes on."""
    return [f"export {name}={shlex.quote(value)}" for name, value in own_variables().items()]


def _program() -> Sequence[str]:
    """Return the words that call this program from any folder."""
    first, *others = program()
    return [str(Path(shutil.which(first) or first).absolute()), *others]


def _max_array_size() -> int:
    found = _MAX_SIZE.search(_slurm("scontrol", "show", "config"))
    # one more than the largest index; Slurm's own default where it does not say
    return max(1, int(found[1])) if found else 1001


def _slurm(command: str, *arguments: str, script: str | None = None) -> str:
    """Return what a command of Slurm writes; raise UsageError with what it says is wrong."""
    if shutil.which(command) is None:
        raise UsageError(
            f"--on slurm: {command} is not found here; run this on a login node of the cluster, "
            "or train here without --on"
        )
    try:
        done = subprocess.run(
            [command, *arguments],
            input=script,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        text = f"--on slurm: {command} has not answered for {_TIMEOUT_S} s; try again later"
        raise UsageError(text) from error
    except subprocess.CalledProcessError as error:
        lines = [_LEVEL.sub("", line) for line in error.stderr.splitlines()]
        reason = "; ".join(dict.fromkeys(lines)) or f"exit code {error.returncode}"
        raise UsageError(f"--on slurm: {command}: {reason}") from error
    return done.stdout.strip()
