"""Runs and their states in a few words, the same on every display."""

from urnn_bench.cli.display.output import duration
from urnn_bench.records.record import Record
from urnn_bench.spec.run import Run

# what a run does once its updates are done
SCORING = "scoring"


def title(run: Run) -> str:
    """Return a run's name for people: "urnn T=100 seed 0"."""
    return f"{run.label} T={run.T} seed {run.seed}"


def opening(record: Record) -> str:
    """Return the run that starts, its size, its kernel, and the update it resumes at."""
    run, session = record.run, record.sessions[-1]
    if record.parameters is None:
        return title(run)
    resumed = f", resumed at update {session.from_step}" if session.from_step else ""
    text = f"{title(run)}: {size(run, record.parameters)}"
    return f"{text}, {session.device} ({session.kernel}){resumed}"


def size(run: Run, parameters: int) -> str:
    """Return a network's layers, unless it has one in one direction, its width and parameters."""
    layers = f"{run.layers} {'bidirectional ' if run.bidirectional else ''}layer"
    plural = "s" if run.layers > 1 else ""
    deep = f"{layers}{plural}, " if run.layers > 1 or run.bidirectional else ""
    return f"{deep}hidden {run.hidden}, {parameters:,} parameters"


def closing(record: Record) -> str:
    """Return how a run ended: its status, its test scores, its time."""
    parts = [f"{title(record.run)}: {record.status}"]
    if record.status not in ("done", "solved"):
        parts[0] += f" ({record.reason})"
    if record.test is not None:
        baseline = first_baseline(record)
        parts.append(_score(record, "test", record.test.get(record.criterion), baseline))
        parts.extend(f"{k} {v:.4g}" for k, v in record.test.items() if _adds_to_score(record, k, v))
    if record.solved_step is not None:
        parts.append(f"solved at update {record.solved_step}")
    parts.append(f"{record.steps_done} updates in {duration(record.train_s)} of training")
    if record.frozen_parameters:
        share = f"{record.frozen_parameters:,} of {record.parameters:,} parameters"
        parts.append(f"{share} frozen since update {record.frozen_step}")
    if record.nonfinite_norms:
        count = f"gradient's norm not finite at {record.nonfinite_norms:,} updates"
        parts.append(f"{count}, first seen at {record.nonfinite_norm_step}")
    if record.probe_s:
        parts.append(f"{record.probe_s:.2g} s of probes")
    return ", ".join(parts)


def scored(record: Record, length: int) -> str:
    """Return the test scores of a run at a length other than that of its training."""
    test, baselines = record.test_at(length), record.baselines_at(length)
    baseline = next(iter(baselines.get(record.criterion, {}).values()), None)
    parts = [_score(record, "test", test.get(record.criterion), baseline)]
    parts += [f"{k} {v:.4g}" for k, v in test.items() if _adds_to_score(record, k, v)]
    return f"{title(record.run)}: scored at T = {length}: {', '.join(parts)}"


def _adds_to_score(record: Record, metric: str, value: float | None) -> bool:
    """Return whether a metric says more than the criterion and its ratio to the baseline do."""
    return value is not None and metric != record.criterion and not metric.endswith("_baseline")


def _score(record: Record, split: str, value: float | None, baseline: float | None) -> str:
    if value is None:
        return f"{split} {record.criterion} not finite"
    return f"{split} {record.criterion} {value:.4g}{_over(baseline, value)}"


def over_baseline(record: Record, value: float) -> str:
    """Return " (0.31 of the baseline)" if the criterion has a baseline, else nothing."""
    return _over(first_baseline(record), value)


def _over(baseline: float | None, value: float) -> str:
    return f" ({value / baseline:.2g} of the baseline)" if baseline else ""


def first_baseline(record: Record) -> float | None:
    """Return the criterion of a predictor without memory, if it is known."""
    return next(iter(record.baselines.get(record.criterion, {}).values()), None)
