"""From a signed request to changes in the queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from mappings.errors import UnknownWebhook
from mappings.product_changes import ProductChange
from service.live_indexes import LiveIndexes
from service.task_queue import TaskQueue
from service.webhooks import woocommerce
from service.webhooks.config import Webhook
from service.webhooks.families import Families
from service.webhooks.shop_event import ShopEvent
from service.webhooks.signatures import check_signature

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Received:
    """What became of a webhook. task_id: None when there was nothing to do, for `reason`."""

    task_id: str | None
    accepted: int
    reason: str = ""
    is_ping: bool = False


class WebhookIntake:
    """Takes webhooks in. webhooks: by name."""

    def __init__(
        self,
        webhooks: Mapping[str, Webhook],
        families: Families,
        indexes: LiveIndexes,
        task_queue: TaskQueue,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._webhooks = webhooks
        self._families = families
        self._indexes = indexes
        self._task_queue = task_queue
        self._now = now

    def receive(
        self,
        name: str,
        body: bytes,
        headers: Mapping[str, str],
        decode_json: Callable[[bytes], object],
    ) -> Received:
        """Queue what a webhook says. headers: names in lower case.

        Raises UnknownWebhook, Unauthorized for a wrong signature, InvalidQuery for a body that
        cannot be read although it is signed, QueueUnavailable, ClusterUnavailable.
        """
        webhook = self._webhooks.get(name)
        if webhook is None:
            raise UnknownWebhook(f"no webhook {name[:80]!r}", field="name")
        if webhook.kind == "woocommerce" and woocommerce.is_ping(body):
            return Received(None, 0, "it is the test of a new webhook", is_ping=True)
        check_signature(webhook.scheme, webhook.secrets(), body, headers, now=self._now())
        event = webhook.decode(decode_json(body), headers)
        changes, reason = self._changes(webhook, event)
        if not changes:
            log.info("webhook_ignored", webhook=name, reason=reason)
            return Received(None, 0, reason)
        task_id = self._task_queue.submit(webhook.index, changes)
        log.info("webhook_accepted", webhook=name, changes=len(changes), task_id=task_id)
        return Received(task_id, len(changes))

    def _changes(self, webhook: Webhook, event: ShopEvent) -> tuple[Sequence[ProductChange], str]:
        """Return what is to be done, and why, if it is nothing."""
        if event.ignored:
            return (), event.ignored
        if event.family is None:
            return event.changes, ""
        live = self._indexes.get(webhook.index)
        here = [change.product_id for change in event.changes]
        known = self._families.note(
            webhook.index,
            event.family,
            [*here, *event.members] or [event.family],
            event.version,
            is_delete=event.is_delete,
            overrides=event.overrides,
        )
        if known.is_stale:
            return (), "something newer of this product came before"
        version = event.version
        stored: Mapping[str, int | None] = {}
        if event.is_delete or event.is_whole or event.overrides:
            stored = self._families.indexed(live.index, event.family)
        if event.overrides or (event.is_delete and version is None):
            # Just behind all that is known, and before whatever the shop does next.
            newest = [one for one in (known.version, version, *stored.values()) if one is not None]
            version = max(newest) + 1 if newest else None
        changes = [replace(change, version=version) for change in event.changes]
        if event.is_delete or event.is_whole:
            there = {*here, *event.members}
            gone = sorted((known.members | stored.keys()) - there)
            changes += [ProductChange("delete", name, {}, version) for name in gone]
        return changes, ""
