"""Records as one table for another program."""

import io

import pandas as pd
import pytest


def exported(bench, *words):
    return pd.read_csv(io.StringIO(bench("export", "tiny", *words).out))


def test_curves_have_a_row_for_every_line_of_the_records(trained):
    frame = exported(trained)
    lines = sum(len((f / "metrics.csv").read_text().splitlines()) - 1 for f in trained.runs())
    assert len(frame) == lines and set(frame["model"]) == {"urnn", "lstm"}
    assert (
        not frame[["benchmark", "run", "model", "T", "seed", "step", "value"]].isna().any(axis=None)
    )


@pytest.mark.parametrize("content", ["probes", "scores", "runs"])
def test_other_contents_are_of_the_same_runs(trained, content):
    frame = exported(trained, "--content", content)
    assert set(frame["run"]) == {folder.name for folder in trained.runs()}


def test_filters_select_what_is_exported(trained):
    frame = exported(trained, "--model", "lstm", "--T", 6)
    assert set(frame["model"]) == {"lstm"} and set(frame["T"]) == {6}


def test_a_file_has_what_stdout_has(trained, tmp_path):
    path = tmp_path / "curves.csv"
    said = trained("export", "tiny", "--out", path)
    assert not said.out and "rows" in said.err
    assert path.read_text() == trained("export", "tiny").out
    error = trained("export", "tiny", "--out", tmp_path / "no" / "a.csv", code=2).err
    assert "choose another file with --out" in error


def test_what_is_not_there_is_not_exported(bench):
    bench.record("urnn")
    error = bench("export", "made", "--content", "probes", code=5).err
    assert "these runs have no probes to export" in error
