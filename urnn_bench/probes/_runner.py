"""Run probes on a run's network between two of its updates."""

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
    """The probes of a run, their schedule, and the sequences they are computed on."""

    schedule: Probes
    task: Task
    batch: Batch
    probes: Mapping[str, Probe]

    def run(self, job: Job, state: TrainState) -> Probed:
        """Return the values of every probe; weights, gradients and random streams do not change.

        Raises TypeError if the network is no SequenceModel, ValueError if a probe returns anything
        but curves and numbers.
        """
        began = time.perf_counter()
        if not isinstance(job.model, SequenceModel):
            raise TypeError("only a SequenceModel can be probed")
        traced = trace(job.model, self.task, self.batch)
        by_probe = {name: probe.read(traced) for name, probe in self.probes.items()}
        for name, by_state in by_probe.items():
            if any(value.ndim > 1 for value in by_state.values()):
                raise ValueError(f"the probe '{name}' must return curves (T) or numbers ()")
        values = {(name, s): v for name, states in by_probe.items() for s, v in states.items()}
        return Probed(
            step=state.step,
            examples=state.step * job.fit.batch,
            train_s=state.train_s,
            curves={key: value.tolist() for key, value in values.items() if value.ndim},
            numbers={_metric(*key): float(v) for key, v in values.items() if not v.ndim},
            cost_s=time.perf_counter() - began,
        )


def _metric(probe: str, state: str) -> str:
    return f"{probe}_{state}" if state else probe
