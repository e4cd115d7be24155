"""Which encoders fill the next version of an index."""

from __future__ import annotations

from pathlib import Path

from indexer.encoders.image_registry import image_encoder_spec
from indexer.encoders.registry import text_encoder_spec
from mappings.encoder_spec import EncoderSpec
from mappings.errors import InvalidQuery
from mappings.index_lifecycle import LiveIndex
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR

NO_PHOTOS = "none"
"""Said instead of an encoder of photos by those who want none."""


def next_encoders(
    live: LiveIndex,
    name: str | None,
    template: str | None,
    *,
    image: str | None = None,
    model_directory: Path,
) -> dict[str, EncoderSpec]:
    """Return the encoders of a new version by vector field.

    name, template, image: None for those of the live version; NO_PHOTOS for no encoder of photos.
    Raises InvalidQuery when the shop brings the vectors itself, EncoderUnavailable when an
    encoder is not there.
    """
    encoders = dict(live.encoders)
    if image is not None:
        encoders |= _with_photos(live, image, model_directory)
        if image == NO_PHOTOS:
            encoders.pop(IMAGE_VECTOR, None)
    if name is None and template is None:
        return encoders
    present = live.text_encoder
    if present is None:
        raise InvalidQuery(
            f"index {live.name!r} has no text vectors of an encoder of ours", field="encoder"
        )
    encoders[TEXT_VECTOR] = text_encoder_spec(
        name or present.name,
        template=template or present.template,
        model_directory=model_directory,
    )
    return encoders


def _with_photos(live: LiveIndex, image: str, model_directory: Path) -> dict[str, EncoderSpec]:
    present = live.encoders.get(IMAGE_VECTOR)
    if present is not None and present.is_external:
        raise InvalidQuery(
            f"index {live.name!r} has vectors of photos that the shop brings itself",
            field="image_encoder",
        )
    if image == NO_PHOTOS:
        return {}
    return {IMAGE_VECTOR: image_encoder_spec(image, model_directory=model_directory)}
