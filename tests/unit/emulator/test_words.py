"""Tokens, made-up text, lengths, and the hashes of KV blocks."""

import random
from collections import Counter

import pytest

from penstock.emulator import words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("Hello there, how are you?", 7, id="words and marks"),
        pytest.param("", 0, id="nothing"),
        pytest.param("a  \n b", 2, id="blanks are none"),
        pytest.param("größer 日本 x_1", 3, id="any script"),
    ],
)
def test_tokens(text: str, count: int) -> None:
    assert len(words.tokens_of(text)) == count


def test_the_pieces_of_an_answer_are_its_text_and_count_like_a_prompt() -> None:
    pieces = words.made_up(random.Random(3), 200)

    text = "".join(pieces)
    assert len(pieces) == 200
    assert words.pieces_of(text) == pieces
    assert [piece.rstrip() for piece in pieces] == words.tokens_of(text)


@pytest.mark.parametrize("limit", [1, 2, 5, 60, 119, 200, 4000])
def test_lengths_fill_the_six_buckets_in_their_shares(limit: int) -> None:
    dice = random.Random(5)

    drawn = [words.length_below(dice, limit) for _ in range(4000)]

    assert 1 <= min(drawn) <= max(drawn) <= limit
    if limit == 60:
        shares = Counter((length - 1) // 10 for length in drawn)
        assert [shares[bucket] / 4000 for bucket in range(6)] == pytest.approx(
            [0.2, 0.3, 0.2, 0.05, 0.1, 0.15], abs=0.03
        )
    if limit == 4000:
        assert sum(length > 3980 for length in drawn) / 4000 == pytest.approx(0.15, abs=0.03)
        assert sum(60 < length <= 3960 for length in drawn) / 4000 == pytest.approx(0.05, abs=0.02)


def test_an_answer_without_max_tokens_is_about_forty_tokens_long() -> None:
    dice = random.Random(5)

    free = [words.length_unasked(dice, 1000) for _ in range(3000)]
    tight = [words.length_unasked(dice, 12) for _ in range(500)]

    assert sum(free) / len(free) == pytest.approx(40, rel=0.05)
    assert (min(free), min(tight), max(tight)) == (1, 1, 12)


def test_equal_beginnings_have_equal_hashes_and_only_full_blocks_count() -> None:
    one = words.block_hashes(tuple("abcdefgh"), 3, "")
    other = words.block_hashes(tuple("abcdeXgh"), 3, "")

    assert len(one) == 2
    assert one[0] == other[0]
    assert one[1] != other[1]
    assert words.block_hashes(tuple("xbcdefgh"), 3, "")[1] != one[1]
    assert words.block_hashes(tuple("abc"), 3, "adapter") != one[:1]


def test_token_ids_are_stable() -> None:
    assert words.token_id("Hello") == 4157704578
