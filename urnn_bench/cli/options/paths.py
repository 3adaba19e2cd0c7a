"""Parsers of paths on the command line: every option and argument that takes one has such a parser.

A shell leaves ``~`` as it is in ``--results=~/runs`` and in a variable.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from urnn_bench import files
from urnn_bench.errors import UsageError


@dataclass(frozen=True)
class PathOf:
    """The parser of the option or argument ``name``, which is the path of a file or folder."""

    name: str

    def __call__(self, given: str) -> Path:
        """Return the path with ``~`` expanded; raise UsageError if it is empty or has no user."""
        _require_text(self.name, given)
        try:
            return files.expanded(given)
        except OSError as error:
            raise UsageError(f"{self.name} {given}: {error.strerror}") from error


@dataclass(frozen=True)
class FolderOf(PathOf):
    """The parser of the option ``name``, which is the path of a folder; there may be none yet."""

    def __call__(self, given: str) -> Path:
        """Return the path; raise UsageError also if there is a file."""
        path = super().__call__(given)
        if os.path.exists(path) and not os.path.isdir(path):
            raise UsageError(f"{self.name} {given}: is a file; give a folder")
        return path


@dataclass(frozen=True)
class NameOrPathOf:
    """The parser of the option or argument ``name``, which is a name or the path of a file."""

    name: str

    def __call__(self, given: str) -> str:
        """Return a path with ``~`` expanded, and a name as it is; raise UsageError as for paths."""
        _require_text(self.name, given)
        is_path = given.startswith("~") and (os.sep in given or os.path.expanduser(given) != given)
        return str(PathOf(self.name)(given)) if is_path else given


def _require_text(name: str, given: str) -> None:
    if not str(given).strip():
        raise UsageError(f"{name} is empty; is a variable unset?")
