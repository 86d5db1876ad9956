"""Buckets of the n-grams around a character: folded codes and classes in, indices into the weight table out.

An n-gram counts by where it stands: the same three characters two places before a character and three places behind
it have different weights. Bucket = hash(n-gram) xor key(order, place), so that one multiplication a character and
order serves all places. Two kinds share the table: n-grams of folded characters, and n-grams of character classes
("shapes"), which carry to words never seen (a brand is a few letters, digits and a trade word).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.folding import CLASS_COUNT, CharClass

#: Bits of the bucket space of character n-grams. 2^16 cost 0.08 removed F1 in a prototype, 2^20 gained nothing.
NGRAM_BITS = 18
#: Bits of the bucket space of shape n-grams.
SHAPE_BITS = 16
NGRAM_ORDERS = (1, 2, 3)
SHAPE_ORDERS = (3, 5)
#: An n-gram is seen from a character if it lies within so many characters on either side.
WINDOW_CHARS = 6
SHAPE_BASE = 1 << NGRAM_BITS
#: Where the buckets of the segment features begin (see detector.features).
SEGMENT_BASE = SHAPE_BASE + (1 << SHAPE_BITS)
SEGMENT_BUCKETS = 4096
#: Where the buckets of words begin (see detector.words), and the bits of their space.
WORD_BASE = SEGMENT_BASE + SEGMENT_BUCKETS
WORD_BITS = 17
BUCKET_COUNT = WORD_BASE + (1 << WORD_BITS)

_MULTIPLIER = np.uint32(0x9E3779B1)
_FINISH = np.uint32(0x85EBCA6B)


def _shape_codes() -> NDArray[np.uint32]:
    """Return the class table of shapes: the three kinds of Han that only spelling tells apart are one."""
    table = np.arange(1, CLASS_COUNT + 1, dtype=np.uint32)
    table[[CharClass.HAN_SIMPLIFIED, CharClass.HAN_TRADITIONAL]] = table[CharClass.HAN]
    return table


_SHAPES = _shape_codes()


@dataclass(frozen=True, slots=True)
class Place:
    """One place of one n-gram order as seen from a character: `order` characters beginning `shift` away."""

    shape: bool
    order: int
    shift: int
    key: int


#: A key for each place, in the order of PLACES, drawn once below 2^18 and 2^16. Weights are learned with them.
# fmt: off
_KEYS = (
    166361, 35068, 175630, 107295, 229713, 125602, 14220, 223799, 165618, 168792, 159202, 29276, 22831, 138180,
    225264, 78768, 247089, 116869, 187293, 130328, 148930, 202434, 223326, 17093, 259505, 188005, 258267, 51239,
    94297, 110289, 49807, 144057, 224518, 118573, 85702, 247466, 4317, 7753, 58044, 59844, 51295, 8351, 32817, 45354,
    58765, 56718, 8150, 51441, 12671, 60405, 38948, 35446, 48107, 46860, 56672, 43471,
)
# fmt: on


def _places() -> tuple[Place, ...]:
    kinds = [(False, order) for order in NGRAM_ORDERS] + [(True, order) for order in SHAPE_ORDERS]
    shifts = [
        (shape, order, shift) for shape, order in kinds for shift in range(-WINDOW_CHARS, WINDOW_CHARS - order + 2)
    ]
    return tuple(Place(*place, key) for place, key in zip(shifts, _KEYS, strict=True))


PLACES = _places()
#: So many characters must stand on either side of the characters that are asked for.
MARGIN_CHARS = WINDOW_CHARS


def ngram_hashes(codes: NDArray[np.integer[Any]], order: int) -> NDArray[np.uint32]:
    """Return one 32-bit hash a position for the n-gram of `order` codes that begins there (shorter by order - 1)."""
    units = codes.astype(np.uint32)
    count = len(units) - order + 1
    return hash_columns([units[step : step + count] for step in range(order)])


def hash_columns(columns: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.uint32]:
    """Return the hashes of n-grams given as the array of their first codes, of their second, and so on."""
    hashed = columns[0].astype(np.uint32)
    hashed *= _MULTIPLIER
    for column in columns[1:]:
        hashed = longer(hashed, column)
    return hashed


def longer(hashed: NDArray[np.uint32], column: NDArray[np.integer[Any]]) -> NDArray[np.uint32]:
    """Return the hashes of n-grams longer by the codes in `column`; fastest where these are uint32 too."""
    mixed = hashed >> np.uint32(15)
    mixed ^= hashed
    mixed += column
    mixed *= _MULTIPLIER
    return mixed


def bases(hashed: NDArray[np.uint32], bits: int) -> NDArray[np.int64]:
    """Return the upper `bits` of the finished hashes as table indices."""
    mixed = hashed >> np.uint32(13)
    mixed ^= hashed
    mixed *= _FINISH
    mixed >>= np.uint32(32 - bits)
    return mixed.astype(np.int64)


def bucket_columns(
    codes: NDArray[np.uint16],
    classes: NDArray[np.uint8],
    scratch: NDArray[np.int64] | None = None,
    *,
    at: NDArray[np.int64] | None = None,
) -> Iterator[tuple[Place, NDArray[np.int64]]]:
    """Yield, a place at a time, the buckets of all characters but MARGIN_CHARS on either side.

    With `at` (int64, counted from the first of these characters) only those of some. The arrays are int64, an entry a
    character, overwritten by the next one.
    """
    count = len(codes) - 2 * MARGIN_CHARS
    if count <= 0:
        return
    asked = count if at is None else len(at)
    out = np.empty(asked, np.int64) if scratch is None else scratch[:asked]
    shapes = _SHAPES[classes]
    order_seen: tuple[bool, int] | None = None
    base = np.empty(0, np.int64)
    for place in PLACES:
        if order_seen != (place.shape, place.order):
            order_seen = (place.shape, place.order)
            if place.shape:
                base = bases(ngram_hashes(shapes, place.order), SHAPE_BITS)
                base += SHAPE_BASE
            else:
                base = bases(ngram_hashes(codes, place.order), NGRAM_BITS)
        first = MARGIN_CHARS + place.shift
        np.bitwise_xor(base[first : first + count] if at is None else base[first:].take(at), place.key, out=out)
        yield place, out
