"""What `PUT /v1/aggregate` brings: rate and wait per workload over all routers, as `GET /v1/watch` tells of one.

{"workloads": [{"id": "chat", "tenant": "", "rate": 1.5, "wait": 0.2}]}
"""

from math import isfinite
from typing import Final

import msgspec

from penstock.api.document import NotJson
from penstock.domain.errors import InvalidField
from penstock.programs.registry import Key
from penstock.programs.workload import Sums

VALID_S: Final = 5.0


class _Row(msgspec.Struct):
    id: str
    rate: float
    wait: float
    tenant: str = ""


class _Body(msgspec.Struct):
    workloads: list[_Row]


def sums(raw: bytes, now_s: float) -> dict[Key, Sums]:
    """Return the sums by tenant and workload id; they count for five seconds.

    Raises:
        NotJson: no JSON. InvalidField: another shape, or a number that cannot be.
    """
    try:
        body = msgspec.json.decode(raw, type=_Body)
    except msgspec.ValidationError as error:
        raise InvalidField("workloads", str(error), "write a list of {id, tenant, rate, wait}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(f"the body is not a JSON object: {error}") from None
    until = int(now_s + VALID_S)
    return {(row.tenant, row.id): _of(row, place, until) for place, row in enumerate(body.workloads)}


def _of(row: _Row, place: int, until_second: int) -> Sums:
    for name, value in (("rate", row.rate), ("wait", row.wait)):
        if not isfinite(value) or value < 0:
            raise InvalidField(f"workloads[{place}].{name}", value, "write a number that is not negative")
    return Sums(row.rate, row.wait, until_second)
