"""A folder that cannot be written refuses its run only, and a run that is done needs no writing."""

import ctypes
import errno
import os
import resource
import shutil
import signal
import subprocess
from contextlib import contextmanager

import pytest

from urnn_bench.records.record import Record

RUN = ("run", "tiny", "--updates", 2)
# override and search of permissions, and what an owner may; of the kernel's list of capabilities
RIGHTS_OF_ROOT = 1 << 1 | 1 << 2 | 1 << 3
CAPABILITIES_VERSION = 0x20080522
NO_LOCKS = """\
#include <errno.h>
#include <stdlib.h>
int flock(int file, int operation) { errno = atoi(getenv("LOCK_ERRNO")); return -1; }
"""


class Capabilities(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


@contextmanager
def as_a_user():
    """Take the rights of root to write everywhere from this thread for a while."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0), (Capabilities * 2)()
    assert libc.capget(header, sets) == 0
    before = sets[0].effective
    try:
        sets[0].effective = before & ~RIGHTS_OF_ROOT
        assert libc.capset(header, sets) == 0
        yield
    finally:
        sets[0].effective = before
        assert libc.capset(header, sets) == 0


@contextmanager
def read_only(folder):
    """Take the right to write from a folder and all that it holds."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(modes[path] & ~0o222)
    try:
        with as_a_user():
            yield
    finally:
        for path in paths:
            path.chmod(modes[path])


@pytest.fixture
def done(bench):
    """The folder of a run that is done."""
    bench(*RUN, "--model", "lstm", "-q")
    (folder,) = bench.runs()
    return folder


def statuses(bench):
    return {Record.read(folder).run.label: Record.read(folder).status for folder in bench.runs()}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("has_lock", [True, False])
def test_a_run_that_is_done_needs_no_writing(bench, done, level, has_lock):
    if not has_lock:
        (done / ".lock").unlink()
    before = (done / "run.json").read_bytes()
    with read_only((done, *done.parents)[level]):
        assert "already done" in bench(*RUN, "--model", "lstm").err
        assert bench(*RUN, "--model", "lstm", "-q").err == ""
        assert "done" in bench("status").out and "lstm" in bench("table").out
    assert (done / "run.json").read_bytes() == before


def test_the_others_are_trained(bench, done):
    with read_only(done):
        bench(*RUN, "--model", "lstm", "--model", "urnn", "-q")
    assert statuses(bench) == {"lstm": "done", "urnn": "done"}


@pytest.mark.parametrize("stacked", ["--stacked", "--no-stacked"])
def test_a_folder_without_rights_refuses_its_run_only(bench, stacked):
    arguments = ("run", "tiny", "--model", "lstm", "--seeds", 2, "-q", stacked)
    bench(*arguments, "--time-limit", 0, code=3)
    first, second = bench.runs()
    before = (first / "run.json").read_bytes()
    (first / ".lock").touch()
    with read_only(first):
        # a lock of the user's own may be there; the folder alone is closed
        os.chmod(first / ".lock", 0o600)
        said = bench(*arguments, code=2).err
        assert said.count("\n") == 1 and ".lease: cannot be locked (Permission" in said
        assert f"make {first.relative_to(bench.folder)} writable, or choose another folder" in said
    assert (first / "run.json").read_bytes() == before
    assert Record.read(second).status == "done"
    bench(*arguments)


def test_a_new_run_of_a_closed_folder_is_refused_with_the_folder(bench, done):
    with read_only(done.parent):
        said = bench(*RUN, "-q", code=2).err
        assert said.count("\n") == 1 and "urnn-T4" in said and "cannot be made" in said
        assert "make results/tiny writable, or choose another folder with --results" in said
        assert "remove" not in said


def test_results_without_any_of_the_runs_are_refused_as_a_whole(bench, done):
    with read_only(done.parents[1]):
        said = bench("run", "smoke", code=2).err
    assert said.startswith("urnn-bench: error: results: nothing can be written there")


def test_force_needs_writing(bench, done):
    before = (done / "run.json").read_bytes()
    with read_only(done):
        said = bench(*RUN, "--force", "--model", "lstm", "--model", "urnn", "-q", code=2).err
        assert said.count("\n") == 1 and "lstm" in said and "writable, or choose" in said
        os.chmod(done / ".lock", 0o600)
        said = bench(*RUN, "--force", "--model", "lstm", "-q", code=2).err
        assert ".lease: cannot be locked (Permission denied); make results" in said
    assert (done / "run.json").read_bytes() == before
    assert statuses(bench) == {"lstm": "done", "urnn": "done"}


def test_a_record_that_cannot_be_read_names_its_permissions(bench, done):
    (done / "run.json").chmod(0)
    with as_a_user():
        said = bench(*RUN, "--model", "lstm", "-q", code=2).err
    assert "run.json: cannot be read (Permission denied); change its permissions" in said


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_without_locks_done_runs_are_done_and_others_are_refused(bench, done, number):
    source = bench.write("no_locks.c", NO_LOCKS)
    library = source.with_suffix(".so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    env = {"LD_PRELOAD": str(library), "LOCK_ERRNO": str(number)}
    said = bench.process(*RUN, "-q", code=2, env=env).err
    assert said.count("\n") == 1 and "urnn" in said
    assert ".lock: cannot be locked" in said and "its file system has no locks" in said
    assert Record.read(done).status == "done"


@contextmanager
def closed(path):
    """Take every right to a path."""
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with as_a_user():
            yield
    finally:
        path.chmod(mode)


@pytest.mark.parametrize("arguments", [("status",), ("status", "tiny"), ("table",)])
def test_runs_that_cannot_be_read_are_not_left_out_without_a_word(bench, done, arguments):
    bench(*RUN, "--model", "urnn", "-q")
    with closed(done):
        said = bench(*arguments)
    assert f"{done.relative_to(bench.folder)}: cannot be read (Permission denied)" in said.err
    assert "urnn" in said.out and "lstm" not in said.out


@pytest.mark.parametrize("levels", [0, 1])
def test_a_closed_benchmark_is_not_said_to_be_empty_alone(bench, done, levels):
    folder = done.parents[levels]
    with closed(folder):
        said = bench("status", code=5).err
    assert f"{folder.relative_to(bench.folder)}: cannot be read (Permission denied)" in said


def test_hidden_folders_of_a_file_system_are_no_runs(bench, done):
    (done.parents[1] / ".snapshot").mkdir()
    with closed(done.parents[1] / ".snapshot"):
        assert not bench("status").err


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("nowhere"), "a link to a folder that does not exist"),
    ],
)
def test_results_that_are_no_folder_are_called_so(bench, make, reason):
    make(bench.folder / "there")
    for folder in ("there", "there/below"):
        said = bench(*RUN, "-q", "--results", folder, code=2).err
        assert f"{folder}: nothing can be written there ({reason})" in said.lower().replace(
            "not a directory", "not a folder"
        )


def test_a_limit_of_the_size_of_files_is_named_with_what_raises_it(bench):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
        said = bench(*RUN, "--model", "lstm", "-q", code=2).err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (
        said.count("\n") == 1 and "File too large); raise the size limit with 'ulimit -f'" in said
    )
