"""The index that products are brought into, made when it is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from elasticsearch import Elasticsearch

from indexer.encoders.registry import text_encoder_spec
from indexer.patience import patiently
from indexer.photos.parts import image_spec
from indexer.settings import IndexerSettings
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable, UnknownIndex
from mappings.index_lifecycle import (
    LiveIndex,
    create_index,
    find_index,
    require_text_encoder,
)
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR


def find_or_create(
    client: Elasticsearch,
    name: str,
    settings: IndexerSettings,
    *,
    note: Callable[[str], None],
) -> LiveIndex:
    """Return the index, made for the configured encoders when it is not there.

    note: told what a person should know meanwhile. Raises EncoderMismatch when another encoder
    fills it, TemporaryError when the cluster is away for longer than the patience.
    """

    def configured() -> EncoderSpec:
        return text_encoder_spec(
            settings.text_encoder,
            template=settings.text_template,
            model_directory=Path(settings.model_directory),
        )

    def find() -> LiveIndex:
        try:
            live = find_index(client, name)
        except UnknownIndex:
            photos = image_spec(settings)
            encoders = {} if photos is None else {IMAGE_VECTOR: photos}
            return create_index(client, name, {TEXT_VECTOR: configured(), **encoders})
        if live.text_encoder:
            try:
                require_text_encoder(live, configured())
            except EncoderUnavailable:
                pass  # a machine without the model may load: the worker compares
        if settings.image_encoder and live.image_encoder is None:
            note(
                f"this index has no photos; `shelfwise reindex --index {name} --image-encoder "
                f"{settings.image_encoder}` makes one with them"
            )
        return live

    return patiently(
        find,
        patience_seconds=settings.indexer_patience_seconds,
        on_failure=lambda error: note(error.message),
    )
