"""Values in messages: as YAML has them, on one line, and short however large they are."""

from itertools import islice
from reprlib import Repr

from urnn_bench import text

_LONGEST = 60
_CUT = "..."


def shown(value: object) -> str:
    """Return a value as a benchmark file would have it, shortened; a list or mapping says so."""
    kinds: dict[type, str] = {list: "a list ", tuple: "a list ", dict: "a mapping "}
    return kinds.get(type(value), "") + _cut(_NOTATION.repr(value))


def written(value: object) -> str:
    """Return a value as ``--set`` takes it, shortened."""
    return shown_name(value) if isinstance(value, str) else _cut(_NOTATION.repr(value))


def shown_name(name: object) -> str:
    """Return a key, a path or a name on one line, shortened and without quotes."""
    return _cut(text.line(str(name)[: _LONGEST + 1]))


def _cut(shown_text: str) -> str:
    if len(shown_text) <= _LONGEST:
        return shown_text
    return shown_text[: _LONGEST - len(_CUT)] + _CUT


# whose decimal digits Python still writes
_MOST_BITS = 10_000


class _Notation(Repr):
    """Python's own abbreviation of large values, with the words and the mappings of YAML."""

    def repr_NoneType(self, _value: None, _level: int) -> str:  # noqa: N802  called by type name
        return "null"

    def repr_bool(self, value: bool, _level: int) -> str:
        return "true" if value else "false"

    def repr_float(self, value: float, _level: int) -> str:
        # these begin with a dot in YAML
        number = repr(value)
        return number.replace("inf", ".inf").replace("nan", ".nan")

    def repr_tuple(self, value: tuple[object, ...], level: int) -> str:
        return self.repr_list([*value[: self.maxlist + 1]], level)

    def repr_int(self, value: int, level: int) -> str:
        # Python refuses to write a number of more than 4,300 digits
        digits_may_be_too_many = value.bit_length() > _MOST_BITS
        return "a huge number" if digits_may_be_too_many else super().repr_int(value, level)

    def repr_dict(self, value: dict[object, object], level: int) -> str:
        if level <= 0 and value:
            return f"{{{_CUT}}}"
        pairs = [
            f"{shown_name(key)}: {self.repr1(item, level - 1)}"
            for key, item in islice(value.items(), self.maxdict)
        ]
        return f"{{{', '.join([*pairs, *[_CUT] * (len(value) > self.maxdict)])}}}"


_NOTATION = _Notation()
_NOTATION.maxstring = _NOTATION.maxlong = _NOTATION.maxother = _LONGEST
