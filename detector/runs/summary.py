"""The journal of a run comes in; what was found, by verdict, label and site, and what could not be read goes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from detector.datatypes import CUT_BY_DEFAULT, Label, Verdict
from detector.runs.journal import Journal

#: Sites in the summary's table: those with the most pages that are not clean.
WORST_SITES = 10


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """What was found on a site; ``not_clean`` counts pages by their verdict, ``cut_chars`` what cutting takes."""

    site: str
    pages: int
    not_clean: int
    spans: int
    cut_chars: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run found."""

    pages: int
    spans: int
    bad: int
    skipped: int
    unreadable: int
    dropped: int
    verdicts: dict[Verdict, int]
    labels: dict[Label, tuple[int, int]]
    sites: tuple[SiteFigures, ...]

    def lines(self) -> Iterator[str]:
        """Yield the summary as lines to print: totals, labels, the worst sites."""
        verdicts = ", ".join(f"{number} {verdict}" for verdict, number in self.verdicts.items() if number)
        counts = [
            f"{self.pages} pages" + (f" ({verdicts})" if verdicts else ""),
            f"{self.spans} spans",
            *([f"{self.dropped} dropped"] if self.dropped else []),
            *([f"{self.skipped} skipped (no known suffix)"] if self.skipped else []),
            *([f"{self.unreadable} unreadable"] if self.unreadable else []),
        ]
        yield "; ".join(counts)
        for label, (spans, chars) in self.labels.items():
            yield f"  {label:<24}{spans:>10} spans{chars:>14} characters"
        worst = [site for site in self.sites if site.not_clean]
        if worst:
            width = max(24, *(len(site.site) for site in worst))
            yield f"  {'site':<{width}}{'pages':>10}{'not clean':>11}{'spans':>10}"
            for site in worst:
                yield f"  {site.site:<{width}}{site.pages:>10}{site.not_clean:>11}{site.spans:>10}"


def summary_of(journal: Journal, *, sites: int = WORST_SITES) -> Summary:
    """Return what the run of a journal found, with so many of the worst sites."""
    [(pages, spans, bad)] = journal.rows(
        "select coalesce(sum(pages), 0), coalesce(sum(spans), 0), coalesce(sum(bad), 0) from inputs"
    )
    by_name = {
        (what, name): (number, chars)
        for what, name, number, chars in journal.rows(
            "select what, name, sum(number), sum(chars) from tallies group by what, name"
        )
    }
    labels = {label: by_name["label", label.value] for label in Label if ("label", label.value) in by_name}
    return Summary(
        pages,
        spans,
        bad,
        (journal.fact("skipped") or 0) + by_name.get(("skipped", ""), (0, 0))[0],
        journal.rows("select count(*) from problems")[0][0],
        journal.rows("select count(*) from dropped")[0][0],
        {verdict: by_name.get(("verdict", verdict.value), (0, 0))[0] for verdict in Verdict},
        labels,
        tuple(_worst(journal, sites)),
    )


def _worst(journal: Journal, count: int) -> Iterator[SiteFigures]:
    cut = ", ".join(f"'{label.value}'" for label in sorted(CUT_BY_DEFAULT))
    rows = journal.rows(
        "select site, sum(case when what = 'verdict' then number else 0 end) as pages,"
        " sum(case when what = 'verdict' and name != 'clean' then number else 0 end) as not_clean,"
        " sum(case when what = 'label' then number else 0 end),"
        f" sum(case when what = 'label' and name in ({cut}) then chars else 0 end)"
        " from tallies where what != 'skipped' group by site order by not_clean desc, pages desc, site limit ?",
        count,
    )
    yield from (SiteFigures(*row) for row in rows)


def problems_of(journal: Journal) -> Iterator[tuple[str, str]]:
    """Yield the place and the reason of all that could not be read: first what was never found, then in order."""
    for place, reason in journal.rows("select place, reason from problems order by part is not null, part, rowid"):
        yield (place.decode(errors="surrogatepass") if isinstance(place, bytes) else place), reason


def dropped_of(journal: Journal, limit: int) -> Iterator[tuple[str, str, str]]:
    """Yield id, verdict and file of the first pages that were left out of the cleaned files."""
    for name, verdict, path in journal.rows(
        "select dropped.id, verdict, path from dropped join inputs on inputs.number = dropped.input"
        " order by part, dropped.rowid limit ?",
        limit,
    ):
        shown = (each.decode(errors="surrogatepass") if isinstance(each, bytes) else each for each in (name, path))
        page, file = shown
        yield page, verdict, file
