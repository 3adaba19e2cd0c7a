"""What runs on the nodes of a Ray cluster: messages to the driver, and the training of a stack."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from urnn_bench.machine import batch_job
from urnn_bench.records.folder import RunStatus, folder_of
from urnn_bench.records.merging import run_files, write_run_files
from urnn_bench.registry import Components
from urnn_bench.run.job_count import Stack
from urnn_bench.run.relay import Message
from urnn_bench.run.worker import Work, train_stack

# asking costs a millisecond or more, and an update may take less
_ASK_S = 0.5

RunFiles = Mapping[str, bytes]


class Mailbox:
    """An actor beside the driver: it keeps what workers send until the driver takes it."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._signal: str | None = None
        self._begun = set[int]()

    def put(self, message: Message) -> None:
        """Keep a message."""
        self._messages.append(message)

    def take(self) -> list[Message]:
        """Return the messages that came since the last time."""
        messages, self._messages = self._messages, []
        return messages

    def begin(self, task: int) -> None:
        """Note that a node has begun a task."""
        self._begun.add(task)

    def begun_tasks(self) -> set[int]:
        """Return the tasks that nodes have begun."""
        return self._begun

    def stop(self, signal: str) -> None:
        """Ask every worker to stop."""
        self._signal = signal

    def signal(self) -> str | None:
        """Return the signal that asks to stop, if there was one."""
        return self._signal


class MailboxChannel:
    """A worker's end: what it sends is put into the mailbox, without waiting for it.

    It never calls ``ray.get``, which would give the processors of its task to another meanwhile.
    """

    def __init__(self, mailbox: Any) -> None:
        self._mailbox, self._asked_s = mailbox, 0.0
        self._last: Any = None
        self._answer: Future[str | None] | None = None

    def send(self, message: object, /) -> None:
        """Send a message on."""
        self._last = self._mailbox.put.remote(message)

    def poll(self) -> bool:
        """Ask for a signal from time to time; return whether there is an answer."""
        if self._answer is None and time.monotonic() - self._asked_s > _ASK_S:
            self._ask()
        return self._answer is not None and self._answer.done()

    def recv(self) -> Any:
        """Return the signal that asks to stop, or None."""
        answer, self._answer = self._answer or self._ask(), None
        return answer.result()

    def close(self) -> None:
        """Wait until the last message has arrived, so that the driver shows all of a stack."""
        if self._last is not None:
            self._last.future().result()

    def _ask(self) -> "Future[str | None]":
        self._asked_s = time.monotonic()
        self._answer = self._mailbox.signal.remote().future()
        return self._answer


@dataclass(frozen=True)
class RayWork:
    """What a task needs beside its stack.

    ``includes`` holds the users' files by their paths on the driver, ``environment`` what the
    driver has set. ``is_shared`` says whether the results folder is that of the driver.
    """

    work: Work
    job: str
    environment: Mapping[str, str]
    includes: Mapping[Path, bytes]
    is_shared: bool


def sees(path: Path) -> bool:
    """Return whether a file of the driver's is here too."""
    return path.exists()


def train_on_node(
    number: int, stack: Stack, before: Sequence[RunFiles], ray_work: RayWork, mailbox: Any
) -> tuple[list[RunStatus], list[RunFiles]]:
    """Train a stack; return statuses, and the files of its runs where the driver cannot see them.

    ``before`` are the files that the runs have so far, for a node that cannot see them.
    """
    mailbox.begin.remote(number)
    os.environ.update(ray_work.environment, **{batch_job.VARIABLE: ray_work.job})
    channel = MailboxChannel(mailbox)
    with tempfile.TemporaryDirectory(prefix="urnn-bench-") as folder:
        work = _with_includes(ray_work, Path(folder))
        if ray_work.is_shared:
            return train_stack(stack, work, channel), []
        options = replace(work.options, results=Path(folder) / "results")
        folders = [folder_of(options.results, run) for run in stack]
        for files, own in zip(before, folders, strict=True):
            own.mkdir(parents=True)
            write_run_files(files, own)
        statuses = train_stack(stack, replace(work, options=options), channel)
        return statuses, [run_files(own) for own in folders]


def _with_includes(ray_work: RayWork, folder: Path) -> Work:
    """Return the work with users' files that are not on this node written into a folder."""
    from urnn_bench.run.resolve import include

    work = ray_work.work
    if all(path.exists() for path in ray_work.includes):
        return work
    # two files may have one name
    paths = [folder / str(i) / path.name for i, path in enumerate(ray_work.includes)]
    copies = dict(zip(paths, ray_work.includes.values(), strict=True))
    for path, content in copies.items():
        path.parent.mkdir()
        path.write_bytes(content)
    components = include(Components(), [*copies])
    return replace(work, options=replace(work.options, components=components))
