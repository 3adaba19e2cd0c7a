"""What each task gets of a Ray cluster."""

from dataclasses import dataclass
from typing import Self

from urnn_bench.errors import UsageError
from urnn_bench.launchers._ray_cluster import Cluster
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.estimates import expected_bytes
from urnn_bench.run.job_count import Jobs, Stack

# Ray never schedules a task that needs more memory than any node has
_SHARE_OF_NODE = 0.9


@dataclass(frozen=True)
class Share:
    """What a task gets of the cluster, and how many tasks there are room for."""

    cpus: int
    gpus: int
    largest_memory: float
    at_once: int

    @classmethod
    def of(cls, cluster: Cluster, jobs: Jobs, options: ExecutionOptions) -> Self:
        """Return the share that fills the cluster, a GPU for each task where there are any.

        Raises UsageError for a task that fits on no node, for which Ray would wait without end.
        """
        if cluster.node_cpus < (jobs.threads or 1):
            most = f"has {cluster.node_cpus:g} processors, the most of all nodes"
            raise UsageError(f"--on ray: a task takes {jobs.threads or 1}, and a node {most}")
        has_gpus = cluster.gpus >= 1 and options.backend.device in ("auto", "cuda")
        filling = 1 if has_gpus else max(1, int(min(cluster.cpus // jobs.count, cluster.node_cpus)))
        cpus = jobs.threads or filling
        room = int(min(cluster.cpus // cpus, cluster.gpus if has_gpus else cluster.cpus))
        return cls(cpus, int(has_gpus), cluster.node_memory, max(1, min(room, jobs.count)))

    def resources(self, stack: Stack) -> dict[str, float]:
        """Return what Ray reserves for a stack."""
        memory = min(expected_bytes(stack), int(_SHARE_OF_NODE * self.largest_memory))
        return {"num_cpus": self.cpus, "num_gpus": self.gpus, "memory": memory}
