"""What the pages need beside the service's own parts, made once for each application."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import current_app

from mappings.errors import MissingSetting
from service.events.event_key import find_event_key
from service.pages.colour_fields import ColourFields
from service.pages.photos import ProductPhotos
from service.services import Services
from service.settings import ServiceSettings

EXTENSION = "shelfwise_pages"


@dataclass(frozen=True)
class Pages:
    """takes_events: whether the page may tell what its visitors do."""

    photos: ProductPhotos
    colours: ColourFields
    takes_events: bool


def build_pages(services: Services) -> Pages:
    """Return the parts; nothing is sent over the network."""
    folder = services.settings.service_photo_directory
    return Pages(
        photos=ProductPhotos(services.client, services.indexes, Path(folder) if folder else None),
        colours=ColourFields(services.searcher),
        takes_events=_has_event_key(services.settings),
    )


def current_pages() -> Pages:
    """Return the parts of the application that handles this request."""
    return cast(Pages, current_app.extensions[EXTENSION])


def _has_event_key(settings: ServiceSettings) -> bool:
    try:
        find_event_key(settings)
    except MissingSetting:
        return False
    return True
