"""The client: searches, products, tasks and events of one service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self, Unpack
from urllib.parse import quote

from mappings.client.answers import Accepted, Rejected, SearchAnswer, Task
from mappings.client.errors import RequestRefused, TaskUnfinished
from mappings.client.http import Http
from mappings.client.requests import SearchOptions, SimilarOptions

PRODUCTS_PER_REQUEST = 500
EVENTS_PER_REQUEST = 1_000
_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 2.0


class Shelfwise:
    """A connection to a service; one is enough for a process, and threads may share it.

    url: e.g. http://127.0.0.1:8080. api_key: as `shelfwise keys create` shows it, where the
    service asks for one. Every method raises NotAllowed without the right key, Unavailable when
    the service is away or overloaded after all attempts, and RequestRefused, with the field at
    fault, for what can be mended.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 10.0,
        attempts: int = 4,
        connections: int = 10,
        ca_certs: str | None = None,
    ) -> None:
        self._http = Http(
            url,
            api_key=api_key,
            timeout_seconds=timeout_seconds,
            attempts=attempts,
            connections=connections,
            ca_certs=ca_certs,
        )

    def __repr__(self) -> str:
        return f"Shelfwise({self._http!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def search(
        self,
        index: str,
        q: str | Mapping[str, float] = "",
        **options: Unpack[SearchOptions],
    ) -> SearchAnswer:
        """Return a page of products. q: words, or phrases with weights; empty to browse."""
        body = {"q": q, **options}
        return SearchAnswer.from_json(self._http.request("POST", _at(index, "search"), body))

    def pages(
        self,
        index: str,
        q: str | Mapping[str, float] = "",
        **options: Unpack[SearchOptions],
    ) -> Iterator[SearchAnswer]:
        """Yield page after page of one search, to its end."""
        while True:
            answer = self.search(index, q, **options)
            yield answer
            if answer.cursor is None:
                return
            options["cursor"] = answer.cursor
            options.pop("offset", None)

    def similar(
        self, index: str, product_id: str, **options: Unpack[SimilarOptions]
    ) -> SearchAnswer:
        """Return products like that one. Raises NotThere."""
        path = _at(index, "products", product_id, "similar")
        return SearchAnswer.from_json(self._http.request("GET", path, parameters=options))

    def product(self, index: str, product_id: str) -> Mapping[str, Any]:
        """Return a product as it was last indexed. Raises NotThere."""
        found: Mapping[str, Any] = self._http.request("GET", _at(index, "products", product_id))
        product: Mapping[str, Any] = found["product"]
        return product

    def upsert(self, index: str, products: Iterable[Mapping[str, Any]]) -> Accepted:
        """Add or replace products, any number; each may have a `version` beside its fields."""
        return self._send("POST", index, products)

    def patch(self, index: str, changes: Iterable[Mapping[str, Any]]) -> Accepted:
        """Change some fields of products; each names its `id`, and None removes a field."""
        return self._send("PATCH", index, changes)

    def delete(self, index: str, product_ids: Iterable[str]) -> Accepted:
        """Delete products; one that is not there is no error."""
        return self._send("DELETE", index, product_ids)

    def rules(self, index: str) -> Mapping[str, Any]:
        """Return the rules in force under `rules`, their version under `active`, the versions."""
        found: Mapping[str, Any] = self._http.request("GET", _at(index, "rules"))
        return found

    def set_rules(
        self, index: str, rules: Mapping[str, Any], *, if_version: str | None = None
    ) -> Mapping[str, Any]:
        """Let rules and synonyms take the place of all that are in force; return their version.

        if_version: the version that was read, `none` for none; RequestRefused with the api_code
        `conflict` when another is in force by now.
        """
        parameters = {} if if_version is None else {"if_version": if_version}
        made: Mapping[str, Any] = self._http.request(
            "PUT", _at(index, "rules"), rules, parameters=parameters
        )
        return made

    def task(self, task_id: str) -> Task:
        """Return a task as it stands. Raises NotThere when it has expired."""
        return Task.from_json(self._http.request("GET", f"/v1/tasks/{quote(task_id, safe='')}"))

    def wait(
        self,
        accepted: Accepted | str,
        *,
        timeout_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> list[Task]:
        """Wait until changes are in the index, and return their tasks.

        They are found by searches within the index's refresh interval, a second by default.
        Raises TaskUnfinished after the timeout.
        """
        task_ids = [accepted] if isinstance(accepted, str) else accepted.task_ids
        deadline = clock() + timeout_seconds
        tasks = []
        for task_id in task_ids:
            pause = _POLL_SECONDS
            while not (task := self.task(task_id)).is_over:
                if clock() + pause > deadline:
                    raise TaskUnfinished(
                        f"task {task_id} is {task.state}, {task.done} of {task.total} are done",
                        api_code="unfinished",
                    )
                sleep(pause)
                pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
            tasks.append(task)
        return tasks

    def events(self, events: Sequence[Mapping[str, Any]]) -> int:
        """Tell what shoppers did with results; return how many events the service has of these.

        The same event is stored once, however often it is sent.
        """
        accepted = 0
        rest = iter(events)
        while part := list(islice(rest, EVENTS_PER_REQUEST)):
            answer = self._http.request("POST", "/v1/events", {"events": part})
            accepted += answer["accepted"]
        return accepted

    def _send(self, method: str, index: str, items: Iterable[Any]) -> Accepted:
        """Send changes in requests of a bounded size, and put their answers together."""
        path = _at(index, "products")
        task_ids: list[str] = []
        rejected: list[Rejected] = []
        accepted = start = 0
        rest = iter(items)
        while part := list(islice(rest, PRODUCTS_PER_REQUEST)):
            body = {"ids": part} if method == "DELETE" else part
            try:
                answer = self._http.request(method, path, body)
            except RequestRefused as error:
                if error.api_code != "product_rejected":
                    raise
                # None of this part can be used; those before it are on their way.
                rejected += _none_of(start, len(part), error)
            else:
                task_ids.append(answer["task_id"])
                accepted += answer["accepted"]
                rejected += [
                    Rejected(start + one["position"], one["id"], one["field"], one["reason"])
                    for one in answer["rejected"]
                ]
            start += len(part)
        return Accepted(tuple(task_ids), accepted, tuple(rejected))


def _none_of(start: int, count: int, error: RequestRefused) -> list[Rejected]:
    return [
        Rejected(place, None, error.field, error.message) for place in range(start, start + count)
    ]


def _at(index: str, *parts: str) -> str:
    return "/v1/indexes/" + "/".join(quote(part, safe="") for part in (index, *parts))
