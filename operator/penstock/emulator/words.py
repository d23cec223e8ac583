"""Text and tokens: what counts as a token, which text an answer gets, and which KV blocks a text fills.

A token is a word or a punctuation mark; blanks belong to the token before them. A prompt is the text of all its
messages, without their roles; token ids count one each. Real tokenizers find about a third more.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, Protocol

_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_PIECE: Final = re.compile(r"(?:\w+|[^\w\s])\s*")
_MEAN_TOKENS: Final = 40.0
_STD_DEV_TOKENS: Final = 20.0
# llm-d-inference-sim's shares of six buckets between 1 and max_tokens
_BUCKETS: Final = tuple(accumulate((0.20, 0.30, 0.20, 0.05, 0.10, 0.15)))
_BUCKET_TOKENS: Final = 20

_SENTENCES: Final = tuple(
    tuple(_PIECE.findall(sentence + " "))
    for sentence in (
        "The gate opens a little, and the wheel begins to turn.",
        "Nobody asked the river how many mills it would like to drive.",
        "A queue is only a promise with a number on it.",
        "Most of the night the turbines hum, and the valley sleeps.",
        "When the snow melts, every channel has an opinion.",
        "Measure twice, then measure what the measuring did.",
        "She wrote the answer down before anyone had finished the question.",
        "Half of the work is knowing which half can wait.",
        "The keeper of the weir counts boats, not waves.",
        "It rained for a week, so the ledger was short and the lake was long.",
        "There are three ways to cross, and two of them are closed on Sundays.",
        "Ask again tomorrow; the water will be different, and so will you.",
    )
)


class Dice(Protocol):
    """What of `random.Random` is needed here."""

    def random(self) -> float:
        """Return a number in [0, 1)."""

    def gauss(self, mu: float, sigma: float) -> float:
        """Return a normally distributed number."""


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a prompt."""
    return _TOKEN.findall(text)


def pieces_of(text: str) -> list[str]:
    """Return the tokens of an answer, with the blanks after them: joined, they are the text again."""
    return _PIECE.findall(text)


def token_id(token: str) -> int:
    """Return a stand-in for the id that a real tokenizer would give."""
    return zlib.crc32(token.encode())


def made_up(dice: Dice, tokens: int) -> list[str]:
    """Return so many tokens of random sentences."""
    pieces: list[str] = []
    while len(pieces) < tokens:
        pieces.extend(_SENTENCES[int(dice.random() * len(_SENTENCES))])
    return pieces[:tokens]


def length_below(dice: Dice, limit: int) -> int:
    """Draw the length of an answer that may have `limit` tokens, as llm-d-inference-sim does with max_tokens."""
    share = dice.random()
    bucket = sum(share >= bound for bound in _BUCKETS[:-1])
    edges = _edges(limit)
    low, high = edges[bucket], edges[bucket + 1]
    return min(limit, low + 1 + int(dice.random() * max(1, high - low)))


def _edges(limit: int) -> list[int]:
    """Return the seven edges of the buckets: equal ones, or of 20 tokens with the fourth taking what is left."""
    if limit <= 6 * _BUCKET_TOKENS:
        return [limit * index // 6 for index in range(7)]
    low = [index * _BUCKET_TOKENS for index in range(4)]
    return [*low, limit - 2 * _BUCKET_TOKENS, limit - _BUCKET_TOKENS, limit]


def length_unasked(dice: Dice, limit: int) -> int:
    """Draw the length of an answer without max_tokens: about 40, or anything where the context leaves little room."""
    if limit < _STD_DEV_TOKENS:
        return 1 + int(dice.random() * limit)
    return min(max(1, round(dice.gauss(_MEAN_TOKENS, _STD_DEV_TOKENS))), limit)


def block_hashes(tokens: Sequence[object], block_tokens: int, salt: str) -> tuple[int, ...]:
    """Return the chained hashes of the full blocks of a text; equal beginnings have equal hashes, per `salt`."""
    full = len(tokens) // block_tokens
    blocks = (tuple(tokens[index * block_tokens : (index + 1) * block_tokens]) for index in range(full))
    return tuple(_chain(blocks, hash(salt)))


def _chain(blocks: Iterable[tuple[object, ...]], start: int) -> Iterable[int]:
    before = start
    for block in blocks:
        before = hash((before, block))
        yield before
