"""How often an operator looks for circles among its values: seldom, since a pass makes very many, and none in a circle.

A pass over a thousand variants makes some hundred thousand values that live until the next one. At Python's defaults
that is a look at everything in every other pass, which takes as long as the decision itself.
"""

import gc
from typing import Final

YOUNG: Final = 10_000
"""Values more than before at which the youngest are looked at, 700 by default: everything about every other minute."""
ROUNDS: Final = 10


def look_seldom() -> None:
    """Look for circles seldom from now on, and never again among what is loaded already."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, ROUNDS, ROUNDS)
