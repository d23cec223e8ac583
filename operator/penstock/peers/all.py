"""Every rival of the comparison, by its number."""

from typing import Final

from penstock.domain.errors import InvalidField
from penstock.peers import (
    aibrix,
    chiron,
    dynamo,
    knative,
    kthena,
    llmd,
    melange,
    ray,
    sky,
    static,
    tokenscale,
    vanilla,
    wva,
    wvatokens,
)
from penstock.peers.rivals import Rival

# one line per family, in the order of the table
RIVALS: Final[tuple[Rival, ...]] = (
    *static.FAMILY,
    *vanilla.FAMILY,
    *llmd.FAMILY,
    *knative.FAMILY,
    *aibrix.FAMILY,
    *melange.FAMILY,
    *ray.FAMILY,
    *sky.FAMILY,
    *kthena.FAMILY,
    *wva.FAMILY,
    *wvatokens.FAMILY,
    *dynamo.FAMILY,
    *chiron.FAMILY,
    *tokenscale.FAMILY,
)


def rival(code: str) -> Rival:
    """Return the rival of a number such as `B8`, in capitals or not.

    Raises:
        InvalidField: there is none.
    """
    found = next((one for one in RIVALS if one.code.lower() == code.lower()), None)
    if found is None:
        raise InvalidField("rival", code, f"write one of {', '.join(f'{one.code} ({one.name})' for one in RIVALS)}")
    return found
