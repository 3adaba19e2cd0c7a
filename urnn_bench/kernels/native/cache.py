"""Compiled kernels in the user's cache folder, none of which is loaded unless it is what it was.

A file's name holds a key, which says what it was compiled from and for which processor, and the
SHA-256 of the key and the content. So a file that was cut short, overwritten or renamed is found
out, and so is one that another user may have written; it is removed and compiled again.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from urnn_bench.files import (
    cache_folder,
    is_stale,
    make_trusted_folder,
    read_trusted,
    remove_if_allowed,
    write_atomically,
)

_SUFFIX = ".so"
_LIMIT_MB = 16
_DAY_S = 24 * 3600.0
# machines that share a home folder keep their kernels young by using them
_UNUSED_S = 90 * _DAY_S


class Kernel(NamedTuple):
    """What a file of the cache is: the name of its source, and the key of all it depends on."""

    name: str
    key: str

    def path(self, content: bytes) -> Path:
        """Return where a compiled kernel with this content belongs."""
        digest = hashlib.sha256(self.key.encode() + content).hexdigest()[:32]
        return folder() / f"{self.name}-{self.key}-{digest}{_SUFFIX}"


def folder() -> Path:
    """Return the folder of the compiled kernels."""
    return cache_folder() / "kernels"


def problem() -> str | None:
    """Return why compiled kernels cannot be kept in the folder, or None."""
    try:
        make_trusted_folder(folder())
    except OSError as error:
        return _sentence(error)
    return None if os.access(folder(), os.W_OK) else f"{folder()}: is not writable"


def contents(kernel: Kernel) -> Iterator[bytes]:
    """Yield the content of each intact file of a kernel; remove those that are not."""
    try:
        make_trusted_folder(folder())
        paths = sorted(folder().glob(f"{kernel.name}-{kernel.key}-*{_SUFFIX}"))
    except OSError:
        return
    for path in paths:
        content = _verified(kernel, path)
        if content is None:
            remove_if_allowed(path)
        else:
            _mark_used(path)
            yield content


def store(kernel: Kernel, content: bytes) -> str | None:
    """Keep a compiled kernel; return why that is not possible, or None."""
    try:
        make_trusted_folder(folder())
        _tidy()
        write_atomically(kernel.path(content), lambda file: file.write(content))
    except OSError as error:
        return _sentence(error)
    return None


def discard(kernel: Kernel, content: bytes) -> None:
    """Remove a kernel that is intact and yet cannot be loaded."""
    remove_if_allowed(kernel.path(content))


def _verified(kernel: Kernel, path: Path) -> bytes | None:
    try:
        content = read_trusted(path, _LIMIT_MB)
    except OSError:
        return None
    return content if kernel.path(content) == path else None


def _mark_used(path: Path) -> None:
    with suppress(OSError):
        # not at every use: the folder may be on a network
        if is_stale(path, _DAY_S):
            os.utime(path)


def _tidy() -> None:
    """Remove what killed compilers left, and kernels that no machine has used for long."""
    for path in folder().iterdir():
        is_old = is_stale(path, _UNUSED_S) if path.suffix == _SUFFIX else is_stale(path)
        if is_old:
            remove_if_allowed(path)


def _sentence(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}"
