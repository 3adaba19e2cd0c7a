"""Many files of lines to frames, by pandas' parser where every line is plain.

``LineFormat.read`` says what the lines of a file are. It is slow, so files without anything unusual
are parsed together, and one that pandas refuses is read by it.
"""

import csv
import io
from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from urnn_bench.records.reading import (
    LONGEST_LINE,
    LONGEST_NAME,
    NUMBER,
    Column,
    LineFormat,
    content,
)

_WHOLE = "int64"
_BATCH_BYTES = 4 * 2**20
# before pandas 3.1 the default is wrong in the last digit
_IS_EXACT = tuple(int(part) for part in pd.__version__.split(".")[:2]) >= (3, 1)
_PRECISION: Literal["round_trip"] | None = None if _IS_EXACT else "round_trip"
_Format: TypeAlias = LineFormat[Any]


class _File(NamedTuple):
    number: int
    path: Path
    data: bytes


def read_parts(form: _Format, paths: Sequence[Path | None]) -> Iterator[pd.DataFrame]:
    """Yield frames that together have every line of the files, in order.

    The column "file" is the index of a line's path; names are categories.
    """
    for batch in _batches(paths):
        # those with more columns by themselves, in their order
        for longer, files in groupby(batch, lambda file: form.of(file.data) is not form):
            yield from _parsed((form.longer if longer else None) or form, list(files))


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which every category is text."""
    return frame.astype(dict.fromkeys(frame.select_dtypes("category"), str))


def _batches(paths: Sequence[Path | None]) -> Iterator[list[_File]]:
    """Yield files in order, as many as are parsed at once."""
    batch: list[_File] = []
    for number, path in enumerate(paths):
        if path is None or not (data := content(path)):
            continue
        batch.append(_File(number, path, data))
        if sum(len(file.data) for file in batch) > _BATCH_BYTES:
            yield batch
            batch = []
    yield batch


def _parsed(form: _Format, files: Sequence[_File]) -> Iterator[pd.DataFrame]:
    """Yield the lines of files; halve them until only the unusual ones are read line by line."""
    if not files:
        return
    if (frame := _by_pandas(form, files)) is not None:
        yield frame
    elif len(files) == 1:
        yield _line_by_line(form, files[0])
    else:
        middle = len(files) // 2
        yield from _parsed(form, files[:middle])
        yield from _parsed(form, files[middle:])


def _by_pandas(form: _Format, files: Sequence[_File]) -> pd.DataFrame | None:
    """Return the lines of files; None if one has anything unusual."""
    if not all(form.is_plain(file.data) for file in files):
        return None
    lines = b"".join(file.data[len(form.header) :] for file in files)
    if _longest_line(lines) > LONGEST_LINE:
        return None
    try:
        frame = _read_csv(form, lines)
    except (ValueError, OverflowError):
        return None
    counts = [file.data.count(b"\n") - 1 for file in files]
    frame["file"] = np.repeat(np.array([file.number for file in files], np.int32), counts)
    holds = all(_holds(column, frame[name]) for name, column in form.columns.items())
    return frame if holds else None


def _read_csv(form: _Format, lines: bytes) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(lines),
        names=list(form.columns),
        header=None,
        # told to read whole numbers, pandas would also take 2.0
        dtype={name: dtype for name, dtype in _dtypes(form).items() if dtype != _WHOLE},
        low_memory=False,
        # of numbers alone, as a name may be "nan"
        na_values={name: ["nan"] for name, column in form.columns.items() if column == NUMBER},
        keep_default_na=False,
        quoting=csv.QUOTE_NONE,
        float_precision=_PRECISION,
    )


def _longest_line(lines: bytes) -> int:
    ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n"))
    return int(np.diff(ends, prepend=-1).max(initial=0))


def _holds(column: Column, values: "pd.Series[Any]") -> bool:
    """Return whether parsed values are what ``column.parse`` would return."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        # names that are all numbers become numbers, which are other names: 5.0 and 5
        names = values.cat.categories
        return all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME for name in names)
    if column.least is None:
        return True
    return values.dtype == _WHOLE and bool((values >= column.least).all())


def _line_by_line(form: _Format, file: _File) -> pd.DataFrame:
    frame = pd.DataFrame(form.parse(file.path, file.data), columns=list(form.columns))
    return frame.astype(_dtypes(form)).assign(file=np.int32(file.number))


def _dtypes(form: _Format) -> dict[Hashable, str]:
    return {name: column.dtype for name, column in form.columns.items()}
