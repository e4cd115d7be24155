"""How far the photos of an attached index are, as `shelfwise attached` tells it."""

from __future__ import annotations

from elasticsearch import Elasticsearch

from mappings.attachments import ATTACHED_PHOTO_PROBLEMS, ATTACHED_PHOTOS_DUE, Attachment
from mappings.cluster import cluster_errors
from mappings.errors import UnknownIndex
from mappings.product import IMAGE_VECTOR


def photo_counts(client: Elasticsearch, attachment: Attachment) -> dict[str, int]:
    """Return the documents whose photos are still to be done, and those that lack one for good.

    Nothing for an attachment without photos, and where the index has gone.
    """
    if IMAGE_VECTOR not in attachment.encoders:
        return {}
    due = {"exists": {"field": ATTACHED_PHOTOS_DUE}}
    faulty = {"exists": {"field": ATTACHED_PHOTO_PROBLEMS}}
    only = {"bool": {"filter": [faulty], "must_not": [due]}}
    try:
        with cluster_errors(index=attachment.target):
            return {
                "photos_due": client.count(index=attachment.target, query=due)["count"],
                "photos_faulty": client.count(index=attachment.target, query=only)["count"],
            }
    except UnknownIndex:
        return {}
