"""Sends requests as a shop does: what is answered with 503 is sent again until it is taken."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.faults.traffic import Change, Request

PATIENCE_SECONDS = 150
_PAUSE_SECONDS = 0.2


@dataclass
class Sent:
    """What was sent. lines: by product, for whoever looks for a fault."""

    tasks: dict[str, int] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0


class Senders:
    """One thread for each row of requests."""

    def __init__(self, app: Flask, index: str, *, seconds: float) -> None:
        self._app = app
        self._path = f"/v1/indexes/{index}/products"
        self._seconds = seconds
        self._lock = threading.Lock()
        self._started = 0.0
        self.sent = Sent()

    def run(self, rows: Sequence[Sequence[Request]]) -> None:
        """Send everything; each request in its time, or as soon as those before it are taken."""
        self._started = time.monotonic()
        with ThreadPoolExecutor(len(rows)) as pool:
            for done in [pool.submit(self._run, row) for row in rows]:
                done.result()

    def _run(self, requests: Sequence[Request]) -> None:
        client = self._app.test_client()
        for request in requests:
            due = self._started + request.at * self._seconds - time.monotonic()
            if due > 0:
                time.sleep(due)
            self._deliver(client, request)

    def _deliver(self, client: FlaskClient, request: Request) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            began = time.monotonic() - self._started
            response = send(client, self._path, request)
            self._note(request, response, began)
            if response.status_code == 202:
                assert not response.json["rejected"], response.text
                return
            assert response.status_code == 503, (response.status_code, response.text, request)
            assert time.monotonic() < deadline, response.text
            # At once, before anything else of these products: it may have been kept.
            time.sleep(_PAUSE_SECONDS)

    def _note(self, request: Request, response: TestResponse, began: float) -> None:
        task = response.json.get("task_id") if response.json else None
        now = time.monotonic() - self._started
        with self._lock:
            if task:
                self.sent.tasks[task] = len(request.changes)
            else:
                self.sent.refused += 1
            for change in request.changes:
                what = f"{change.operation} v{change.version} {dict(change.fields)}"
                line = f"{began:7.2f}-{now:.2f} s: {response.status_code} {task} {what}"
                self.sent.lines[change.product_id].append(line)


def send(client: FlaskClient, path: str, request: Request) -> TestResponse:
    """Send one request to the products API."""
    if request.operation == "delete":
        if request.is_list and request.changes[0].version is None:
            return client.delete(path, json={"ids": [one.product_id for one in request.changes]})
        (change,) = request.changes
        version = "" if change.version is None else f"?version={change.version}"
        return client.delete(f"{path}/{change.product_id}{version}")
    call: Callable[..., TestResponse] = (
        client.post if request.operation == "upsert" else client.patch
    )
    bodies = [_body(change) for change in request.changes]
    if request.is_list:
        return call(path, json=bodies)
    return call(f"{path}/{request.changes[0].product_id}", json=bodies[0])


def _body(change: Change) -> dict[str, object]:
    body = {**change.fields, "id": change.product_id}
    return body if change.version is None else {**body, "version": change.version}
