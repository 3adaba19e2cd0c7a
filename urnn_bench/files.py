"""Files that are either complete or absent."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".part"


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a temporary file in the folder of ``path`` and rename it once it is on the disk.

    In the same folder, as a rename is atomic within a file system only. Raises what ``write``
    raises, and OSError; ``path`` is then as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            # before the rename: after a power cut the name may be on the disk and the content not
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner can read
        os.chmod(name, 0o644)
        os.replace(name, path)
    # an interrupt too must not leave the partial file
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
