"""Words of text written in letters: codes and classes in, the words of each segment and their hashes out.

Two or three letters say far less than two or three Han characters do, so that short n-grams know little of a text in
letters. A word is a run of letters and digits. It counts as a whole, by its beginnings (which inflected forms share)
and together with the words beside it: in the segment model for its segment, in the character model for its characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.folding import CharClass, class_mask
from detector.ngrams import WORD_BASE, WORD_BITS, bases, longer
from detector.positions import distinct, ranges

#: A longer run (a digest, an address, a line of a script without blanks) is no word.
MAX_WORD_CHARS = 24
#: The beginnings that count beside the whole word, in characters.
BEGINNING_CHARS = (4, 6)
#: What follows a word within so many characters, up to the next word, is judged with it: blanks and marks.
REACH_CHARS = 3
#: What the character model sees of the words around a character, each with the key that its buckets are mixed with.
WORD_PLACES = {
    "word": 0x00000,
    "beginning of 4": 0x1B58D,
    "beginning of 6": 0x0A2C7,
    "with the word before": 0x13D4F,
    "with the word behind": 0x06E91,
    "the word before": 0x1C03A,
    "the word behind": 0x09B65,
}

_LETTER = class_mask(
    CharClass.LATIN_LOWER,
    CharClass.LATIN_UPPER,
    CharClass.TONED,
    CharClass.STYLED,
    CharClass.CYRILLIC,
    CharClass.OTHER_LETTER,
    CharClass.HANGUL,
    CharClass.KATAKANA,
    CharClass.THAI,
)
_IN_WORD = bytes((_LETTER | class_mask(CharClass.DIGIT)).astype(np.uint8)).ljust(256, b"\0")
#: A word's hash is a polynomial of its codes modulo 2^32; the inverse takes what stands before the word out again.
_FACTOR = 0x9E3779B1
_INVERSE = pow(_FACTOR, -1, 1 << 32)


@dataclass(frozen=True, slots=True)
class Words:
    """Words of segments, in order. Positions, int64: ``starts``, ``ends``, and ``reach``, up to where each counts.

    Hashes, uint32: ``whole`` and ``beginnings`` (a row for each of BEGINNING_CHARS); ``before`` and ``behind`` are
    those of the neighbours in the same segment, 0 where there is none. ``first`` and ``last``, int64: the half-open
    range of words of each segment.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    reach: NDArray[np.int64]
    whole: NDArray[np.uint32]
    beginnings: NDArray[np.uint32]
    before: NDArray[np.uint32]
    behind: NDArray[np.uint32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def words_of(
    codes: NDArray[np.uint16], classes: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> Words:
    """Return the words of segments (sorted, disjoint positions in `codes`).

    A word never reaches over a segment's bounds, so that what it is does not depend on which segments are asked for.
    """
    inside = np.frombuffer(classes.tobytes().translate(_IN_WORD), np.bool_)
    begins, stops = _runs(inside, starts, ends)
    chars = stops - begins
    at = np.cumsum(chars) - chars  # where each run begins among all characters of runs
    kept = (chars <= MAX_WORD_CHARS) & (_LETTER.take(classes[begins]) | _LETTER.take(classes[stops - 1]))
    begins, stops, chars, at = (np.compress(kept, values) for values in (begins, stops, chars, at))
    first, last = np.searchsorted(begins, starts), np.searchsorted(begins, ends)
    if int((last - first).sum()) < len(begins):  # some stand in no segment that is asked for
        _, asked = ranges(first, last)
        begins, stops, chars, at = begins[asked], stops[asked], chars[asked], at[asked]
        first, last = np.cumsum(last - first) - (last - first), np.cumsum(last - first)
    powers, inverses = _powers(max(len(codes), 1).bit_length())
    letters = np.compress(inside, codes).astype(np.uint32)
    letters += np.uint32(1)
    letters *= powers[: len(letters)]
    sums = np.zeros(len(letters) + 1, np.uint32)
    np.cumsum(letters, out=sums[1:], dtype=np.uint32)
    up_to, back = sums[at], inverses[at]
    whole = (sums[at + chars] - up_to) * back
    beginnings = np.stack([(sums[at + np.minimum(chars, most)] - up_to) * back for most in BEGINNING_CHARS])
    holding = np.flatnonzero(last > first)
    opening, closing = first[holding], last[holding] - 1
    before, behind = np.zeros(len(whole), np.uint32), np.zeros(len(whole), np.uint32)
    before[1:], behind[:-1] = whole[:-1], whole[1:]
    before[opening] = behind[closing] = 0
    reach = stops + REACH_CHARS
    np.minimum(reach[:-1], begins[1:], out=reach[:-1])
    reach[closing] = np.minimum(reach[closing], ends[holding])
    return Words(begins, stops, reach, whole, beginnings, before, behind, first, last)


def word_buckets(words: Words) -> NDArray[np.int64]:
    """Return the indices into the character model's weight table, a row for each of WORD_PLACES, a column a word."""
    seen = (
        words.whole,
        *words.beginnings,
        longer(words.before, words.whole),
        longer(words.whole, words.behind),
        words.before,
        words.behind,
    )
    buckets = np.empty((len(seen), len(words.whole)), np.int64)
    for row, (hashed, key) in enumerate(zip(seen, WORD_PLACES.values(), strict=True)):
        np.bitwise_xor(bases(hashed, WORD_BITS), key, out=buckets[row])
    buckets += WORD_BASE
    return buckets


def word_sums(table: NDArray[Any], words: Words, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[Any]:
    """Return, for every character of the segments (laid end to end), the sum of what the words around it weigh in a
    table; 0 where none counts."""
    chars = ends - starts
    sums = np.zeros(int(chars.sum()), table.dtype)
    if len(words.whole):
        weights = table.take(word_buckets(words)).sum(axis=0)
        shift = np.repeat(np.cumsum(chars) - chars - starts, words.last - words.first)
        word, at = ranges(words.starts + shift, words.reach + shift)
        sums[at] = weights[word]
    return sums


def _runs(
    inside: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and ends of the runs of true values, parted where a segment starts or ends within one."""
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if len(inside) and inside[0]:
        edges = np.append(0, edges)
    if len(inside) and inside[-1]:
        edges = np.append(edges, len(inside))
    begins, stops = edges[::2], edges[1::2]
    joined = np.append(inside[1:] & inside[:-1], (False, False))  # whether a character and the one behind it are inside
    parted = np.concatenate([starts[joined[starts - 1]], ends[joined[ends - 1]]])
    if len(parted):  # few: where a long segment is cut within a word
        parted = distinct(np.sort(parted))[0]
        begins = np.insert(begins, np.searchsorted(begins, parted), parted)
        stops = np.insert(stops, np.searchsorted(stops, parted), parted)
    return begins, stops


@cache
def _powers(bits: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the powers of _FACTOR and of its inverse, 2^bits of them each."""
    powers, inverses = np.full(1 << bits, _FACTOR, np.uint32), np.full(1 << bits, _INVERSE, np.uint32)
    powers[0] = inverses[0] = 1
    return np.multiply.accumulate(powers, dtype=np.uint32), np.multiply.accumulate(inverses, dtype=np.uint32)
