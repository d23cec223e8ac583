"""Answers on the wire: JSON bodies, and server-sent events built from pieces that do not change within a stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

_encode: Final = msgspec.json.encode
DONE: Final = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Token counts of one request, over all its choices."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int

    def shown(self) -> dict[str, Any]:
        """Return it as OpenAI writes it."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What every part of one answer repeats."""

    chat: bool
    id: str
    model: str
    created: int

    def head(self, kind: str, usage: Usage | None) -> dict[str, Any]:
        """Return the fields before `choices`."""
        return {
            "id": f"{'chatcmpl' if self.chat else 'cmpl'}-{self.id}",
            "model": self.model,
            "object": kind,
            "created": self.created,
            "usage": usage.shown() if usage else None,
        }


def whole(face: Face, answers: Sequence[tuple[str, str]], usage: Usage) -> bytes:
    """Return the body of an answer that is not streamed; `answers` are pairs of text and finish reason."""
    choices = [
        {"index": index, "finish_reason": reason} | _whole_text(text, chat=face.chat)
        for index, (text, reason) in enumerate(answers)
    ]
    kind = "chat.completion" if face.chat else "text_completion"
    return _encode({**face.head(kind, usage), "choices": choices})


def _whole_text(text: str, *, chat: bool) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}} if chat else {"text": text}


class Chunks:
    """The events of one stream. Only the text differs from one token's event to the next."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._kind = "chat.completion.chunk" if face.chat else "text_completion"
        self._head = b"data: " + _encode(face.head(self._kind, None))[:-1] + b',"choices":[{"index":'
        before, self._after = (b'"delta":{"content":', b"}}]}\n\n") if face.chat else (b'"text":', b"}]}\n\n")
        self._before = b',"finish_reason":null,' + before

    def role(self, index: int) -> bytes:
        """Return the first event of a choice: who speaks, in a chat; nothing otherwise."""
        if not self._face.chat:
            return b""
        return self._head + b'%d,"finish_reason":null,"delta":{"role":"assistant"}}]}\n\n' % index

    def token(self, index: int, text: str) -> bytes:
        """Return the event of one token."""
        return self._head + b"%d" % index + self._before + _encode(text) + self._after

    def last(self, index: int, reason: str) -> bytes:
        """Return the last event of a choice."""
        end = b"delta" + b'":{}}]}\n\n' if self._face.chat else b"text" + b'":""}]}\n\n'
        return self._head + b'%d,"finish_reason":"%s","' % (index, reason.encode()) + end

    def usage(self, usage: Usage) -> bytes:
        """Return the event that holds the token counts and no choice."""
        return b"data: " + _encode({**self._face.head(self._kind, usage), "choices": []}) + b"\n\n"
