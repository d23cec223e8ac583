"""The bodies of completions and chat completions, decoded and checked."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from penstock.emulator.refusals import ApiError
from penstock.emulator.words import tokens_of

_MOST_CHOICES: Final = 128


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Common(msgspec.Struct):
    model: str = ""
    stream: bool = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    n: int | None = None
    ignore_eos: bool = False
    priority: int = 0


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None


class _Chat(_Common):
    messages: list[_Message] = msgspec.field(default_factory=list)
    max_completion_tokens: int | None = None


class _Text(_Common):
    prompt: str | list[Any] = ""


_CHAT: Final = msgspec.json.Decoder(_Chat)
_TEXT: Final = msgspec.json.Decoder(_Text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt: its tokens, and what `--mode echo` gives back."""

    tokens: tuple[object, ...]
    echo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a client wants. Each prompt gets `choices` answers; `max_tokens` is None where none was named."""

    chat: bool
    model: str
    prompts: tuple[Prompt, ...]
    choices: int
    max_tokens: int | None
    ignore_eos: bool
    stream: bool
    include_usage: bool
    priority: int


def read_ask(body: bytes, *, chat: bool) -> Ask:
    """Decode one body.

    Raises:
        ApiError: 400, not JSON of the expected types, or a value that cannot be.
    """
    try:
        decoded = _CHAT.decode(body) if chat else _TEXT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ApiError(400, f"Failed to read and parse request body, {error}") from None
    prompts = _chat_prompts(decoded) if isinstance(decoded, _Chat) else _text_prompts(decoded.prompt)
    limit = decoded.max_tokens
    if isinstance(decoded, _Chat) and decoded.max_completion_tokens is not None:
        limit = decoded.max_completion_tokens
    return _checked(
        Ask(
            chat=chat,
            model=decoded.model,
            prompts=prompts,
            choices=decoded.n or 1,
            max_tokens=limit,
            ignore_eos=decoded.ignore_eos,
            stream=decoded.stream,
            include_usage=decoded.stream_options is not None and decoded.stream_options.include_usage,
            priority=decoded.priority,
        )
    )


def _checked(ask: Ask) -> Ask:
    if ask.max_tokens is not None and ask.max_tokens <= 0:
        raise ApiError(400, "Max completion tokens and max tokens should be positive", "max_tokens")
    if ask.ignore_eos and ask.max_tokens is None:
        raise ApiError(400, "Ignore_eos is true but max_completion_tokens (or max_tokens) is not set", "max_tokens")
    if not 1 <= ask.choices * len(ask.prompts) <= _MOST_CHOICES:
        raise ApiError(400, f"n must be at least 1, and at most {_MOST_CHOICES} answers are given to a request", "n")
    return ask


def _chat_prompts(decoded: _Chat) -> tuple[Prompt, ...]:
    if not decoded.messages:
        raise ApiError(400, "messages must hold at least one message", "messages")
    texts = [_content(message) for message in decoded.messages]
    return (Prompt(tokens=tuple(tokens_of("\n".join(texts))), echo=texts[-1]),)


def _content(message: _Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text for part in message.content)
    return message.content or ""


def _text_prompts(prompt: str | list[Any]) -> tuple[Prompt, ...]:
    if isinstance(prompt, str):
        return (_text_prompt(prompt),)
    if not prompt:
        raise ApiError(400, "prompt must not be empty", "prompt")
    if all(isinstance(item, int) for item in prompt):
        return (_text_prompt(prompt),)
    return tuple(_text_prompt(item) for item in prompt)


def _text_prompt(prompt: object) -> Prompt:
    if isinstance(prompt, str) and prompt:
        return Prompt(tokens=tuple(tokens_of(prompt)), echo=prompt)
    if isinstance(prompt, list) and prompt and all(isinstance(item, int) for item in prompt):
        return Prompt(tokens=tuple(prompt), echo=",".join(map(str, prompt)))
    raise ApiError(400, "prompt must be a text, token ids, or a list of either, none of them empty", "prompt")
