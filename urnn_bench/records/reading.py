"""Lines of a CSV file that anybody may have changed: each is what it should be, or left out.

A spreadsheet may have saved the file with other separators, a process may have been killed within a
line, and a name in a results folder may be a device that never ends. What is read can be drawn.
"""

import csv
import io
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import ascii_letters, digits, punctuation
from typing import Generic, NamedTuple, TypeVar

from urnn_bench.files import read_bytes
from urnn_bench.records.lines import RecordsWarning

Line = TypeVar("Line", bound=tuple[object, ...])

# probes of 10,000 steps at a hundred updates have 300 MB
LIMIT_MB = 512.0
# longer than any line that is written
LONGEST_LINE, LONGEST_NAME = 1000, 200
# all that a line has unless a name in it is unusual; neither quotes nor spaces
_PLAIN = "".join({*ascii_letters, *digits, *punctuation} - {'"', ","}).encode()
_WHOLE = re.compile(r"[+-]?[0-9]+")
_LARGEST_WHOLE = 2**63 - 1


class Column(NamedTuple):
    """What a column holds; ``parse`` raises ValueError for text that is not that."""

    parse: Callable[[str], object]
    dtype: str
    least: int | None = None


def _whole_from(least: int) -> Column:
    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= (number := int(text)) <= _LARGEST_WHOLE:
            raise ValueError(text)
        return number

    return Column(parse, "int64", least)


def _number(text: str) -> float:
    # float() takes digits of every script, spaces around them and underscores between them
    if not text.isascii() or "_" in text or text != text.strip():
        raise ValueError(text)
    return float(text)


def _name(text: str) -> str:
    if not text.isprintable() or not 0 < len(text) <= LONGEST_NAME:
        raise ValueError(text)
    return text


COUNT_FROM_0, COUNT_FROM_1 = _whole_from(0), _whole_from(1)
NUMBER, NAME = Column(_number, "float64"), Column(_name, "category")


@dataclass(frozen=True)
class LineFormat(Generic[Line]):
    """The columns of a file, by the names in its header, and the tuple that a line becomes.

    ``longer`` is what a file with more columns has.
    """

    line: Callable[..., Line]
    columns: Mapping[str, Column]
    longer: "LineFormat[Line] | None" = None

    def of(self, data: bytes) -> "LineFormat[Line]":
        """Return the format that a file's bytes have by their header."""
        return self.longer if self.longer and data.startswith(self.longer.header) else self

    def read(self, path: Path) -> list[Line]:
        """Return every line below the header; warn once of those that are left out."""
        data = content(path)
        return self.of(data).parse(path, data) if data else []

    def check(self, path: Path) -> None:
        """Warn of lines that would be left out, by a quick look at a file that is as written."""
        data = content(path)
        if data and not self.of(data).is_plain(data):
            self.of(data).parse(path, data)

    def parse(self, path: Path, data: bytes) -> list[Line]:
        """Return every line in the bytes of a file."""
        lines = io.BytesIO(data)
        fault = self._header_fault(lines.readline())
        read = [None if fault else self._line(line) for line in lines]
        kept = [line for line in read if line is not None]
        if fault:
            _warn(f"{path}: left out with {_count(len(read))}: {fault}")
        elif damaged := len(read) - len(kept):
            _warn(f"{path}: {_count(damaged)} cut short or damaged, left out")
        return kept

    @cached_property
    def header(self) -> bytes:
        """The first line as it is written."""
        return f"{','.join(self.columns)}\n".encode()

    def is_plain(self, data: bytes) -> bool:
        """Return whether every line has its separators and nothing unusual, by a quick look."""
        separators = b"," * (len(self.columns) - 1) + b"\n"
        rest = data.translate(None, _PLAIN)
        return data.startswith(self.header) and rest == separators * data.count(b"\n")

    def _header_fault(self, header: bytes) -> str:
        """Return what is wrong with a header, or nothing."""
        names = _fields(header.removeprefix(_BYTE_ORDER_MARK))
        if names == list(self.columns):
            return ""
        text = header[:_SHOWN].decode(errors="replace").strip()
        by_spreadsheet = ";" in text or "\t" in text or header.startswith(_BYTE_ORDER_MARK)
        hint = "; a spreadsheet seems to have saved it; restore the file" if by_spreadsheet else ""
        return f"its header is {text!r} and not '{','.join(self.columns)}'{hint}"

    def _line(self, raw: bytes) -> Line | None:
        fields = _fields(raw) or ()
        try:
            pairs = zip(self.columns.values(), fields, strict=True)
            return self.line(*(column.parse(text) for column, text in pairs))
        except ValueError:
            return None


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 80


def content(path: Path) -> bytes | None:
    """Return the bytes of a file; None if there is none, or, with a warning, if it is no file."""
    try:
        return read_bytes(path, LIMIT_MB)
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(f"{path}: cannot be read ({error.strerror}), left out")
        return None


def _fields(raw: bytes) -> list[str] | None:
    """Return the fields of a line; None if it is incomplete or damaged."""
    if not raw.endswith(b"\n") or len(raw) > LONGEST_LINE:
        return None
    try:
        # line by line, so that a stray quote does not swallow the next ones
        (fields,) = csv.reader([raw.decode().rstrip("\r\n")])
    except (ValueError, csv.Error):
        return None
    return fields


def _count(lines: int) -> str:
    return f"{lines} line{'s' * (lines != 1)}"


def _warn(text: str) -> None:
    warnings.warn(text, RecordsWarning, 3)
