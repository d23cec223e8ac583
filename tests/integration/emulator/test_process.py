"""`penstock engine` as a process: it starts, serves, says what is wrong, and ends without breaking a stream."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ports import free_ports


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    (port,) = free_ports(1)
    config = tmp_path / "config.yaml"
    config.write_text("model: m\nlatencies: {time-to-first-token: 50ms, inter-token-latency: 5ms}\nzmq-endpoint: x\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "penstock", "engine", f"--config={config}", "--port", str(port), "--host=127.0.0.1"],
        stderr=subprocess.PIPE,
    )
    yield process, port
    process.kill()
    process.communicate()


def connected(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise AssertionError("the engine does not listen")


def test_a_signal_lets_a_running_stream_end_and_then_the_process(
    engine: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, port = engine
    body = b'{"model":"m","prompt":"a","max_tokens":60,"ignore_eos":true,"stream":true}'
    head = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)

    with connected(port, process) as stream:
        stream.sendall(head + body)
        answer = stream.recv(65536)
        process.send_signal(signal.SIGTERM)
        while piece := stream.recv(65536):
            answer += piece
    _, log = process.communicate(timeout=20)

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b'"finish_reason":null') == 60
    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert process.returncode == 0
    assert b"Flag has no effect here flag=--zmq-endpoint" in log
    assert f"Serving model=m port={port} rank=0".encode() in log


def test_mistakes_are_three_lines_and_exit_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "engine", "--model", "m", "--max-num-sequences", "3"],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "error: a value cannot be used",
        "  at:  unknown argument = '--max-num-sequences'",
        "  fix: write --max-num-seqs, or see penstock engine --help",
    ]


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "penstock", "engine", "--model", "m", "--host=127.0.0.1", f"--port={port}"],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip

    assert done.returncode == 3
    assert f"at:  127.0.0.1:{port}" in done.stderr
    assert "fix: free the port, or name another with --port" in done.stderr


def test_the_help_reads_well_and_needs_no_server() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "penstock", "engine", "--help"],
        capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip

    assert done.stdout.startswith("usage: penstock engine --model NAME [flags]")
    for heavy in ("kopf", "kubernetes", "pydantic", "aiohttp"):
        assert f"| {heavy}\n" not in done.stderr
