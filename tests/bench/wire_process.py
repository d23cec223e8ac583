"""A process that serves picks of one endpoint over our wire and does nothing else: `wire_process.py ADDRESS`."""

import asyncio
import sys
from itertools import count

import uvloop

from penstock.router.extproc.service import external_processor
from penstock.router.grpc.service import route
from penstock.router.h2.server import Server
from penstock.router.ports import Picked, Reply, RequestHead


class AtOnce:
    """A gate that reads the workload header and answers."""

    def __init__(self, address: str) -> None:
        self._answer, self._tickets = Picked(addresses=(address,)), count(1)

    def submit(self, head: RequestHead, reply: Reply) -> int:
        head.headers.get(b"x-workload-context")
        reply(self._answer)
        return next(self._tickets)

    def first_byte(self, ticket: int, served: str = "") -> None: ...

    def done(self, ticket: int) -> None: ...

    def cancel(self, ticket: int) -> None: ...


async def main(address: str) -> None:
    server = Server(route(external_processor(AtOnce(address))))
    sys.stdout.write(f"{await server.listen('127.0.0.1', 0)}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


uvloop.run(main(sys.argv[1]))
