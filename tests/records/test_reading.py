"""Reading many files at once is reading each line by line, whatever bytes they have."""

import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from urnn_bench.analysis.columns import as_text, read_parts
from urnn_bench.records import metrics, probes
from urnn_bench.records.lines import RecordsWarning

FORMATS = {"metrics.csv": metrics.FORMAT, "probes.csv": probes.FORMAT}
# what a field may be, sound or not
WORDS = st.one_of(
    st.integers(-2, 2**64).map(str),
    st.floats(width=64).map(repr),
    st.floats(width=64).map("{:.7g}".format),
    st.sampled_from(
        [
            *("0", "1", "7", "-0", "+3", "007", "9" * 30, "0" * 5000 + "5", "1_0", "٣", "1e5"),
            *("1e999", "-1e-999", ".5", "5.", "1e", "0x10", "1,5", "1;5", "1 ", " 1", "1\r", "NA"),
            *("nan", "NaN", "-nan", "inf", "-Infinity", "null", "None", "True", "", "#1", "''"),
            *('"', '"a"', '"a,b"', "h", "c", "validation", "x" * 201, "é", "\x1b[2J", "\x0b", "\0"),
        ]
    ),
    st.text(max_size=4),
)
ENDS = st.sampled_from(["\n"] * 6 + ["\r\n", "\n\n", "", "\r", "\u2028"])


def sound_line(form):
    values = {"int64": st.integers(1, 999).map(str), "float64": st.floats().map(repr)}
    names = st.sampled_from(["h", "lyapunov", "validation", "a b", "5", "nan", "1e5"])
    return st.tuples(*(values.get(column.dtype, names) for column in form.columns.values()))


def contents(form):
    """Bytes of a file: mostly sound lines, and here and there any others."""
    width = len(form.columns)
    odd = st.lists(WORDS, min_size=width - 1, max_size=width + 1).map(tuple)
    mixed = st.tuples(sound_line(form), st.integers(0, width - 1), WORDS).map(
        lambda drawn: (*drawn[0][: drawn[1]], drawn[2], *drawn[0][drawn[1] + 1 :])
    )
    line = st.one_of(*[sound_line(form)] * 6, mixed, odd)
    body = st.lists(st.tuples(line, ENDS), max_size=6).map(
        lambda lines: "".join(",".join(fields) + end for fields, end in lines)
    )
    header = st.sampled_from([form.header.decode()] * 8 + ["", "\ufeff" + form.header.decode()])
    text = st.tuples(header, body).map("".join)
    whole = text.map(lambda value: value.encode(errors="replace"))
    return st.one_of(*[whole] * 8, st.binary(max_size=60).map(form.header.__add__), st.binary())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "step", ["0.0", "1e2", "9.223372036854776e+18", "9223372036854775808", "-0.0"]
)
def test_a_whole_number_is_not_written_as_a_decimal(step, name, tmp_path):
    """Pandas takes 2.0 where it is told that a column has whole numbers."""
    form = FORMATS[name]
    rest = {"metrics.csv": "1,0.5,validation,m,0.5", "probes.csv": "p,h,1,0.5"}[name]
    path = tmp_path / name
    path.write_bytes(form.header + f"{step},{rest}\n3,{rest}\n".encode())
    parts, said = recorded(lambda: list(read_parts(form, [path])))
    assert [list(part["step"]) for part in parts] == [[3]] and "1 line cut short" in said[0]


@pytest.mark.parametrize("name", FORMATS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_many_files_at_once_are_what_they_are_line_by_line(name, data, tmp_path):
    form = FORMATS[name]
    files = data.draw(st.lists(contents(form), max_size=5))
    paths = [tmp_path / f"{i}-{name}" for i in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    slow, said_slow = recorded(lambda: [form.read(path) for path in paths])
    parts, said_fast = recorded(lambda: list(read_parts(form, paths)))
    fast = [
        (row[-1], row[:-1])
        for part in parts
        for row in as_text(part).itertuples(index=False, name=None)
    ]
    assert repr(fast) == repr([(i, tuple(row)) for i, rows in enumerate(slow) for row in rows])
    assert said_fast == said_slow and len(said_slow) <= len(paths)


def recorded(read):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = read()
    assert all(warning.category is RecordsWarning for warning in caught)
    return value, sorted(str(warning.message) for warning in caught)


def test_files_of_this_programs_are_read_by_pandas(trained):
    """Otherwise the property above would compare the slow reader with itself."""
    for name, form in FORMATS.items():
        paths = sorted(Path(trained.folder).rglob(name))
        assert len(paths) == 12 and all(form.is_plain(path.read_bytes()) for path in paths)
        (part,) = read_parts(form, paths)
        assert part["file"].nunique() == len(paths)


def test_a_file_beyond_the_limit_is_left_out(tmp_path):
    path = tmp_path / "probes.csv"
    with path.open("wb") as file:
        file.truncate(600 * 2**20)
    with pytest.warns(RecordsWarning, match="larger than 512 MiB"):
        assert probes.read(path) == []
