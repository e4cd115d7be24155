"""The identity of an encoder, as stored in an index's `_meta` and compared before every use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mappings.errors import EncoderMismatch, MappingMismatch

EXTERNAL = "external"
"""Name of the encoder that is not ours: products and queries bring their own vectors."""


@dataclass(frozen=True)
class EncoderSpec:
    """What must agree between the vectors of an index and the vector of a query.

    name: registry name, or the model's hub name or folder name.
    revision: fingerprint of the parameters (hex digest), so that two models of
        equal size and name are told apart.
    dims: length of a vector, 1 to 4096.
    similarity: `cosine`, as in Elasticsearch's `dense_vector`.
    template: how a product becomes the encoded text, e.g. "{title}. {description}"; empty for
        an encoder of photos.
    text_space: of an encoder of photos, the revision of the text encoder whose vectors may be
        compared with its own; empty for none.
    """

    name: str
    revision: str
    dims: int
    similarity: str = "cosine"
    template: str = "{title}"
    text_space: str = ""

    @property
    def is_external(self) -> bool:
        """True when no encoder of ours fills the field."""
        return self.name == EXTERNAL

    def to_meta(self) -> dict[str, Any]:
        """Return the JSON object kept under `_meta`."""
        return asdict(self)

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any], *, field: str) -> EncoderSpec:
        """Read a spec back from `_meta`.

        Raises MappingMismatch when a key is missing or of another version.
        """
        try:
            return cls(**meta)
        except TypeError as error:
            raise MappingMismatch(
                f"the encoder identity of {field!r} in the index's _meta is not readable: "
                f"{dict(meta)!r}",
                field=field,
            ) from error

    def require_same(self, ours: EncoderSpec, *, index: str, field: str) -> None:
        """Raise EncoderMismatch unless this spec, the index's, and ours are of one space."""
        differences = [
            f"{name} is {in_index!r} in the index but {here!r} here"
            for name, in_index in asdict(self).items()
            if (here := getattr(ours, name)) != in_index
        ]
        if differences:
            raise EncoderMismatch(
                f"index {index!r} was filled by another encoder of {field!r}: "
                + "; ".join(differences)
                + ". Configure the encoder of the index, or reindex with the new one.",
                field=field,
            )


def external(dims: int) -> EncoderSpec:
    """Return the spec of a vector field that the shop fills itself."""
    return EncoderSpec(name=EXTERNAL, revision="", dims=dims, template="")
