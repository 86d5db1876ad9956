"""The signs of a block of spam links: what each of them counts, and what a block must have whatever its signs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

#: Fewer links to other sites make no block.
LEAST_FOREIGN: Final = 2
#: From so many on they say all that links to other sites say, and so many of one wording repeat each other.
MANY_FOREIGN: Final = 4
REPEATED: Final = 3
#: A block may reach so far up from its links.
MAX_CLIMB: Final = 12
#: What is not known as spam must be so dense with links to other sites.
LEAST_DENSITY: Final = 0.4
#: The weights, in log-odds; chosen so that no single sign finds a block, on cases written for the tests.
BIAS: Final = -4.0
WEIGHTS: Final = {
    "hidden": 2.5,
    "hidden from assistive tools": 0.5,
    "links to other sites": 2.0,
    "link density": 1.0,
    "repeated anchors": 1.0,
    "nofollow": 0.3,
    "random names": 1.0,
    "empty elements of one name": 1.5,
    "already found": 4.0,
}
#: The text model's log-odds count between these bounds; below the lower one a block is clean, whatever its links.
SUSPICION: Final = (-2.5, 5.0)

_RANDOM: Final = re.compile(r"(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{5,12}", re.IGNORECASE)
#: One for each spelling: a pattern that begins with plain characters is found fast.
_IDS: Final = tuple(re.compile(rf"""{name}\s*+=\s*+["']?([a-zA-Z\d]++)""") for name in ("id", "ID", "Id", "iD"))


def is_random(name: str) -> bool:
    """Tell whether a word looks made by a machine.

    >>> is_random("x7k2p"), is_random("column2b"), is_random("menu")
    (True, True, False)
    """
    return _RANDOM.fullmatch(name) is not None


def has_twins(source: str) -> bool:
    """Tell whether two elements share an id that looks made by a machine: on most pages none do."""
    ids = Counter(name for each in _IDS for name in each.findall(source) if is_random(name))
    return bool(ids) and max(ids.values()) >= 2
