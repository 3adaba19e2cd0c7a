"""Look inside a run's network between two of its updates."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.events import Probed
from urnn_bench.models import SequenceModel
from urnn_bench.probes._trace import trace
from urnn_bench.probes.base import Probe
from urnn_bench.spec.run import Probes
from urnn_bench.tasks.base import Batch, Task


@dataclass(frozen=True)
class ProbeRunner:
    """The probes of a run, when they look, and the sequences they look at."""

    when: Probes
    task: Task
    batch: Batch
    probes: Mapping[str, Probe]

    def look(self, job: Job, train_state: TrainState) -> Probed:
        """Return what every probe reads; weights, gradients and random streams stay as they are."""
        began = time.perf_counter()
        if not isinstance(job.model, SequenceModel):
            raise TypeError("only a SequenceModel can be looked into")
        seen = trace(job.model, self.task, self.batch)
        read = {name: probe.read(seen) for name, probe in self.probes.items()}
        for name, of in read.items():
            if any(value.ndim > 1 for value in of.values()):
                raise ValueError(f"the probe '{name}' must return curves (T) or numbers ()")
        found = {(name, state): v for name, of in read.items() for state, v in of.items()}
        return Probed(
            step=train_state.step,
            examples=train_state.step * job.fit.batch,
            train_s=train_state.train_s,
            curves={key: value.tolist() for key, value in found.items() if value.ndim},
            numbers={_metric(*key): float(v) for key, v in found.items() if not v.ndim},
            cost_s=time.perf_counter() - began,
        )


def _metric(probe: str, state: str) -> str:
    return f"{probe}_{state}" if state else probe
