"""Where the runs below a results folder are, also those of benchmarks whose folders are links."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.record import NAME

# of folders below the results, as the name of a benchmark may have parts, and of links among them
_DEEPEST, _MOST_LINKS = 8, 2


def run_folders(results: Path, deepest: int = _DEEPEST) -> Iterator[Path]:
    """Yield every folder below the results that holds a record, at most ``deepest`` levels down.

    Links are followed, except one to a folder that it is in, which would have no end.
    """
    above = (*map(str, Path(os.path.realpath(results)).parents), str(results))
    return _run_folders(above, deepest, _MOST_LINKS)


def _run_folders(above: tuple[str, ...], depth: int, links: int) -> Iterator[Path]:
    """Yield the folders with a record below the last of the folders ``above``."""
    for entry in _folders(above[-1]):
        is_link = entry.is_symlink()
        if is_link and (not links or any(_is_same(entry.path, folder) for folder in above)):
            continue
        is_open, has_record = _looked_into(entry.path)
        if has_record:
            yield Path(entry.path)
        if is_open and depth > 1:
            yield from _run_folders((*above, entry.path), depth - 1, links - is_link)


def _looked_into(folder: str) -> tuple[bool, bool]:
    """Return whether a folder can be looked into, and whether it holds a record."""
    try:
        os.stat(os.path.join(folder, NAME))
    except PermissionError as error:
        _warn_unreadable(folder, error)
        return False, False
    except (OSError, ValueError):
        return True, False
    return True, True


def _warn_unreadable(folder: str, error: OSError) -> None:
    # a file system keeps hidden folders of its own
    if not os.path.basename(folder).startswith("."):
        problem = f"cannot be read ({error.strerror}), and its runs are left out"
        warnings.warn(f"{folder}: {problem}; change its permissions", RecordsWarning, 2)


def _folders(folder: str) -> list[os.DirEntry[str]]:
    """Return the folders in a folder, links to folders included; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if _is_folder(entry)]
    except PermissionError as error:
        _warn_unreadable(folder, error)
        return []
    except (OSError, ValueError):
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    # links that lead to each other
    except OSError:
        return False


def _is_same(folder_a: str, folder_b: str) -> bool:
    try:
        return os.path.samefile(folder_a, folder_b)
    except OSError:
        return False
