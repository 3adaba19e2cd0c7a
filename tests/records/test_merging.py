"""`merge`: runs of several results folders in one, and nothing there overwritten."""

import json

import pytest

from urnn_bench.records import trials
from urnn_bench.records.folder import records
from urnn_bench.records.lock import locked
from urnn_bench.records.record import Record

COLUMNS = ("copied", "the same", "replaced", "older", "running", "conflict")


def content(folder):
    """Return the bytes and times of all files of the runs below a folder, but for their locks."""
    return {
        path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def copied(folder):
    return {path: data for path, (data, _) in content(folder).items()}


def counts(said):
    """Return the row of each folder without the columns that are 0."""
    _, *rows = [line.split("\t") for line in said.out.splitlines()]
    return {
        row[0]: {name: int(n) for name, n in zip(COLUMNS, row[1:], strict=True) if n != "0"}
        for row in rows
    }


@pytest.fixture
def folders(bench):
    """The command line, with runs of seed 0 in one folder, and of seeds 0 and 1 in another."""
    bench("run", "tiny", "--seed", 0, "--results", "one", "-q")
    bench("run", "tiny", "--seed", "0-1", "--results", "two", "-q")
    return bench


def test_runs_are_copied_whole_and_once(folders):
    here = folders.folder
    before = content(here / "one"), content(here / "two")
    said = folders("merge", "one", "two", "--results", "all")
    assert counts(said) == {"one": {"copied": 2}, "two": {"copied": 2, "the same": 2}}
    assert (content(here / "one"), content(here / "two")) == before
    assert copied(here / "all") == copied(here / "two") | copied(here / "one")
    merged = content(here / "all")
    again = folders("merge", "one", "two", "--results", "all")
    assert counts(again) == {"one": {"the same": 2}, "two": {"the same": 4}}
    assert content(here / "all") == merged


def test_a_stopped_run_goes_on_where_it_was_copied_to(folders):
    folders("run", "tiny", "--seed", 2, "--time-limit", 0, "--results", "two", "-q", code=3)
    folders("merge", "two", "--results", "all")
    said = folders("run", "tiny", "--seed", 2, "--results", "all").err
    assert said.count("resumed at update 1") == 2
    folders("run", "tiny", "--seed", 2, "--results", "whole", "-q")
    whole = {record.run.slug: record.test for _, record in records(folders.folder / "whole")}
    there = {record.run.slug: record.test for _, record in records(folders.folder / "all")}
    assert whole and whole.items() <= there.items()


def test_two_results_of_a_run_are_named_and_left(folders):
    changed = next((folders.folder / "one/tiny").glob("lstm-*")) / "run.json"
    record = json.loads(changed.read_text())
    record["test"]["cross_entropy_nat"] *= 1.5
    changed.write_text(json.dumps(record))
    before = content(folders.folder / "two")
    for options in ((), ("--newer",)):
        said = folders("merge", "one", "--results", "two", *options, code=2)
        assert counts(said) == {"one": {"the same": 1, "conflict": 1}}
        name = changed.parent.name
        assert f"one/tiny/{name} and two/tiny/{name} differ" in said.err
        assert content(folders.folder / "two") == before


def test_a_damaged_record_there_is_told_and_the_others_are_copied(folders):
    damaged = next((folders.folder / "one/tiny").glob("lstm-*")) / "run.json"
    damaged.write_text("{")
    said = folders("merge", "two", "--results", "one", code=2)
    assert counts(said) == {"two": {"copied": 2, "the same": 1, "conflict": 1}}
    assert f"{damaged.parent.name}" in said.err and damaged.read_text() == "{"


def test_the_run_that_is_further_stays_if_that_is_asked_for(bench):
    bench("run", "tiny", "--model", "lstm", "--time-limit", 0, "--results", "begun", "-q", code=3)
    bench("run", "tiny", "--model", "lstm", "--results", "ended", "-q")
    before = content(bench.folder / "ended")
    said = bench("merge", "begun", "--results", "ended", code=2)
    assert counts(said) == {"begun": {"conflict": 1}}
    said = bench("merge", "begun", "--results", "ended", "--newer")
    assert counts(said) == {"begun": {"older": 1}} and content(bench.folder / "ended") == before
    said = bench("merge", "ended", "--results", "begun", "--newer")
    assert counts(said) == {"ended": {"replaced": 1}}
    assert copied(bench.folder / "begun") == copied(bench.folder / "ended")


def test_a_run_in_progress_is_left_alone_on_either_side(folders):
    one, two = (next((folders.folder / name / "tiny").glob("lstm-*")) for name in ("one", "two"))
    record = Record.read(one).model_copy(update={"status": "running"})
    with locked(one):
        record.write(one)
        said = folders("merge", "one", "--results", "new")
        assert counts(said) == {"one": {"copied": 1, "running": 1}}
    with locked(two):
        said = folders("merge", "one", "--results", "two")
        assert counts(said) == {"one": {"the same": 1, "running": 1}}


def test_trials_are_joined_by_their_number(folders):
    path, other = (trials.path_of(folders.folder / name, "tiny") for name in ("one", "two"))
    trial = trials.Trial(
        sampler="random",
        seed=0,
        trial=0,
        model="lstm",
        label="lstm",
        T=4,
        seeds=(0,),
        values={"hidden": 8},
        state="complete",
        updates=6,
        loss=1.0,
    )
    second = trial.model_copy(update={"trial": 1})
    trials.append(path, trial)
    trials.append(other, second)
    folders("merge", "one", "--results", "two")
    assert trials.read(other) == [second, trial]
    trials.append(path, second.model_copy(update={"loss": 2.0}))
    said = folders("merge", "one", "--results", "two", code=2).err
    assert "differ in trial 1 of 'lstm'" in said and trials.read(other) == [second, trial]


def test_folders_that_cannot_be_merged(folders):
    assert "no such folder" in folders("merge", "none", code=5).err
    assert "copied to" in folders("merge", "one", "--results", "one", code=2).err
    (folders.folder / "empty").mkdir()
    assert "empty: has no records" in folders("merge", "empty", "--results", "one").err
