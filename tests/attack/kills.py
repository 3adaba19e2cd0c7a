"""Commands in processes that are killed at random moments, and what their records must equal."""

import csv
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from urnn_bench.records.record import FINAL

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
# longer than the first checkpoint takes to come, so that some are killed after it
LATEST_S = 1.5

# its processes have imported torch already, so that a kill costs no start of Python
_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(["attack.kills", "urnn_bench.cli.training"])


def command(folder: Path, arguments: list[str]) -> None:
    """Run the command line in this process, as a shell would."""
    os.chdir(folder)
    torch.set_num_threads(1)
    sys.argv = ["urnn-bench", *arguments]
    from urnn_bench.__main__ import main

    with Path("log.txt").open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    main()


class Attacker:
    """Starts a command again and again and stops it at random moments, from a fixed seed."""

    def __init__(self, folder: Path, arguments: tuple[object, ...], seed: int):
        self.folder, self.arguments = folder, [str(argument) for argument in arguments]
        self.random, self.kills = random.Random(seed), 0

    def kill(self, processes: int = 1) -> None:
        """Start so many processes on one folder, and send each a signal at its own moment."""
        started = [self._start() for _ in range(processes)]
        moments = sorted(self.random.uniform(0.0, LATEST_S) for _ in started)
        start_s = time.monotonic()
        for moment_s, process in zip(moments, started, strict=True):
            time.sleep(max(0.0, start_s + moment_s - time.monotonic()))
            if process.is_alive():
                os.kill(process.pid, self.random.choice(SIGNALS))
                self.kills += 1
        for process in started:
            process.join(timeout=60)
            assert process.exitcode is not None, "a signal did not end the process"

    def kill_after_a_checkpoint(self, results: Path) -> None:
        """Kill a process in the middle of a run, so that the next one has something to resume."""
        process = self._start()
        while not list(results.rglob("checkpoint.pt")):
            assert process.is_alive(), (self.folder / "log.txt").read_text(encoding="utf-8")
            time.sleep(0.02)
        process.kill()
        process.join(timeout=60)
        self.kills += 1

    def finish(self) -> None:
        """Run the command until its end."""
        process = self._start()
        process.join(timeout=120)
        assert process.exitcode == 0, (self.folder / "log.txt").read_text(encoding="utf-8")

    def _start(self):
        process = _forkserver.Process(target=command, args=(self.folder, self.arguments))
        process.start()
        return process


def resumed(results: Path) -> int:
    """Return how many sessions of the runs in a folder resumed at a checkpoint."""
    records = [json.loads(p.read_text(encoding="utf-8")) for p in results.rglob("run.json")]
    return sum(session["from_step"] > 0 for record in records for session in record["sessions"])


def content(results: Path) -> dict[str, object]:
    """Return everything of the runs in a folder that must not depend on interruptions."""
    folders = sorted(path.parent for path in results.rglob("run.json"))
    return {folder.name: _content(folder) for folder in folders}


def _content(folder: Path) -> dict[str, object]:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["status"] in FINAL
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    times = [state["position"].pop("train_s"), state["lengths"].pop("metrics.csv")]
    assert all(value > 0 for value in times)
    probes = folder / "probes.csv"
    return {
        "files": sorted(p.name for p in folder.iterdir() if p.name != ".lock"),
        "metrics": _without_times(folder / "metrics.csv"),
        "probes": probes.read_bytes() if probes.exists() else None,
        "state": _bytes(state),
        "record": {key: record[key] for key in _SAME},
    }


_SAME = (
    "identity",
    "status",
    "steps_done",
    "best_step",
    "solved_step",
    "test",
    "fingerprint",
    "parameters",
    "baselines",
)


def _without_times(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [[v for k, v in row.items() if k != "train_s"] for row in csv.DictReader(file)]


def _bytes(value: object) -> object:
    """Return nested state with the bytes of its tensors, which can be compared."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().numpy().tobytes()
    if isinstance(value, dict):
        return {key: _bytes(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bytes(item) for item in value]
    return value
