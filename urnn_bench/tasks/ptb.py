"""Language modelling on files of yours: ptb.train.txt, ptb.valid.txt and ptb.test.txt.

The form of Mikolov et al. (2010) for the Penn Treebank, one sentence a line, whose texts are
licensed and therefore not fetched; any other corpus in three files will do. They are looked for in
``ptb/`` of the data folder, or in that of another name (``corpus``), with or without the first part
of their names. The SHA-256 of what is read stands in the fingerprint of every run.

The files are UTF-8; a byte order mark is not part of the text. Lines end with LF, CRLF or CR, which
all give the same tokens. No other character ends a line.
"""

from functools import lru_cache
from pathlib import Path

from pydantic import Field

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.tasks._text import TextOptions, Texts, TextTask, Unit
from urnn_bench.text import decoded

_SPLITS = ("train", "valid", "test")


class PtbOptions(TextOptions):
    """Whose files, and what a token is."""

    unit: Unit = Field("words", description="what a token is; a line ends with the word <eos>")
    corpus: str = Field(
        "ptb",
        min_length=1,
        max_length=100,
        description="folder of the three files, below the data folder",
    )


class Ptb(TextTask):
    """A corpus of three files."""

    Options = PtbOptions
    options: PtbOptions

    def load(self) -> Texts:
        """Return the texts; raise DataError if one is missing, empty or not UTF-8."""
        return _read(self.options.corpus, store.folders())


@lru_cache(maxsize=4)
def _read(corpus: str, folders: tuple[Path, ...]) -> Texts:
    return Texts(*(_text(corpus, split, folders) for split in _SPLITS))


def _text(corpus: str, split: str, folders: tuple[Path, ...]) -> str:
    names = (f"{corpus}.{split}.txt", f"{split}.txt")
    path = next((p for f in folders for n in names if (p := f / corpus / n).is_file()), None)
    if path is None:
        raise DataError(
            f"{corpus}: {names[0]} is not in {folders[0] / corpus}; put it there, or "
            "say by --data-dir where it lies: it is yours to bring"
        )
    try:
        text = decoded(path.read_bytes())
    # a UnicodeDecodeError is a ValueError
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    if not text.strip():
        raise DataError(f"{path}: is empty")
    return text
