"""How often an operator looks for circles among its values: seldom, since a pass makes very many, and none in a circle.

A pass over a thousand variants makes some hundred thousand values that live until the next one. At Python's defaults
that is a look at everything in every other pass, which takes as long as the decision itself.
"""

import gc
from typing import Final

YOUNG: Final = 50_000
"""Values more than before at which the youngest are looked at, 700 by default: with ten thousand pods three times in a
pass, and at everything every few minutes. What a decision makes for itself is gone by then, and never looked at."""
ROUNDS: Final = 10


def look_seldom() -> None:
    """Look for circles seldom from now on, and never again among what is loaded already."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, ROUNDS, ROUNDS)
