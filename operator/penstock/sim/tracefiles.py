"""Opens trace files, plain or packed, and says which one cannot be read."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from penstock.domain.errors import InvalidField


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Give the text of a file, unpacked where its name ends in `.gz`.

    Raises:
        InvalidField: it cannot be opened, or turns out unreadable while it is read.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            yield file
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidField("trace", str(path), f"name a readable trace file ({type(error).__name__})") from error
