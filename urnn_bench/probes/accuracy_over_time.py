"""The share of right answers at every step: when a network knows, and when it forgets.

It is over the probed sequences of validation, and nan at a step that none of them has.

T steps, B batch, O classes.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from urnn_bench.errors import ComponentError
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe
from urnn_bench.tasks.base import Batch, step_mask

ACCURACY = "accuracy"


@runtime_checkable
class HasStepClasses(Protocol):
    """A task whose outputs at every step are classes."""

    def step_classes(self, batch: Batch) -> Tensor:
        """Return the right class at every step (T, B)."""


class AccuracyOverTime(Probe):
    """Accuracy at every step."""

    names = (ACCURACY,)
    task_type = HasStepClasses

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return a curve (T); raise ComponentError for a task without a class at every step."""
        if not isinstance(trace.task, HasStepClasses):
            raise ComponentError("accuracy_over_time needs a task with a class at every step")
        counts = step_mask(trace.batch)
        is_right = trace.output.argmax(-1) == trace.task.step_classes(trace.batch)
        return {ACCURACY: (is_right & counts).sum(1).double() / counts.sum(1)}
