"""Whether a network can be computed in the order of steps that its task asks for."""

from urnn_bench.cells.base import Cell
from urnn_bench.errors import SpecError, attempt
from urnn_bench.events import SPLITS
from urnn_bench.registry import Components
from urnn_bench.run.architecture import raised_by
from urnn_bench.run.build import architecture_of, task_of
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.run import Run
from urnn_bench.spec.sweep import UnresolvedRun


def check_direction(components: Components, run: Run, draft: UnresolvedRun) -> None:
    """Raise SpecError if a network that starts at the end is to go on from a last state."""
    if not run.bidirectional:
        return
    task, text = task_of(components, run), f"the task '{run.task.name}' cannot say what it carries"
    if any(raised_by(text, task.carries_state, split, 1, run.fit.batch) for split in SPLITS):
        text = f"the task '{run.task.name}' goes on from the last state of a batch, and a cell that"
        advice = "reads from the end begins with what comes next; leave out 'bidirectional'"
        raise SpecError(f"{draft.where(draft.path('bidirectional'))}{text} {advice}")


def check_feedback(components: Components, run: Run, draft: UnresolvedRun) -> None:
    """Raise SpecError if a network that is to read its outputs cannot go on step by step.

    Data that are missing, or a task that raises, fail the run when it is trained.
    """
    steps = attempt(lambda: architecture_of(components, run).signature.feedback_steps)
    if isinstance(steps, Exception) or not steps:
        return
    text = f"the task '{run.task.name}' lets a network read its own outputs, step by step, and"
    for path, reason in _without_step(components, run, draft):
        raise SpecError(f"{draft.where(path)}{text} {reason}")


def _without_step(
    components: Components, run: Run, draft: UnresolvedRun
) -> list[tuple[KeyPath, str]]:
    """Return why a network cannot go on after any step, with the keys that say so."""
    kind = components.cells.get(run.cell.name, Cell)
    path = ("models", draft.model_name, "cell")
    faults = []
    if run.bidirectional:
        text = "a cell that reads from the end knows no last step; leave out 'bidirectional'"
        faults.append((draft.path("bidirectional"), text))
    if not kind.has_step:
        faults.append((path, f"the cell '{run.cell.name}' has no step in time; take another cell"))
    if kind.time_varying:
        text = f"the cell '{run.cell.name}' counts its steps from the first input that it is given"
        faults.append((path, f"{text}; take another cell"))
    return faults
