"""CSV files of users: what is read, and what is wrong with one, by its row in an editor."""

import gzip

import numpy as np
import pytest

from urnn_bench.data import csv_table
from urnn_bench.data.csv_table import Range
from urnn_bench.errors import DataError

TEXT = "time,a, b\n2012-02-28,1,-2\n\n2012-02-29,1e-3,+7\n"
ANY = Range(-1e9, 1e9)


def encoded(text, kind):
    content = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "cr": text.replace("\n", "\r").encode(),
        "mark": text.encode("utf-8-sig"),
        "quoted": text.replace("2012-02-28", '"2012-02-28"').encode(),
        "no end": text.rstrip("\n").encode(),
    }
    return content.get(kind, text.encode())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["plain", "crlf", "cr", "mark", "quoted", "no end"])
def test_a_table_is_the_same_in_every_notation(tmp_path, kind, packed):
    content = encoded(TEXT, kind)
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    table = csv_table.read(path)
    assert list(table.columns) == ["time", "a", "b"] and len(table) == 2
    assert table.numbers("a", ANY).tolist() == [1, 0.001]
    assert table.numbers("b", ANY).tolist() == [-2, 7]
    assert np.diff(table.dates("time")).tolist() == [1]
    assert str(table.error(1, "x")) == f"{path}: row 4: x"


def test_the_first_name_that_there_is_names_the_column(tmp_path):
    (tmp_path / "a.csv").write_text(TEXT)
    table = csv_table.read(tmp_path / "a.csv")
    assert table.column("c", "b", "a") == "b"
    with pytest.raises(
        DataError, match=r"a\.csv: has no column 'c' or 'd'; its columns are time, a"
    ):
        table.column("c", "d")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"time,a,b\n", "has no row below its header"),
        (b"a,a\n1,2\n", "row 1: the column 'a' is there twice"),
        (b'"a\nb","a\nb"\n1,2\n', r"row 1: the column 'a\nb' is there twice"),
        (b"a,b\n1,2\n\n3\n", "row 4: the number of its cells is 1, and there are 2 columns"),
        (b"a,b\n1,2\n3,\xff\n", "row 3: is not UTF-8; save the file as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "is not UTF-8: it is full of bytes that are 0"),
        (
            gzip.compress(TEXT.encode(), mtime=0)[:-9],
            "cannot be read: Compressed file ended before",
        ),
        (
            gzip.compress(TEXT.encode(), mtime=0)[:-8] + b"12345678",
            "cannot be read: CRC check failed",
        ),
        (b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 9, "cannot be read: Error -3 while decompressing"),
        (b"a,b\n1," + b"2" * 200_000 + b"\n", "row 2: is not CSV: field larger than field limit"),
    ],
)
def test_a_file_that_is_no_table_is_one_sentence(tmp_path, content, says):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        csv_table.read(path)
    assert str(error.value).startswith(f"{path}: {says}") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("", "'a' is empty"),
        ("NA", "'a' is 'NA', which is no number"),
        ("nan", "'a' is 'nan', which is not finite"),
        ("-inf", "'a' is '-inf', which is not finite"),
        ("1e999", "'a' is '1e999', which is not finite"),
        ("5.01", "'a' is 5.01, which is not in 0 to 5 m; perhaps it is feet"),
        ("x" * 90, f"'a' is '{'x' * 37}...', which is no number"),
    ],
)
def test_a_wrong_number_is_named_by_its_row(tmp_path, cell, says):
    path = tmp_path / "a.csv"
    path.write_text(f"a,b\n0,1\n\n5,2\n{cell},3\nalso wrong,4\n")
    with pytest.raises(DataError) as error:
        csv_table.read(path).numbers("a", Range(0, 5, "m", "perhaps it is feet"))
    assert str(error.value) == f"{path}: row 5: {says}"


@pytest.mark.parametrize("cell", ["01.02.2012", "2012-02-30", "", "2012", "2012-02-01 12:00"])
def test_a_wrong_date_is_named_by_its_row(tmp_path, cell):
    path = tmp_path / "a.csv"
    path.write_text(f"time,b\n2012-02-28,1\n{cell},2\n")
    with pytest.raises(DataError, match=f"row 3: 'time' is '{cell}', which is no ISO date such as"):
        csv_table.read(path).dates("time")


def test_semicolons_are_recognised(tmp_path):
    (tmp_path / "a.csv").write_text("time;a\n2012-02-28;1\n")
    with pytest.raises(DataError, match="its columns are time;a; separate them by commas"):
        csv_table.read(tmp_path / "a.csv").column("time")
