"""The last good policy on disk, so that a restarted router goes on with it while the operator is away."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.api.document import NotJson, decode, encode
from penstock.domain.errors import InvalidField
from penstock.domain.policies import PolicyDocument

FILE: Final = "policy.json"


@dataclass(frozen=True, slots=True)
class PolicyDisk:
    """One file in the state folder; it is replaced as a whole or not at all."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FILE

    def load(self) -> PolicyDocument | None:
        """Return the stored document; None where there is none.

        Raises:
            InvalidField: the file is there but holds no document that can be used.
        """
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidField("--state-dir", str(self.path), f"make it readable ({error.strerror})") from None
        try:
            return decode(raw)
        except (NotJson, InvalidField) as error:
            raise InvalidField("--state-dir", str(self.path), f"delete it; it is ignored ({error})") from None

    def save(self, document: PolicyDocument) -> None:
        """Store a document; after a crash at any moment the old or the new one is there, never half of one.

        Raises:
            OSError: the folder cannot be made or written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(json.dumps(encode(document)).encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
