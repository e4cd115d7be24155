"""Events to result pages: what one shopper was shown for a query, and did with it.

A click counts only where its product really stood, so nobody raises a product by sending clicks
alone, and clients that behave like no shopper are left out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.events.stored_event import StoredEvent

CLICK, CART, PURCHASE = 1, 2, 3
LEVELS: Mapping[str, int] = {"click": CLICK, "add_to_cart": CART, "purchase": PURCHASE}
"""How much an interaction says; of several with one product the greatest counts."""

_HOUR = timedelta(hours=1)
_MASK = re.compile(r"\[(?:email|number)\]")
"""What service/events/pseudonyms.py puts in the place of personal data, in lower case."""


@dataclass(frozen=True)
class Guards:
    """What tells shoppers from programs and from people who would decide alone.

    sessions_an_hour: a page a minute for an hour is no shopper.
    clicked_share: of the products shown to a client over all its sessions; who clicks on more
        than that has not chosen. Asked only of clients with at least products_shown of them.
    sessions_a_query: the first ones of a client for a query count, the others do not.
    """

    sessions_an_hour: int = 60
    clicked_share: float = 0.8
    products_shown: int = 20
    sessions_a_query: int = 3


@dataclass(frozen=True)
class PageSession:
    """One result page and what was done on it.

    shown: product id and position (from 1), by position. levels: position to the greatest
    LEVELS of an interaction there; other positions had none. client: its hash.
    """

    index: str
    query: str
    query_id: str
    client: str
    at: datetime
    shown: tuple[tuple[str, int], ...]
    levels: Mapping[int, int]

    def positions(self, level: int) -> frozenset[int]:
        """Return the positions with an interaction of at least that level."""
        return frozenset(place for place, found in self.levels.items() if found >= level)


@dataclass(frozen=True)
class SessionReport:
    """Sessions by time, and what was left out, by reason.

    Events: `without_impression`, `other_client` (than the one whom the page was shown),
    `not_shown_there` (the product stood elsewhere or was not shown), `contradiction` (an
    impression names another product for a position, or another position for a product).
    Sessions: `blank_query`, `masked_query` (it held what may point to a person), `busy_client`,
    `clicks_everything`, `repeated_query`.
    """

    sessions: tuple[PageSession, ...]
    dropped: Mapping[str, int]


@dataclass
class _Page:
    """A page under construction, of one query id."""

    first: StoredEvent
    by_position: dict[int, str] = field(default_factory=dict)
    by_product: dict[str, int] = field(default_factory=dict)
    levels: dict[int, int] = field(default_factory=dict)

    def show(self, product_id: str, position: int) -> bool:
        """Note what was shown; False when it contradicts what was noted before."""
        product = self.by_position.setdefault(position, product_id)
        place = self.by_product.setdefault(product_id, position)
        if (product, place) == (product_id, position):
            return True
        # Neither side of a contradiction may stay half noted.
        if self.by_position[position] == product_id:
            del self.by_position[position]
        if self.by_product[product_id] == position:
            del self.by_product[product_id]
        return False


def build_sessions(events: Iterable[StoredEvent], guards: Guards = Guards()) -> SessionReport:
    """Return the sessions of events in any order.

    Several impressions of one query id, of its further pages, become one session. Queries are
    compared without case and outer or repeated blanks.
    """
    dropped: Counter[str] = Counter()
    pages = _pages(sorted(events, key=lambda event: (event.at, event.id)), dropped)
    sessions = sorted(
        _sessions(pages, dropped), key=lambda session: (session.at, session.query_id)
    )
    sessions = _without_programs(sessions, guards, dropped)
    sessions = _without_repeats(sessions, guards, dropped)
    return SessionReport(tuple(sessions), dict(dropped))


def _pages(events: Sequence[StoredEvent], dropped: Counter[str]) -> Iterable[_Page]:
    pages: dict[tuple[str, str], _Page] = {}
    # All impressions first: browsers send what they kept in any order.
    for event in events:
        if event.action == "impression":
            page = pages.setdefault((event.index, event.query_id), _Page(event))
            if page.first.client != event.client:
                dropped["other_client"] += 1
                continue
            for product_id, position in event.shown:
                if not page.show(product_id, position):
                    dropped["contradiction"] += 1
    for event in events:
        if event.action in LEVELS:
            _interact(pages.get((event.index, event.query_id)), event, dropped)
    return pages.values()


def _interact(page: _Page | None, event: StoredEvent, dropped: Counter[str]) -> None:
    if page is None:
        dropped["without_impression"] += 1
        return
    if page.first.client != event.client:
        dropped["other_client"] += 1
        return
    # A cart or purchase may know the product alone.
    place = page.by_product.get(event.object_id or "")
    if place is None or event.ordinal not in (None, place):
        dropped["not_shown_there"] += 1
        return
    page.levels[place] = max(LEVELS[event.action], page.levels.get(place, 0))


def _sessions(pages: Iterable[_Page], dropped: Counter[str]) -> Iterator[PageSession]:
    for page in pages:
        query = " ".join((page.first.user_query or "").casefold().split())
        if not query:
            dropped["blank_query"] += 1
            continue
        if _MASK.search(query):
            dropped["masked_query"] += 1  # many different queries look like this one
            continue
        yield PageSession(
            index=page.first.index,
            query=query,
            query_id=page.first.query_id,
            client=page.first.client,
            at=page.first.at,
            shown=tuple((page.by_position[place], place) for place in sorted(page.by_position)),
            levels=page.levels,
        )


def _without_programs(
    sessions: Sequence[PageSession], guards: Guards, dropped: Counter[str]
) -> list[PageSession]:
    by_client: dict[str, list[PageSession]] = defaultdict(list)
    for session in sessions:
        by_client[session.client].append(session)
    refused: set[str] = set()
    for client, own in by_client.items():
        reason = _reason_to_refuse(own, guards)
        if reason:
            refused.add(client)
            dropped[reason] += len(own)
    return [session for session in sessions if session.client not in refused]


def _reason_to_refuse(sessions: Sequence[PageSession], guards: Guards) -> str | None:
    limit = guards.sessions_an_hour
    # By time: more than the limit within an hour, wherever the hour begins.
    for first, last in zip(sessions, sessions[limit:], strict=False):
        if last.at - first.at < _HOUR:
            return "busy_client"
    shown = sum(len(session.shown) for session in sessions)
    clicked = sum(len(session.levels) for session in sessions)
    if shown >= guards.products_shown and clicked > guards.clicked_share * shown:
        return "clicks_everything"
    return None


def _without_repeats(
    sessions: Sequence[PageSession], guards: Guards, dropped: Counter[str]
) -> list[PageSession]:
    seen: Counter[tuple[str, str, str]] = Counter()
    kept = []
    for session in sessions:
        key = (session.client, session.index, session.query)
        seen[key] += 1
        if seen[key] <= guards.sessions_a_query:
            kept.append(session)
        else:
            dropped["repeated_query"] += 1
    return kept
