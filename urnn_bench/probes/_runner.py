"""Run probes on a run's network between two of its updates."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from urnn_bench.engine.draws import check_input
from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.errors import attempt, first_line
from urnn_bench.events import Probed
from urnn_bench.global_state import kept
from urnn_bench.models import SequenceModel
from urnn_bench.probes._trace import Trace, trace
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import may_draw, seed_globals
from urnn_bench.spec.run import Probes
from urnn_bench.tasks.base import Batch, Task
from urnn_bench.user_frames import place_of


@dataclass(frozen=True)
class ProbeRunner:
    """The probes of a run, their schedule, and the sequences they are computed on."""

    schedule: Probes
    task: Task
    batch: Batch
    probes: Mapping[str, Probe]

    def run(self, job: Job, state: TrainState) -> Probed:
        """Return the values of every probe; weights, gradients and random streams do not change.

        What a component raises is a failure of the probes that it concerns, and ends nothing.
        """
        began = time.perf_counter()
        with kept():
            read = self._read(job)
        failures = {name: _reason(r) for name, r in read.items() if isinstance(r, Exception)}
        by_probe = {name: r for name, r in read.items() if not isinstance(r, Exception)}
        values = {(name, s): v for name, states in by_probe.items() for s, v in states.items()}
        return Probed(
            step=state.step,
            examples=job.at(state.step).examples(state.step),
            train_s=state.train_s,
            curves={key: value.tolist() for key, value in values.items() if value.ndim},
            numbers={_metric(*key): float(v) for key, v in values.items() if not v.ndim},
            cost_s=time.perf_counter() - began,
            failures=failures,
        )

    def _read(self, job: Job) -> dict[str, Mapping[str, Tensor] | Exception]:
        # the same draws at every look: values of two updates differ by the weights alone
        job.draws.seed(job.seed, "probe")
        traced = attempt(self._trace, job)
        if isinstance(traced, Exception):
            return dict.fromkeys(self.probes, traced)
        return {name: attempt(_read, name, probe, traced) for name, probe in self.probes.items()}

    def _trace(self, job: Job) -> Trace:
        if not isinstance(job.model, SequenceModel):
            raise TypeError("only a SequenceModel can be probed")
        check_input(job.model, self.batch.x)
        return trace(job.model, self.task, self.batch)


def _read(name: str, probe: Probe, traced: Trace) -> Mapping[str, Tensor]:
    if may_draw(probe):
        seed_globals(0, "probe", name)
    values = probe.read(traced)
    if any(value.ndim > 1 for value in values.values()):
        raise ValueError(f"the probe '{name}' must return curves (T) or numbers ()")
    return values


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}{place_of(error)}"


def _metric(probe: str, state: str) -> str:
    return f"{probe}_{state}" if state else probe
