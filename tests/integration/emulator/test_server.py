"""The emulated engine over a real socket: bytes of answers, errors, metrics, live changes, clients that go away."""

import asyncio
import contextlib
import io
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from penstock.settings.engine import read
from penstock.wiring.engine import served

MODEL = "unsloth/Meta-Llama-3.1-8B"
FAST = ("--time-to-first-token=20ms", "--inter-token-latency=1ms", "--seed=1")

# what llm-d-inference-sim shows before its first request (measured, commit eec055a) ...
IDLE = {
    "vllm:cache_config_info": ("gauge", {"block_size", "num_gpu_blocks"}),
    "vllm:kv_cache_usage_perc": ("gauge", {"model_name"}),
    "vllm:lora_requests_info": ("gauge", {"max_lora", "running_lora_adapters", "waiting_lora_adapters"}),
    "vllm:num_requests_running": ("gauge", {"model_name"}),
    "vllm:num_requests_waiting": ("gauge", {"model_name"}),
}
# ... and after seven of them
AFTER = IDLE | {
    "vllm:generation_tokens_total": ("counter", {"model_name"}),
    "vllm:prompt_tokens_total": ("counter", {"model_name"}),
    "vllm:request_success_total": ("counter", {"model_name", "finish_reason"}),
    **{
        f"vllm:{name}": ("histogram", {"model_name"})
        for name in (
            "e2e_request_latency_seconds", "inter_token_latency_seconds", "max_num_generation_tokens",
            "request_decode_time_seconds", "request_generation_tokens", "request_inference_time_seconds",
            "request_params_max_tokens", "request_prefill_time_seconds", "request_prompt_tokens",
            "request_queue_time_seconds", "request_time_per_output_token_seconds", "time_per_output_token_seconds",
            "time_to_first_token_seconds",
        )
    },
}  # fmt: skip


