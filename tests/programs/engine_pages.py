"""A number comes in; as many pages for engines, some with spam put in, go out."""

from __future__ import annotations

from made_pages import made_pages

from detector.datatypes import Page

SPAM_PAGE = "\n".join(
    f"slot gacor hari ini | judi online terpercaya | agen bola resmi | togel online | casino bonus {number}"
    for number in range(30)
)


def engine_pages(count: int) -> list[Page]:
    """Return made pages; every hundredth is nothing but spam."""
    pages = list(made_pages(count, spam_share=0.2))
    return [Page(SPAM_PAGE, page.id, page.url) if number % 100 == 99 else page for number, page in enumerate(pages)]
