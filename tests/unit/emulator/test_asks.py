"""Bodies of requests: what is read from them, and what is refused with which words."""

from typing import Any

import msgspec
import pytest

from penstock.emulator.asks import Ask, read_ask
from penstock.emulator.refusals import ApiError, injected
from penstock.settings.engine import Faults


def ask(*, chat: bool = False, **body: Any) -> Ask:
    return read_ask(msgspec.json.encode(body), chat=chat)


def test_a_chat_counts_the_text_of_all_messages_and_echoes_the_last() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": [{"type": "text", "text": "Hi you"}, {"type": "image_url", "image_url": {}}]},
    ]

    read = ask(chat=True, model="m", messages=messages, max_tokens=3, max_completion_tokens=9, priority=-2, n=2)

    assert read.prompts[0].tokens == ("Be", "brief", ".", "Hi", "you")
    assert read.prompts[0].echo == "Hi you\n"
    assert (read.max_tokens, read.priority, read.choices, read.stream, read.include_usage) == (9, -2, 2, False, False)


@pytest.mark.parametrize(
    ("prompt", "tokens", "echoes"),
    [
        pytest.param("a b", [("a", "b")], ["a b"], id="text"),
        pytest.param(["a b", "c"], [("a", "b"), ("c",)], ["a b", "c"], id="texts"),
        pytest.param([5, 6], [(5, 6)], ["5,6"], id="ids"),
        pytest.param([[5], [6, 7]], [(5,), (6, 7)], ["5", "6,7"], id="lists of ids"),
    ],
)
def test_forms_of_a_prompt(prompt: object, tokens: list[tuple[object, ...]], echoes: list[str]) -> None:
    read = ask(model="m", prompt=prompt, stream=True, stream_options={"include_usage": True}, unknown={"x": 1})

    assert [one.tokens for one in read.prompts] == tokens
    assert [one.echo for one in read.prompts] == echoes
    assert (read.stream, read.include_usage, read.max_tokens) == (True, True, None)


@pytest.mark.parametrize(
    ("chat", "body", "message"),
    [
        pytest.param(False, b"{bad}", "Failed to read and parse request body, ", id="no JSON"),
        pytest.param(False, b"\xff", "Failed to read and parse request body, ", id="no text"),
        pytest.param(False, b'{"prompt": "a", "max_tokens": "3"}', r"Expected `int . null`, got `str`", id="type"),
        pytest.param(False, b'{"prompt": "a", "max_tokens": 0}', "should be positive", id="no tokens"),
        pytest.param(False, b'{"prompt": "a", "ignore_eos": true}', "Ignore_eos is true but", id="endless"),
        pytest.param(False, b'{"prompt": "a", "n": 129}', "at most 128 answers", id="too many choices"),
        pytest.param(False, b'{"prompt": ""}', "prompt must be a text", id="empty text"),
        pytest.param(False, b'{"prompt": []}', "prompt must not be empty", id="empty list"),
        pytest.param(False, b'{"prompt": ["a", [1]]}', "", id="mixed is fine"),
        pytest.param(False, b'{"prompt": ["a", []]}', "prompt must be a text", id="empty element"),
        pytest.param(False, b'{"prompt": [{"a": 1}]}', "prompt must be a text", id="object"),
        pytest.param(True, b'{"messages": []}', "messages must hold at least one", id="no messages"),
        pytest.param(True, b'{"messages": [{"content": "a"}]}', "missing required field `role`", id="no role"),
    ],
)
def test_bad_bodies(chat: bool, body: bytes, message: str) -> None:
    if not message:
        assert len(read_ask(body, chat=chat).prompts) == 2
        return
    with pytest.raises(ApiError, match=f"400: .*{message}"):
        read_ask(body, chat=chat)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "BadRequestError"), (401, "AuthenticationError"), (404, "NotFoundError"), (418, "APIConnectionError"),
     (429, "RateLimitError"), (503, "InternalServerError")],
)  # fmt: skip
def test_the_type_of_an_error_follows_its_status(status: int, kind: str) -> None:
    body = msgspec.json.decode(ApiError(status, "why", "field").body())

    assert body == {"error": {"message": "why", "type": kind, "param": "field", "code": status}}


@pytest.mark.parametrize(
    ("share", "pick", "status"),
    [
        pytest.param(0.25, 0.0, None, id="above the rate"),
        pytest.param(0.24, 0.0, 429, id="below it"),
        pytest.param(0.0, 0.99, 404, id="the last type"),
    ],
)
def test_injected_failures(share: float, pick: float, status: int | None) -> None:
    failure = injected(Faults(rate_percent=25), share, pick, "m")

    assert (failure.status if failure else None) == status


def test_failures_can_be_narrowed_to_types() -> None:
    faults = Faults(rate_percent=100, types=("invalid_api_key", "model_not_found"))

    messages = [failure.message for pick in (0.0, 0.5) if (failure := injected(faults, 0.99, pick, "m"))]

    assert messages == ["Incorrect API key provided.", "The model `m-nonexistent` does not exist."]
