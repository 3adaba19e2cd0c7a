"""The connection to a Ray cluster, and what its nodes have."""

import logging
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from urnn_bench.errors import UsageError
from urnn_bench.launchers._ray_worker import sees
from urnn_bench.machine import processors
from urnn_bench.run.terminal import terminal_ignored

_ANSWER_S = 5.0
# Ray takes a third of the memory by default, and a stack pickles to kilobytes
_STORED_BYTES = 200_000_000
_VARIABLE = "RAY_ADDRESS"
# Ray looks for its token at an address only if it is told so
_TOKEN = "if it was started with a token, set RAY_AUTH_MODE=token"
_EXAMPLE = "ray:HOST:6379"


class Cluster(NamedTuple):
    """What a cluster has; ``address`` is None for one that ends with this process."""

    ray: ModuleType
    address: str | None
    cpus: float
    gpus: float
    # of the node with the most processors
    node_cpus: float
    node_memory: float

    @property
    def job(self) -> str:
        """The job of the driver, as records name it."""
        return f"ray {self.ray.get_runtime_context().get_job_id()}"

    @property
    def node(self) -> str:
        """The node of the driver."""
        return str(self.ray.get_runtime_context().get_node_id())


def imported_ray() -> ModuleType:
    """Return Ray; raise UsageError with the command that installs it."""
    try:
        import ray
    except ImportError as error:
        text = "--on ray: Ray is not installed; pip install 'urnn-bench[ray]'"
        raise UsageError(text) from error
    module: ModuleType = ray
    return module


def require_answer(address: str | None) -> None:
    """Raise UsageError if nobody answers at HOST:PORT, for which Ray itself would wait a minute."""
    if address is None or address == "auto":
        return
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal() and int(port) < 2**16):
        raise UsageError(f"--on ray:{address}: is not HOST:PORT, as in --on {_EXAMPLE}")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        text = f"--on ray:{address}: nobody answers there ({reason}); start Ray with ray start"
        raise UsageError(text) from error


@contextmanager
def connected(address: str | None) -> Iterator[Cluster]:
    """Yield a cluster, by default a new one of this machine, which ends with the block.

    Raises UsageError if there is none at the address.
    """
    ray = imported_ray()
    address = address or os.environ.get(_VARIABLE)
    require_answer(address)
    # it reports its use to its makers unless told otherwise
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # it warns of what is its default
    logging.getLogger("ray").setLevel(logging.ERROR)
    with _own_signals(), terminal_ignored():
        try:
            ray.init(
                address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                **({} if address else _local()),
            )
        except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
            reason = " ".join(str(error).split())[:200]
            text = f"--on ray: no cluster can be reached ({reason}); {_TOKEN}"
            raise UsageError(text) from error
    try:
        yield _cluster(ray, address)
    finally:
        ray.shutdown()


def _local() -> dict[str, object]:
    """Return the settings of a cluster of this machine alone."""
    return {
        "include_dashboard": False,
        "num_cpus": processors.count(),
        "object_store_memory": _STORED_BYTES,
    }


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handlers of signals, of which Ray replaces one."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _cluster(ray: ModuleType, address: str | None) -> Cluster:
    total = ray.cluster_resources()
    sizes = (node["Resources"] for node in _nodes(ray))
    largest = max((size.get("CPU", 0.0), size.get("memory", 0.0)) for size in sizes)
    return Cluster(ray, address, total.get("CPU", 0.0), total.get("GPU", 0.0), *largest)


def _nodes(ray: ModuleType) -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def shares_folder(cluster: Cluster, folder: Path) -> bool:
    """Return whether every node that trains sees a folder of this machine; False if none does."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if cluster.address is None:
        return True
    ask = cluster.ray.remote(num_cpus=0)(sees)
    with tempfile.NamedTemporaryFile(prefix=".ray-", dir=folder) as file:
        places = [
            NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            for node in _nodes(cluster.ray)
            if node["Resources"].get("CPU")
        ]
        path = Path(file.name).absolute()
        answers = [ask.options(scheduling_strategy=place).remote(path) for place in places]
        return bool(answers) and all(cluster.ray.get(answers))
