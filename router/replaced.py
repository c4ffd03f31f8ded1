"""A file that is always whole: readers see the old content or the new one, whenever a process or a machine stops.

The new content is written beside the file, brought to the disk, and only then given the file's name, in one step.
Source: POSIX rename; Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014), on why both the file and
its folder have to be synced.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


def replace(path: Path, content: bytes) -> None:
    """Write *content* to a file, as a whole or not at all. The file is its owner's alone to read.

    Through a symbolic link, what it points to is replaced. This waits for the disk: not for an event loop.

    Raises:
        OSError: it could not be written; what was there still is.
    """
    path = path.resolve()
    with NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as beside:
        try:
            beside.write(content)
            beside.flush()
            os.fsync(beside.fileno())
            beside.close()  # Windows renames no open file
            Path(beside.name).replace(path)
        except BaseException:
            beside.close()
            Path(beside.name).unlink()
            raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    with suppress(PermissionError):  # Windows opens no folder, and does without
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