class Client:
    """One engine and a session to it."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session, self.base = session, base

    async def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.base + path, data=io.BytesIO(data), headers=headers) as answer:
            return answer.status, await answer.read()

    async def text(self, **body: Any) -> dict[str, Any]:
        status, answer = await self.post("/v1/completions", {"model": MODEL, "prompt": "Hello there"} | body)
        assert status == 200, answer
        return json.loads(answer)

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.base + path) as answer:
            return answer.status, await answer.text()

    async def metric(self, name: str) -> float:
        _, page = await self.get("/metrics")
        lines = [line for line in page.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    async def until(self, name: str, wanted: Callable[[float], bool]) -> None:
        """Poll; no `asyncio.sleep`, since each look is a request of its own."""
        async with asyncio.timeout(5):
            while not wanted(await self.metric(name)):
                pass


@contextlib.asynccontextmanager
async def engine(*arguments: str, rank: int = 0, port: int = 0) -> AsyncIterator[Client]:
    settings = read(["--model", MODEL, "--host=127.0.0.1", f"--port={port}", *arguments], {"POD_NAME": "pod-0"})
    async with served(settings, rank) as host, aiohttp.ClientSession() as session:
        yield Client(session, f"http://127.0.0.1:{host.port}")


def families(page: str) -> dict[str, tuple[str, set[str]]]:
    kinds = dict(re.findall(r"# TYPE (\S+) (\w+)", page))
    found: dict[str, tuple[str, set[str]]] = {}
    for name, inside in re.findall(r"^([\w:]+)\{(.*)\} \S+$", page, re.MULTILINE):
        labels = set(re.findall(r'(\w+)="', inside)) - {"le"}
        family = next(one for one in (name, re.sub("_(bucket|sum|count)$", "", name)) if one in kinds)
        found[family] = (kinds[family], labels)
    return found


async def test_a_streamed_chat_has_the_bytes_of_llm_d_inference_sim() -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello there, how are you?"}], "max_tokens": 3,
            "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}  # fmt: skip

    async with engine(*FAST) as client, client.session.post(f"{client.base}/v1/chat/completions", json=body) as answer:
        headers, text = answer.headers, (await answer.read()).decode()

    common = f'"model":"{MODEL}","object":"chat.completion.chunk","created":0,"usage":'
    text = re.sub(r'"created":\d{10},', '"created":0,', text)
    text = re.sub(r'"id":"chatcmpl-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",', "", text)
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["x-inference-pod"] == "pod-0"
    choice = '"choices":[{"index":0,"finish_reason":'
    token = re.escape(f"data: {{{common}null,{choice}null,") + r'"delta":\{"content":"[\w.,;]+ ?"\}\}\]\}\n\n'
    assert re.fullmatch(
        re.escape(f'data: {{{common}null,{choice}null,"delta":{{"role":"assistant"}}}}]}}\n\n')
        + f"({token}){{3}}"
        + re.escape(f'data: {{{common}null,{choice}"length","delta":{{}}}}]}}\n\n')
        + re.escape(
            f'data: {{{common}{{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,'
            '"prompt_tokens_details":{"cached_tokens":0}},"choices":[]}\n\ndata: [DONE]\n\n'
        ),
        text,
    )


async def test_a_streamed_completion_says_the_text_in_pieces() -> None:
    async with engine(*FAST, "--mode=echo") as client:
        status, answer = await client.post(
            "/v1/completions", {"model": MODEL, "prompt": "Say it, twice.", "stream": True, "max_tokens": 9}
        )

    events = answer.decode().split("\n\n")
    chunks = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events[:-2]]
    assert status == 200
    assert [chunk["text"] for chunk in chunks] == ["Say ", "it", ", ", "twice", ".", ""]
    assert [chunk["finish_reason"] for chunk in chunks] == [None] * 5 + ["stop"]
    assert events[-2:] == ["data: [DONE]", ""]


async def test_an_answer_in_one_piece_and_several_choices() -> None:
    async with engine(*FAST, "--served-model-name", "alias", MODEL) as client:
        one = await client.text(max_tokens=6, ignore_eos=True)
        _, chat = await client.post(
            "/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}
        )
        many = await client.text(prompt=["a b", "c"], n=2, max_tokens=4, ignore_eos=True)

    assert one["object"] == "text_completion"
    assert one["model"] == "alias"
    assert one["choices"][0].keys() == {"index", "finish_reason", "text"}
    assert one["usage"]["completion_tokens"] == 6
    message = json.loads(chat)["choices"][0]["message"]
    assert message["role"] == "assistant"
    assert message["content"]
    assert [choice["index"] for choice in many["choices"]] == [0, 1, 2, 3]
    assert (many["usage"]["prompt_tokens"], many["usage"]["completion_tokens"]) == (3, 16)


async def test_metrics_are_those_of_llm_d_inference_sim_before_and_after_requests() -> None:
    async with engine(*FAST, "--max-num-seqs=2") as client:
        _, idle = await client.get("/metrics")
        await asyncio.gather(*(client.text(max_tokens=5, ignore_eos=True) for _ in range(6)))
        await client.text(max_tokens=20, ignore_eos=False)
        _, after = await client.get("/metrics")
        finished = await client.metric("vllm:request_success_total")
        first = await client.metric("vllm:time_to_first_token_seconds_sum")
        waited = await client.metric("vllm:request_queue_time_seconds_count")

    assert families(idle) == IDLE
    assert families(after) == AFTER
    assert finished == 7
    assert first == pytest.approx(7 * 0.02)
    assert waited == 4
    assert idle.startswith('# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{block_size="16",num_gpu')


async def test_a_step_model_adds_the_series_that_only_vllm_has() -> None:
    async with engine("--latency-calculator=step-model", "--kv-cache-size=99") as client:
        for _ in range(2):
            await client.text(prompt="word " * 40, max_tokens=2, ignore_eos=True)
        _, page = await client.get("/metrics")

    assert families(page) == AFTER | {
        "vllm:num_preemptions_total": ("counter", {"model_name"}),
        "vllm:prefix_cache_queries_total": ("counter", {"model_name"}),
        "vllm:prefix_cache_hits_total": ("counter", {"model_name"}),
    }
    assert 'vllm:prefix_cache_queries_total{model_name="unsloth/Meta-Llama-3.1-8B"} 80' in page
    assert 'vllm:prefix_cache_hits_total{model_name="unsloth/Meta-Llama-3.1-8B"} 32' in page


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "answer"),
    [
        pytest.param(
            "/v1/completions", {"model": "nope", "prompt": "a"}, {}, 404,
            b'{"error":{"message":"The model `nope` does not exist.","type":"NotFoundError","param":null,"code":404}}',
            id="unknown model"),
        pytest.param("/v1/chat/completions", b"{bad}", {}, 400, b"Failed to read and parse request",
                     id="no JSON"),
        pytest.param("/v1/completions", {"model": MODEL, "prompt": "a"}, {"X-Return-Error": "418"}, 418,
                     b"triggered by X-Return-Error header (code 418)", id="asked for"),
        pytest.param("/v1/completions", {"model": MODEL, "prompt": "a"}, {"X-Return-Error": "x"}, 400,
                     b"Invalid X-Return-Error header value 'x'", id="asked for nonsense"),
        pytest.param("/v1/completions", {"model": MODEL, "prompt": "a " * 1024}, {}, 400,
                     b"maximum context length is 1024 tokens", id="too long"),
        pytest.param("/v1/completions", b"x" * (2**20 + 1), {}, 413, b"larger than --max-req",
                     id="large"),
        pytest.param("/admin/config", {"port": 1}, {}, 400, b"port=1: remove it", id="fixed setting"),
        pytest.param("/tokenize", {"prompt": ""}, {}, 400, b"prompt must be a text", id="nothing to tokenize"),
    ],
)  # fmt: skip
async def test_errors(path: str, body: Any, headers: dict[str, str], status: int, answer: bytes) -> None:
    async with engine(*FAST, "--max-request-body-size-mb=1") as client:
        got = await client.post(path, body, **headers)

    assert got[0] == status
    assert answer in got[1]
    assert json.loads(got[1])["error"]["code"] == status


async def test_echo_refuses_what_it_would_have_to_cut() -> None:
    async with engine(*FAST, "--mode=echo") as client:
        status, answer = await client.post("/v1/completions", {"model": MODEL, "prompt": "a b c", "max_tokens": 2})

    assert status == 400
    assert b"maximum context length" in answer


async def test_a_full_queue_answers_429_and_everything_else_is_served() -> None:
    async with engine(*FAST, "--max-num-seqs=1", "--max-waiting-queue-length=1") as client:
        answers = await asyncio.gather(
            *(client.post("/v1/completions", {"model": MODEL, "prompt": "a", "max_tokens": 1}) for _ in range(4))
        )
        whole = await client.post("/v1/completions", {"model": MODEL, "prompt": "a", "max_tokens": 1, "n": 9})
        running = await client.metric("vllm:num_requests_running")

    assert sorted(status for status, _ in answers) == [200, 200, 429, 429]
    assert b"waiting requests queue is full" in next(body for status, body in answers if status == 429)
    assert (whole[0], running) == (429, 0)


async def test_models_health_tokens_and_start_up() -> None:
    arguments = ("--lora-modules", '{"name": "x"}', "--startup-duration=1h")
    async with engine(*FAST, *arguments) as client, engine(*FAST) as ready:
        _, models = await client.get("/v1/models")
        starting = [await client.get(path) for path in ("/health", "/health/ready")]
        healthy = await ready.get("/health")
        missing = await ready.get("/ready")
        _, tokens = await client.post("/tokenize", {"model": MODEL, "prompt": "a b, c"})
        _, ids = await client.post("/tokenize", {"prompt": [5, 6]})

    assert [model["id"] for model in json.loads(models)["data"]] == [MODEL, "x"]
    assert starting == [(503, ""), (503, "")]
    assert healthy == (200, "")
    assert missing[0] == 404
    assert json.loads(tokens).items() >= {"count": 4, "max_model_len": 1024}.items()
    assert json.loads(ids)["tokens"] == [5, 6]


async def test_the_configuration_changes_while_serving() -> None:
    async with engine(*FAST) as client:
        changed = await client.post("/admin/config", {"failure-injection-rate": 100, "failure-types": ["rate_limit"]})
        failed = await client.post("/v1/completions", {"model": MODEL, "prompt": "a", "max_tokens": 1})
        await client.post("/admin/config", {"failure-injection-rate": 0, "time-to-first-token": "60ms"})
        await client.text(max_tokens=1)
        first = await client.metric("vllm:time_to_first_token_seconds_sum")
        _, shown = await client.get("/admin/config")

    assert changed[0] == 200
    assert (failed[0], json.loads(failed[1])["error"]["type"]) == (429, "RateLimitError")
    assert first == pytest.approx(0.06)
    assert json.loads(shown)["time-to-first-token"] == "60ms"


async def test_adapters_are_named_in_the_metrics_while_they_run() -> None:
    arguments = ("--lora-modules", '{"name": "x"}', '{"name": "y"}', "--time-to-first-token=30s")
    async with engine(*arguments) as client:
        calls = [asyncio.create_task(client.text(model=name)) for name in ("x", "y")]
        await client.until("vllm:num_requests_waiting", lambda value: value == 1)
        _, page = await client.get("/metrics")
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    pair = re.search(r'running_lora_adapters="(.)",waiting_lora_adapters="(.)"', page)
    assert pair is not None
    assert set(pair.groups()) == {"x", "y"}


async def test_a_request_id_comes_back_where_asked_for() -> None:
    async with engine(*FAST, "--enable-request-id-headers") as client:
        body = {"model": MODEL, "prompt": "a", "max_tokens": 1}
        async with client.session.post(
            f"{client.base}/v1/completions", json=body, headers={"X-Request-Id": "mine"}
        ) as answer:
            echoed, body = answer.headers["X-Request-Id"], await answer.json()

    assert (echoed, body["id"]) == ("mine", "cmpl-mine")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_goes_away_frees_its_slot(stream: bool) -> None:
    async with engine("--max-num-seqs=1", "--inter-token-latency=20ms") as client:
        body = {"model": MODEL, "prompt": "a", "max_tokens": 1000, "ignore_eos": True, "stream": stream}
        leaver = asyncio.create_task(client.post("/v1/completions", body))
        await client.until("vllm:num_requests_running", lambda value: value == 1)

        leaver.cancel()
        await asyncio.gather(leaver, return_exceptions=True)
        await client.until("vllm:num_requests_running", lambda value: value == 0)

        assert (await client.text(max_tokens=1))["choices"]
        assert await client.metric("vllm:request_success_total") == 1


async def test_by_priority_lower_numbers_go_first() -> None:
    arguments = ("--max-num-seqs=1", "--scheduling-policy=priority", "--time-to-first-token=1h")
    order: list[int] = []

    async with engine(*arguments) as client:

        async def call(priority: int) -> None:
            await client.text(max_tokens=1, priority=priority)
            order.append(priority)

        blocker = asyncio.create_task(client.text(max_tokens=1, priority=9))
        await client.until("vllm:num_requests_running", lambda value: value == 1)
        await client.post("/admin/config", {"time-to-first-token": "1ms"})  # for those that begin from now on
        calls = []
        for waiting, priority in enumerate((5, 0, -3), start=1):
            calls.append(asyncio.create_task(call(priority)))
            await client.until("vllm:num_requests_waiting", lambda value, wanted=waiting: value == wanted)
        blocker.cancel()
        await asyncio.gather(*calls)

    assert order == [-3, 0, 5]


def _two_free_ports() -> int:
    for _ in range(50):
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            with contextlib.suppress(OSError):
                other.bind(("127.0.0.1", port + 1))
                return int(port)
    raise AssertionError("no two ports in a row are free")


async def test_data_parallel_ranks_are_engines_of_their_own_on_ports_in_a_row() -> None:
    port = _two_free_ports()
    ranks = ("--data-parallel-size=2", *FAST)

    async with engine(*ranks, port=port) as one, engine(*ranks, port=port, rank=1) as other:
        await other.text(max_tokens=1)
        counts = [await client.metric("vllm:request_success_total") for client in (one, other)]

    assert (one.base, other.base) == (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}")
    assert counts == [0, 1]
