"""Tiny Shakespeare: a million characters of plays, predicted one after the other.

Karpathy (2015), "The Unreasonable Effectiveness of Recurrent Neural Networks"; the text is in the
public domain. The first nine tenths are for training, half of the rest each for validation and
test.
"""

from functools import cache

from urnn_bench.data import store
from urnn_bench.data.store import DataSet
from urnn_bench.tasks._text import TextOptions, Texts, TextTask

_FILE = "input.txt"
_SOURCE = DataSet(
    name="tinyshakespeare",
    about="Karpathy: Tiny Shakespeare, from the plays of William Shakespeare",
    licence="the text is in the public domain; char-rnn, which it comes from, is MIT",
    mirrors=(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",
        "https://cdn.jsdelivr.net/gh/karpathy/char-rnn@master/data/tinyshakespeare/",
    ),
    files={_FILE: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"},
)


class Shakespeare(TextTask):
    """Plays, by characters unless ``unit`` is words."""

    Options = TextOptions
    data = _SOURCE

    def load(self) -> Texts:
        """Return nine tenths, a twentieth and a twentieth of the text."""
        return _read()


@cache
def _read() -> Texts:
    text = store.read(_SOURCE, _FILE)[0].decode("ascii")
    first, second = len(text) * 18 // 20, len(text) * 19 // 20
    return Texts(text[:first], text[first:second], text[second:])
