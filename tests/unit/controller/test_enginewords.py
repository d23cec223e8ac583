"""Batch limits as vLLM's command lines tell them."""

from typing import Any

import pytest

from penstock.controller.enginewords import max_num_seqs, token_budget


def spec(*args: str, command: tuple[str, ...] = (), **env: str) -> dict[str, Any]:
    named = [{"name": name, "value": value} for name, value in env.items()]
    return {"containers": [{"name": "engine", "command": list(command), "args": list(args), "env": named}]}


@pytest.mark.parametrize(
    ("given", "budget"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param(spec("--model", "m"), None, id="nothing of batches"),
        pytest.param(spec("--max-num-batched-tokens=4096"), 4096, id="one word"),
        pytest.param(spec("--max-num-batched-tokens", "4096"), 4096, id="two words"),
        pytest.param(spec("--max_num_batched_tokens", "4096"), 4096, id="underscores"),
        pytest.param(
            spec(command=("sh", "-c", "vllm serve m --max-num-batched-tokens '512' --port 1")), 512, id="in a shell"
        ),
        pytest.param(
            spec("--max-num-batched-tokens=1", "--max-num-batched-tokens=2"), 2, id="the last one counts, as there"
        ),
        pytest.param(spec("--max-num-batched-tokens=many"), None, id="no number"),
        pytest.param(spec("--enable-chunked-prefill"), 8192, id="chunks"),
        pytest.param(
            spec("--enable-chunked-prefill", "--port=1", VLLM_USE_V1="0"), 2048, id="chunks of the old engine"
        ),
        pytest.param(spec(VLLM_USE_V1="0"), 2048, id="the old engine takes whole prompts"),
        pytest.param(spec("--max-model-len=32768", VLLM_USE_V1="0"), 32768, id="as long as they may be"),
        pytest.param(spec("--no-enable-chunked-prefill", "--max-model-len", "16000"), 16000, id="no chunks"),
        pytest.param(spec("--enable-chunked-prefill=false"), 2048, id="no chunks, said otherwise"),
        pytest.param(spec("--max-model-len=32768"), None, id="the length alone says nothing"),
    ],
)
def test_token_budget(given: dict[str, Any], budget: int | None) -> None:
    assert token_budget(given) == budget


@pytest.mark.parametrize(
    ("given", "most"),
    [
        pytest.param(spec("--max-num-seqs=8"), 8, id="one word"),
        pytest.param(spec("--max_num_seqs", "8"), 8, id="two words"),
        pytest.param(spec("--other-max-num-seqs=8"), None, id="another option"),
        pytest.param(spec("--max-num-seqs", "--port", "80"), None, id="no value"),
    ],
)
def test_max_num_seqs(given: dict[str, Any], most: int | None) -> None:
    assert max_num_seqs(given) == most
