"""A forced run replaces the record that it repeats when it is done, and not before."""

import signal
import time

import pytest

from urnn_bench.records.record import Record

ARGUMENTS = ("run", "tiny", "--model", "lstm", "--probe", "--set", "probes.every=200")
LONG = (*ARGUMENTS, "--updates", 2000)
FILES = {"run.json", "metrics.csv", "probes.csv", "checkpoint.pt"}


def content(folder):
    """What the finished files of a run hold; the lock and the forced run are not among them."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name in FILES}


@pytest.fixture
def finished(bench):
    """The command line with a finished run, its folder and the content of its files."""
    bench(*LONG, "-q")
    (folder,) = bench.runs()
    assert content(folder).keys() == FILES
    return folder, content(folder)


@pytest.mark.parametrize("moment", ["run.json", "checkpoint.pt"])
def test_kill_9_of_a_forced_run_loses_nothing_and_the_same_command_goes_on(bench, finished, moment):
    folder, before = finished
    process = bench.start(*LONG, "--force")
    while not (folder / ".forced" / moment).exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert content(folder) == before
    row = bench("status").out.splitlines()[1].split("\t")
    assert row[2] == "done" and "forced run interrupted at update" in row[-1]
    assert "--force goes on training it again: urnn-bench run tiny " in bench(*LONG).err
    old = Record.read(folder)
    said = bench(*LONG, "--force").err
    assert ("resumed at update" in said) == (moment == "checkpoint.pt")
    new = Record.read(folder)
    assert new.status == "done" and new.test == old.test
    assert new.sessions[0].started > old.sessions[-1].started and len(new.sessions) == 2
    assert not (folder / ".forced").exists() and content(folder).keys() == FILES


FAULTY = """\
from urnn_bench.cells.lstm import Lstm


class Faulty(Lstm):
    def on_update_end(self, step):
        from pathlib import Path
        if step == 2 and Path("fail").exists():
            raise ValueError("not today")
"""


def test_a_forced_run_that_fails_keeps_the_old_record(bench):
    path = bench.write("faulty.py", FAULTY)
    arguments = ("run", "tiny", "--model", "faulty", "--include", path)
    bench(*arguments)
    (folder,) = bench.runs()
    before = content(folder)
    fail = bench.write("fail", "")
    said = bench(*arguments, "--force", code=3).err
    assert "not today" in said and "a forced run replaces its record once it is done" in said
    assert content(folder) == before and (folder / ".forced" / "error.txt").is_file()
    assert len(bench.runs()) == 1 and "already done" in bench(*arguments).err
    fail.unlink()
    bench(*arguments, "--force")
    assert (
        Record.read(folder).sessions[0].started
        > Record.model_validate_json(before["run.json"]).sessions[0].started
    )
    assert not (folder / ".forced").exists()


def test_a_stack_put_aside_by_its_time_limit_keeps_every_old_record(bench):
    arguments = ("run", "tiny", "--seeds", 2, "--stacked")
    bench(*arguments, "-q")
    before = {folder: content(folder) for folder in bench.runs()}
    assert "4 timeout" in bench(*arguments, "--force", "--time-limit", 0, code=3).err
    assert {folder: content(folder) for folder in bench.runs()} == before
    preview = bench(*arguments, "--force", "--dry-run").out
    assert preview.count("\tdone\t") == 4
    said = bench(*arguments, "--force").err
    assert said.count("resumed at update") == 4 and "4 done" in said
    assert all(len(Record.read(folder).sessions) == 2 for folder in before)


def test_damage_to_an_unfinished_forced_run_is_told_and_it_begins_anew(bench):
    arguments = ("run", "tiny", "--model", "lstm")
    bench(*arguments)
    (folder,) = bench.runs()
    for name in ("checkpoint.pt", "run.json"):
        bench(*arguments, "--force", "--time-limit", 0, code=3)
        (folder / ".forced" / name).write_bytes(b"damaged")
        said = bench(*arguments, "--force").err
        assert ("begins anew" in said) == (name == "checkpoint.pt") and "1 done" in said
        assert Record.read(folder).sessions[-1].from_step == 0


def test_nothing_is_moved_or_removed_through_a_link(bench):
    arguments = ("run", "tiny", "--model", "lstm")
    bench(*arguments)
    (folder,) = bench.runs()
    other = bench.write("other/run.json", "mine").parent
    (folder / ".forced").symlink_to(other)
    assert "is a link" in bench(*arguments, "--force", code=2).err
    assert (other / "run.json").read_text() == "mine" and Record.read(folder).status == "done"


SHORT = ("run", "tiny", "--model", "lstm", "--model", "urnn")


def forced_record(bench, old, new):
    """Train, then put the record of a forced run there that differs from the run's own."""
    bench(*SHORT, "-q")
    folder = next(path for path in bench.runs() if path.name.startswith("lstm"))
    (folder / ".forced").mkdir()
    text = (folder / "run.json").read_text(encoding="utf-8")
    assert old in text
    (folder / ".forced/run.json").write_text(text.replace(old, new), encoding="utf-8")
    return folder


def test_a_forced_run_of_a_newer_version_is_kept(bench):
    folder = forced_record(bench, '"schema_version": 1', '"schema_version": 2')
    before = (folder / ".forced/run.json").read_bytes()
    said = bench(*SHORT, "--force", code=2).err
    assert "lstm T=4 seed 0: refused" in said and "written by a newer urnn-bench" in said
    assert "urnn T=4 seed 0: done" in said
    assert (folder / ".forced/run.json").read_bytes() == before


def test_a_folder_in_the_place_of_a_file_refuses_its_run_only(bench):
    folder = forced_record(bench, '"done"', '"done"')
    (folder / ".forced/metrics.csv").write_bytes((folder / "metrics.csv").read_bytes())
    (folder / "metrics.csv").unlink()
    (folder / "metrics.csv").mkdir()
    said = bench(*SHORT, code=2).err
    assert "metrics.csv: is a folder and cannot be replaced" in said
    assert "urnn T=4 seed 0: already done" in said
