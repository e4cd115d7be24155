"""Which encoders fill the next version of an index."""

from __future__ import annotations

from pathlib import Path

from indexer.encoders.registry import text_encoder_spec
from mappings.encoder_spec import EncoderSpec
from mappings.errors import InvalidQuery
from mappings.index_lifecycle import LiveIndex
from mappings.product import TEXT_VECTOR


def next_encoders(
    live: LiveIndex, name: str | None, template: str | None, *, model_directory: Path
) -> dict[str, EncoderSpec]:
    """Return the encoders of a new version by vector field.

    name, template: None for those of the live version. Raises InvalidQuery when the shop brings
    the text vectors itself, EncoderUnavailable when the encoder is not there.
    """
    encoders = dict(live.encoders)
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
