"""The tags of a page that is well nested come in; which element stands in which goes out, told from running sums.

Most pages close what they open, in order. There a tag's depth says which element it stands in: the last one that was
opened one level above. It is known much sooner than the tree of `parsing`, which has all that browsers make of a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.html_text.names import VOID, Role, role_of
from detector.html_text.openings import NAMES, Offsets
from detector.html_text.tokens import Tokens

_NONE: Final = -1
#: Tags that are no elements, and those whose elements hold nothing.
_HOLDS_NOTHING: Final = np.array([*(name in VOID or role_of(name) is Role.ROOT for name in NAMES), False])
#: In svg and math a slash closes a tag; names do not tell.
_IS_FOREIGN: Final = np.array([*(role_of(name) is Role.FOREIGN for name in NAMES), False])


@dataclass(frozen=True, slots=True)
class Nesting:
    """The elements of a page that can hold others, in order of their start tags.

    Element ``n`` begins with the tag ``begun[n]``, ends with the tag ``ended[n]`` and stands in ``parents[n]``, -1 for
    none.
    """

    begun: Offsets
    ended: Offsets
    parents: Offsets


def nesting_of(tokens: Tokens) -> Nesting | None:
    """Return how a page's elements are nested, None where some are not closed, or not in order.

    >>> from detector.html_text.tokens import read_tokens
    >>> page = nesting_of(read_tokens("<div><p>one</p><p>two</p></div>"))
    >>> page.begun.tolist(), page.ended.tolist(), page.parents.tolist()
    ([0, 1, 3], [5, 2, 4], [-1, 0, 0])
    >>> nesting_of(read_tokens("<p>one<p>two")) is None
    True
    """
    known = np.minimum(tokens.numbers, len(NAMES))
    kept = np.flatnonzero(~_HOLDS_NOTHING[known])
    closing, numbers = tokens.closing[kept], tokens.numbers[kept]
    depths = np.cumsum(1 - 2 * closing.astype(np.int64))
    if not len(kept) or depths[-1] or depths.min() < 0 or _IS_FOREIGN[known].any():
        return None
    starts, ends = np.flatnonzero(~closing), np.flatnonzero(closing)
    by_depth = np.argsort(depths[starts], kind="stable")
    first, last = starts[by_depth], ends[np.argsort(depths[ends], kind="stable")]
    if (numbers[first] != numbers[last]).any():
        return None
    size = len(kept)
    keys = depths[first] * size + first
    above = keys.searchsorted((depths[starts] - 1) * size + starts) - 1
    parents = np.where(depths[starts] > 1, by_depth[above], _NONE)
    ended = np.empty(len(starts), np.int64)
    ended[by_depth] = last
    return Nesting(kept[starts], kept[ended], parents)


__all__ = ["Nesting", "nesting_of"]
