"""What the views need, made once by `bootstrap` and passed around as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from elasticsearch import Elasticsearch
from flask import current_app

from mappings.dead_letters import DeadLetters
from mappings.task_records import TaskRecords
from service.access.gate import Access
from service.compat.cursors import Cursors
from service.compat.elasticsearch_api import ElasticsearchApi
from service.events.intake import EventIntake
from service.insight.insight import Insight
from service.insight.recorder import Recorder
from service.judging.desk import JudgingDesk
from service.live_indexes import LiveIndexes
from service.rules.curation import CompiledRules
from service.rules.following import ActiveRules
from service.searcher import Searcher
from service.settings import ServiceSettings
from service.similar_products import SimilarProducts
from service.suggestions.suggester import Suggester
from service.task_queue import TaskQueue
from service.telemetry import Telemetry
from service.webhooks.intake import WebhookIntake

EXTENSION = "shelfwise"


@dataclass(frozen=True)
class Services:
    """The parts of the running service.

    check_queue: raises QueueUnavailable without Redis. check_encoders: raises an error that names
    the first index that is searched without its encoders.
    """

    settings: ServiceSettings
    client: Elasticsearch
    indexes: LiveIndexes
    searcher: Searcher
    rules: ActiveRules[CompiledRules]
    similar: SimilarProducts
    suggester: Suggester
    task_records: TaskRecords
    task_queue: TaskQueue
    dead_letters: DeadLetters
    events: EventIntake
    webhooks: WebhookIntake
    judging: JudgingDesk
    check_queue: Callable[[], None]
    check_encoders: Callable[[], None]
    access: Access
    elasticsearch_api: ElasticsearchApi
    cursors: Cursors
    recorder: Recorder
    insight: Insight
    telemetry: Telemetry = field(default_factory=Telemetry)


def current_services() -> Services:
    """Return the services of the application that handles this request."""
    return cast(Services, current_app.extensions[EXTENSION])
