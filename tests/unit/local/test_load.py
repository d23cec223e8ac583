"""Clients of the local world: what they could not send is not forgotten."""

import aiohttp

from penstock.local.load import MAX_IN_FLIGHT, Answer, Call, Load


async def test_a_call_that_cannot_be_sent_counts_as_unanswered() -> None:
    heard: list[Answer] = []
    call = Call(at_s=0.0, model="m", input_tokens=1, output_tokens=1, request_id="r")
    async with aiohttp.ClientSession() as http:
        await Load("http://127.0.0.1:9", http, heard.append, in_flight=MAX_IN_FLIGHT).send([call])

    assert [(one.call, one.status, one.error) for one in heard] == [(call, 0, "not sent")]
    assert not heard[0].meets(2.0, 0.1)
