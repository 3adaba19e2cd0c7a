"""Records as one table for another program."""

import io
import resource
import sys

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

CONTENTS = ("curves", "probes", "scores", "runs")
KINDS = {"int64": "i", "Int64": "i", "float64": "f"}


def exported(bench, *words):
    return pd.read_csv(io.StringIO(bench("export", "tiny", *words).out))


def test_curves_have_a_row_for_every_line_of_the_records(trained):
    frame = exported(trained)
    lines = sum(len((f / "metrics.csv").read_text().splitlines()) - 1 for f in trained.runs())
    assert len(frame) == lines and set(frame["model"]) == {"urnn", "lstm"}
    assert (
        not frame[["benchmark", "run", "model", "T", "seed", "step", "value"]].isna().any(axis=None)
    )


@pytest.mark.parametrize("content", CONTENTS[1:])
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


def kind_of(column):
    """A column's type, whatever of it pandas takes to hold texts or times."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return "time"
    return KINDS.get(str(column.dtype)) or ("text" if column.dtype == "string" else "object")


@pytest.mark.parametrize("content", CONTENTS)
def test_parquet_has_what_csv_has_with_its_types(trained, tmp_path, content):
    parquet, csv = tmp_path / "all.parquet", tmp_path / "all.csv"
    words = ("--content", content, "--parquet", parquet, "--csv", csv)
    said = trained("export", "tiny", *words)
    assert not said.out and said.err.count(" rows") == 2
    frame = pd.read_parquet(parquet)
    kinds = {name: kind_of(frame[name]) for name in frame}
    assert "object" not in kinds.values()
    times = {name: "ISO8601" for name, kind in kinds.items() if kind == "time"}
    types = dict(frame.dtypes.drop([*times]))
    text = pd.read_csv(csv, dtype=types, parse_dates=[*times], date_format=times)
    # CSV has one way to say that there is no text
    names = [name for name, kind in kinds.items() if kind == "text"]
    assert_frame_equal(
        frame.fillna(dict.fromkeys(names, "")), text.fillna(dict.fromkeys(names, ""))
    )
    numbers = [name for name, kind in kinds.items() if kind in "if"]
    assert {"T", "seed"} <= {name for name in numbers if kinds[name] == "i"}
    assert [p.name for p in tmp_path.iterdir() if p not in (parquet, csv)] == []


def test_a_row_of_a_run_says_where_it_was_trained(bench, tmp_path):
    """Numbers that no run has are missing numbers, not objects."""
    bench("run", "tiny", "--model", "lstm", "--updates", 1, "--threads", 1, "-q")
    bench("export", "tiny", "--content", "runs", "--parquet", tmp_path / "runs.parquet")
    frame = pd.read_parquet(tmp_path / "runs.parquet")
    kinds = {name: kind_of(frame[name]) for name in frame}
    expected = {
        **dict.fromkeys(("host", "device_name", "timed_on", "kernel", "status"), "text"),
        **dict.fromkeys(("threads", "jobs", "parameters", "solved_step"), "i"),
        **dict.fromkeys(("train_s", "peak_mb", "wall_s", "updates_per_s"), "f"),
        "started": "time",
    }
    assert expected.items() <= kinds.items()
    (row,) = frame.to_dict("records")
    assert row["threads"] == 1 and row["host"] and row["timed_on"] == row["device_name"]
    assert row["train_s"] > 0 and row["peak_mb"] > 0 and pd.isna(row["solved_step"])


@pytest.mark.parametrize("option", ["--csv", "--parquet"])
def test_a_disk_that_is_full_leaves_the_old_file(trained, tmp_path, option):
    path = tmp_path / "old"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        error = trained("export", "tiny", option, path, code=2).err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written (File too large); choose another file with" in error
    assert [p.name for p in tmp_path.iterdir()] == ["old"] and path.read_text() == "old"


def test_parquet_without_its_library_is_one_sentence(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "a.parquet"
    error = trained("export", "tiny", "--parquet", path, code=2).err
    assert "pip install 'urnn-bench[parquet]'" in error and error.count("\n") == 1
    assert not path.exists()
