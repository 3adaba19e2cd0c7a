"""Hand a command over to a batch system: ``run --on`` of a launcher such as Slurm."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from urnn_bench.cli.display.output import counted, duration, echo_block, echo_err, echo_json
from urnn_bench.cli.reporting import Reporting
from urnn_bench.errors import UsageError
from urnn_bench.launchers.base import BatchLauncher, Submission, Submitted
from urnn_bench.proposals import Command, status
from urnn_bench.registry import Components
from urnn_bench.run.outline import outline
from urnn_bench.spec.sweep import Selection

# the options that are of the submission alone, and whether a value follows
_OWN = {"--on": True, "--jobs": True} | dict.fromkeys(
    ("--dry-run", "--json", "-q", "--quiet"), False
)


def refuse_repeated(force: bool, time_limit: float | None) -> None:
    """Raise UsageError for what each task would do again to the runs of the others."""
    if force:
        raise UsageError("--force cannot be given to a batch system; give another --results folder")
    if time_limit is not None:
        raise UsageError("--time-limit cannot be given to a batch system; give fewer --updates")


def submit(
    launcher: BatchLauncher,
    names: Sequence[str],
    selection: Selection,
    include: Sequence[Path],
    results: Path,
    tasks: int | None,
    dry_run: bool,
    reporting: Reporting,
) -> int:
    """Submit the command that was typed, or show the scripts; return the exit code.

    Raises UsageError, and then nothing is submitted.
    """
    # a model of an included file is known by its name alone
    cells = (*Components().cells.names(), *(path.stem for path in include))
    runs, expected_s = outline(names, selection, cells)
    words = worker_words(sys.argv[1:])
    submission = Submission(words, runs, expected_s, results, tasks)
    if dry_run:
        for script in launcher.scripts(submission):
            echo_block(script.rstrip())
        return 0
    submitted = launcher.submit(submission)
    if reporting.json:
        echo_json({"jobs": submitted.jobs, "tasks": submitted.tasks, "runs": runs})
    if not reporting.quiet:
        _report(submitted, names, submission)
    return 0


def _report(submitted: Submitted, names: Sequence[str], submission: Submission) -> None:
    runs, expected_s = submission.runs, submission.expected_s
    echo_err(f"submitted: {_named(submitted)}, for {counted(runs, 'run')}")
    echo_err(f"expected: about {duration(expected_s)} of training in all")
    command = Command(results=str(submission.results))
    for name in names:
        echo_err(f"to follow them: {status(command, name)}")
    echo_err(f"to cancel them: {submitted.cancel}")


def _named(submitted: Submitted) -> str:
    jobs = " and ".join(f"job {name}" for name in submitted.jobs)
    return f"{jobs}, {counted(submitted.tasks, 'task')}"


def worker_words(words: Sequence[str]) -> list[str]:
    """Return what was typed after the program without the options of the submission."""
    return [*_without_own(iter(words))]


def _without_own(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        option, equals, _ = word.partition("=")
        if option not in _OWN:
            yield word
        elif _OWN[option] and not equals:
            next(words, None)
