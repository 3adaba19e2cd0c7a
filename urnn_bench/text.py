"""Text of a user's files, and text on its way out, made safe for each format.

Names, reasons and settings may come from a stranger's records. In a terminal they must not move the
cursor, in a table not add a column, in a spreadsheet not run a formula, in a page not add a tag.
"""

import codecs
import re
from collections.abc import Callable, Mapping

# C0 and C1 controls, the marks that reorder text, line separators, and lone surrogates
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_SURROGATES = "\ud800-\udfff"
_CONTROLS = re.compile(f"[{_UNPRINTABLE}{_SURROGATES}]")
_CONTROLS_BUT_LINES = re.compile(f"(?![\n\t])[{_UNPRINTABLE}{_SURROGATES}]")
_FORMULA = ("=", "+", "-", "@")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~&])")

# what this program writes itself, for terminals that cannot show it
_PLAIN: Mapping[str, str] = {
    "–": "-",
    "—": "-",
    "…": "...",
    "×": "x",
    "·": "*",
    "±": "+-",
    "‖": "||",
    "∂": "d",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "²": "^2",
    "μ": "u",
    "µ": "u",
    "’": "'",
    "“": '"',
    "”": '"',
}


def decoded(content: bytes) -> str:
    """Return the text of a file in UTF-8 with \\n at the end of every line; raise ValueError.

    A byte order mark is not part of it, and \\r\\n and \\r end a line too.
    """
    text = content.decode("utf-8-sig")
    # of letters below 256, every other byte of UTF-16 is 0; without a mark that is valid UTF-8
    if text.count("\0") > _NUL_SHARE * len(text):
        raise ValueError("it is full of bytes that are 0, as UTF-16 has them")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, which end with \\n, \\r\\n or \\r and nothing else.

    ``str.splitlines`` also cuts at form feeds and at other characters that a line may hold.
    """
    lines = _LINE_END.split(text)
    return lines if lines[-1] else lines[:-1]


_LINE_END = re.compile(r"\r\n|\r|\n")
_NUL_SHARE = 0.02


def line(text: str) -> str:
    """Return text on one line in which every control character is shown as its escape."""
    return _CONTROLS.sub(_escape, text)


def lines(text: str) -> str:
    """Return text whose line breaks and tabs are kept and other control characters are shown."""
    return _CONTROLS_BUT_LINES.sub(_escape, text)


def with_escapes(text: str, is_lacking: Callable[[str], bool]) -> str:
    """Return text in which every character that is lacking is shown as its escape."""
    return "".join(_escaped(c) if is_lacking(c) else c for c in text)


def message(text: str) -> str:
    """Return a message on one line: its line breaks become spaces, its other controls escapes."""
    return line(" ".join(part.strip() for part in text.splitlines()))


def json_document(document: str) -> str:
    """Return a JSON document whose control characters are escaped as JSON escapes them."""
    return _CONTROLS_BUT_LINES.sub(lambda match: f"\\u{ord(match.group()):04x}", document)


def csv_field(text: str) -> str:
    """Return text that a spreadsheet takes as text, also if it begins like a formula."""
    text = line(text)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is: no tag, no link, no new column."""
    return _MARKDOWN.sub(r"\\\1", line(text))


def plain_fallback(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks: by a similar character, else by its escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    replaced = "".join(_PLAIN.get(c) or _escaped(c) for c in error.object[error.start : error.end])
    return replaced, error.end


FALLBACK = "urnn-bench-plain"
codecs.register_error(FALLBACK, plain_fallback)


def _escape(match: "re.Match[str]") -> str:
    return _escaped(match.group())


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if ord(character) < _ASCII:
        return f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode()


_ASCII = 128
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
