"""Nothing is written through a link, and reading writes nothing at all."""

import fcntl
import os
import resource

import pytest
from filelock import FileLock

from urnn_bench.records.folder import status_of_run
from urnn_bench.records.lines import CsvAppender
from urnn_bench.records.record import Record

STOPPED = ("run", "tiny", "--model", "lstm", "--steps", 20, "-q")
KEPT = b"a file of somebody else\n"


@pytest.fixture
def put_aside(bench):
    """The folder of a run that was put aside after one update."""
    bench(*STOPPED, "--time-limit", 0, code=3)
    (folder,) = bench.runs()
    return folder


@pytest.fixture
def outside(tmp_path_factory):
    """A folder outside the results, and a file in it."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "kept").write_bytes(KEPT)
    return folder


def tree(folder):
    """Everything below a folder, what it holds, and when it was changed."""
    paths = sorted(p for p in folder.rglob("*") if not p.is_fifo())
    return {
        path: (path.lstat().st_mtime_ns, path.is_symlink() or path.is_dir() or path.read_bytes())
        for path in (folder, *paths)
    }


# the exit codes of a run with such a link, without and with --force, which removes the file
CODES = {
    "metrics.csv": (3, 0),
    "probes.csv": (3, 0),
    "run.json": (2, 0),
    "checkpoint.pt": (2, 0),
    "error.txt": (0, 0),
    ".lock": (2, 2),
}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", CODES)
def test_no_file_of_a_run_is_written_through_a_link(bench, outside, name, force, attack):
    arguments = (*STOPPED, "--probe")
    bench(*arguments, "--time-limit", 0, code=3)
    (folder,) = bench.runs()
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(outside / "kept")
    before = tree(outside)
    bench(*arguments, *(["--force"] if force else []), code=CODES[name][force])
    assert tree(outside) == before
    attack.tried("files of a run that are links")


@pytest.mark.parametrize("name", ["metrics.csv", "probes.csv"])
def test_a_linked_file_fails_its_run_only(bench, outside, name):
    arguments = ("run", "tiny", "--probe", "-q")
    bench(*arguments, "--model", "lstm", "--time-limit", 0, code=3)
    (folder,) = bench.runs()
    (folder / name).unlink()
    (folder / name).symlink_to(outside / "kept")
    said = bench(*arguments, code=3).err
    assert said.count("\n") == 1 and f"{name}: is a link, and nothing is written through" in said
    assert {Record.read(f).status for f in bench.runs()} == {"done", "failed"}
    bench(*arguments, "--force")
    assert (outside / "kept").read_bytes() == KEPT


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_linked_folder_refuses_its_runs_only(bench, put_aside, outside, level, force):
    folder = (put_aside, put_aside.parent)[level]
    folder.rename(outside / "moved")
    folder.symlink_to(outside / "moved")
    before = tree(outside)
    said = bench("run", "tiny", "smoke", "--model", "lstm", "--steps", 20, "-q", *force, code=2).err
    assert said.count("\n") == 1
    assert f"{folder.name}: cannot be written to (is a link" in said and "--results" in said
    assert tree(outside) == before
    assert len(bench.runs("smoke")) == 1, "the other run is trained"


def test_a_linked_results_folder_is_the_users_own_choice(bench, outside):
    (bench.folder / "results").symlink_to(outside)
    bench(*STOPPED)
    assert list(outside.glob("tiny/*/metrics.csv"))


@pytest.mark.parametrize("level", ["figures", "."])
def test_no_figure_is_written_through_a_link(bench, outside, level):
    bench(*STOPPED)
    folder = bench.folder / "results" / "tiny" / level
    if level == ".":
        folder.rename(outside / "moved")
    folder.symlink_to(outside / ("moved" if level == "." else "."))
    before = tree(outside)
    said = bench("plot", "tiny", "--figure", "learning_curves", code=2).err
    assert said.count("\n") == 1 and "is a link" in said and "--out" in said
    assert tree(outside) == before
    bench("plot", "tiny", "--figure", "learning_curves", "--out", "mine")


def test_a_linked_figure_is_replaced_and_not_followed(bench, outside):
    bench(*STOPPED)
    path = bench.folder / "results" / "tiny" / "figures" / "learning_curves.png"
    path.parent.mkdir()
    path.symlink_to(outside / "kept")
    bench("plot", "tiny", "--figure", "learning_curves")
    assert (outside / "kept").read_bytes() == KEPT and not path.is_symlink()


def test_plot_says_that_it_cannot_write(bench):
    bench(*STOPPED)
    bench.write("results/tiny/figures", "a file")
    said = bench("plot", "tiny", "--figure", "learning_curves", code=2).err
    assert said.count("\n") == 1 and "no figure can be written there" in said and "--out" in said


LOCKS = {
    "a link": lambda path, outside: path.symlink_to(outside / "kept"),
    "a broken link": lambda path, outside: path.symlink_to(outside / "nowhere"),
    "a folder": lambda path, _: path.mkdir(),
    "a FIFO": lambda path, _: os.mkfifo(path),
}


@pytest.mark.parametrize("make", LOCKS.values(), ids=LOCKS)
def test_a_lock_that_is_not_a_file_refuses_its_run_only(bench, put_aside, outside, make, attack):
    (put_aside / ".lock").unlink()
    make(put_aside / ".lock", outside)
    before = tree(outside)
    said = bench("run", "tiny", "--steps", 20, "-q", code=2).err
    assert said.count("\n") == 1 and ".lock: cannot be locked (is not a regular file)" in said
    assert tree(outside) == before
    rows = bench("status").out
    assert "urnn-T4" in rows and "timeout" in rows
    attack.tried("locks that are not files")


def as_running(folder):
    """Make a record say that a process is at work."""
    record = Record.read(folder)
    record.model_copy(update={"status": "running"}).write(folder)


@pytest.mark.parametrize("make", [*LOCKS.values(), None], ids=[*LOCKS, "absent"])
def test_a_run_that_nothing_locks_is_interrupted(put_aside, outside, make):
    as_running(put_aside)
    (put_aside / ".lock").unlink()
    if make:
        make(put_aside / ".lock", outside)
    before = tree(put_aside)
    assert status_of_run(put_aside).status == "interrupted"
    assert tree(put_aside) == before


def test_the_test_of_a_lock_sees_it_and_leaves_it_alone(put_aside):
    as_running(put_aside)
    lock = FileLock(put_aside / ".lock")
    with lock:
        assert status_of_run(put_aside).status == "running"
        with (put_aside / ".lock").open("r+") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert status_of_run(put_aside).status == "interrupted"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_lock_that_cannot_be_written_refuses_its_run_only(bench, put_aside):
    (put_aside / ".lock").chmod(0o400)
    said = bench("run", "tiny", "--steps", 20, "-q", code=2).err
    assert said.count("\n") == 1 and ".lock: cannot be locked (Permission denied)" in said


READING = [
    ("status",),
    ("status", "tiny", "--json"),
    ("table", "tiny"),
    ("compare", "urnn", "urnn"),
    ("run", "tiny", "--steps", 20, "--dry-run"),
    ("plot", "tiny", "--figure", "learning_curves", "--out", "mine"),
    ("verify", "urnn-2016", "--results", "results"),
]


def test_reading_writes_nothing(bench, put_aside, attack):
    bench("run", "tiny", "--model", "urnn", "--steps", 20, "-q")
    as_running(put_aside)
    (put_aside / ".lock").unlink()
    before = tree(bench.folder / "results")
    for arguments in READING:
        bench(*arguments, code=5 if arguments[0] == "verify" else 0)
        assert tree(bench.folder / "results") == before, arguments
    attack.tried("commands that read", len(READING))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_read(bench, put_aside):
    as_running(put_aside)
    (put_aside / ".lock").unlink()
    folders = [put_aside, put_aside.parent, put_aside.parents[1]]
    for folder in folders:
        folder.chmod(0o500)
    try:
        assert "interrupted" in bench("status").out
        said = bench("plot", "tiny", "--figure", "learning_curves", code=2).err
        assert said.count("\n") == 1 and "--out" in said
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_an_error_while_writing_names_the_file(tmp_path):
    path = tmp_path / "metrics.csv"
    appender = CsvAppender(path, ["a"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        for write in (lambda: appender.append([["x" * 1000]]), appender.sync, appender.close):
            with pytest.raises(OSError, match="File too large") as caught:
                write()
            assert caught.value.filename == str(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("length", [3, 6, 10**6])
def test_a_file_is_cut_at_the_end_of_a_line(tmp_path, length):
    path = tmp_path / "metrics.csv"
    path.write_text("a\n12\n345")
    with pytest.warns(match="its end is missing"):
        CsvAppender(path, ["a"], length).close()
    assert path.read_text() == ("a\n" if length == 3 else "a\n12\n")


def test_long_lines_are_cut_too(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("a\n" + "x" * 200_000)
    with pytest.warns(match="its end is missing"):
        CsvAppender(path, ["a"], 200_002).close()
    assert path.read_text() == "a\n"


LEFTOVERS = ("error.txt", ".run.json.x.part")


@pytest.mark.parametrize("name", LEFTOVERS)
def test_a_folder_in_the_place_of_a_leftover_refuses_its_run_only(bench, put_aside, name):
    (put_aside / name).mkdir()
    said = bench("run", "tiny", "--steps", 20, "-q", code=2).err
    assert said.count("\n") == 1 and f"{name}: cannot be removed" in said


@pytest.mark.parametrize("name", ["run.json", "metrics.csv", "checkpoint.pt", "error.txt"])
def test_force_refuses_what_it_cannot_replace_before_it_trains(bench, put_aside, name):
    (put_aside / name).unlink(missing_ok=True)
    (put_aside / name).mkdir()
    said = bench(*STOPPED, "--force", code=2).err
    assert said.count("\n") == 1 and f"{name}: is a folder and cannot be replaced" in said
