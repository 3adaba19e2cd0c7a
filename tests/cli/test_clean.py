"""Which runs are removed, and that nothing else is."""

import pytest
from conftest import MADE

WHOLE = {"steps": 1000}


@pytest.fixture
def made(bench):
    """A failed run, one of an older file, an interrupted one, one with settings, and a good one."""
    bench.write(
        "benchmarks/made.yaml", MADE.replace("{name: copying}", "{name: copying, recall: 10}")
    )
    bench.record("urnn")
    bench.record("lstm", status="failed", reason="ValueError", steps_done=10, fit=WHOLE)
    bench.record("lstm", seed=1, status="interrupted", steps_done=10, fit=WHOLE)
    bench.record("urnn", seed=2, fit={"batch": 7})
    bench.record("urnn", seed=3, fit={"batch": 9}, settings=("fit.batch=9",))
    return bench


def left(bench):
    return {(p.name.split("-")[0], p.name.split("-")[2]) for p in bench.runs("made")}


ALL = {("urnn", "s0"), ("lstm", "s0"), ("lstm", "s1"), ("urnn", "s2"), ("urnn", "s3")}


def test_nothing_is_removed_unless_somebody_agrees(made):
    said = made("clean", "made", code=2)
    assert "as nobody can be asked; give --yes" in said.err
    assert left(made) == ALL and len(said.out.splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "removed"),
    [
        ((), {("lstm", "s0"), ("urnn", "s2")}),
        (("--failed",), {("lstm", "s0")}),
        (("--superseded",), {("urnn", "s2")}),
        (("--failed", "--superseded"), {("lstm", "s0"), ("urnn", "s2")}),
    ],
)
def test_what_failed_or_is_of_an_older_file_is_removed_and_nothing_else(made, words, removed):
    made("clean", "made", "--yes", *words)
    assert left(made) == ALL - removed
    assert "there are no" in made("clean", "made", "--yes", *words, code=5).err


def test_a_file_of_the_users_stays_with_its_folder(made):
    (folder,) = [f for f in made.runs("made") if f.name.startswith("lstm-T100-s0")]
    (folder / "notes.txt").write_text("mine")
    made("clean", "made", "--failed", "--yes")
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_run_that_is_being_trained_stays(made):
    from urnn_bench.records.lock import locked

    (folder,) = [f for f in made.runs("made") if f.name.startswith("lstm-T100-s0")]
    with locked(folder):
        said = made("clean", "made", "--failed", "--yes").err
    assert "kept, as another process is training it" in said and left(made) == ALL
