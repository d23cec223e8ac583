"""Who takes what arrives on one stream."""

from typing import Final, Protocol


class Receiver(Protocol):
    """Takes what arrives on one stream. After `reset` nothing more arrives, and nothing that is sent gets out."""

    def data(self, chunk: bytes) -> None:
        """Take a part of the body."""
        ...

    def end(self) -> None:
        """Note that the peer has said all."""
        ...

    def reset(self) -> None:
        """Note that the stream or its connection is gone."""
        ...


class _Nobody:
    """Receiver of a stream that was refused before it had one."""

    def data(self, chunk: bytes) -> None: ...

    def end(self) -> None: ...

    def reset(self) -> None: ...


NOBODY: Final = _Nobody()
