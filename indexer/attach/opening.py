"""Begins an attachment: what is added to the cluster, and what is written down of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from elasticsearch import Elasticsearch

from indexer.attach.companion_index import companion_name, create_companion
from indexer.attach.feed import index_state
from indexer.attach.field_paths import FieldPaths, leaf_fields, require_mapped, text_paths
from indexer.attach.follower import add_own_fields, begin, stamped
from indexer.attach.progress import Progress
from indexer.attach.shop_index import ShopIndex, find_shop_index, require_attachable, with_versions
from mappings.attachments import Attachment, Attachments
from mappings.encoder_spec import EncoderSpec
from mappings.errors import AttachRefused, UnknownIndex
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR

Mode = Literal["in_place", "companion"]


@dataclass(frozen=True)
class Wish:
    """What is asked for. mode: None for in place, or what the attachment has.

    photos: the encoder of the photos, which count where the map names their field. rate:
    documents a second; None for no limit.
    """

    fields: FieldPaths
    encoder: EncoderSpec
    photos: EncoderSpec | None = None
    mode: Mode | None = None
    rate: float | None = None
    may_break_versions: bool = False

    @property
    def encoders(self) -> dict[str, EncoderSpec]:
        """Return the encoders by vector field of ours."""
        encoders = {TEXT_VECTOR: self.encoder}
        if self.photos is not None and self.fields.get("images"):
            encoders[IMAGE_VECTOR] = self.photos
        return encoders


def find_attachment(client: Elasticsearch, name: str) -> Attachment | None:
    """Return the attachment of an index, None when it has none."""
    try:
        return Attachments(client).get(name)
    except UnknownIndex:
        return None


def open_attachment(client: Elasticsearch, shop: ShopIndex, wish: Wish) -> Attachment:
    """Attach an index, or attach it anew with other fields or another encoder.

    The caller holds the lease. Nothing has been added to the cluster when this raises
    AttachRefused or MissingSetting.
    """
    present = find_attachment(client, shop.name)
    mode = wish.mode or (present.mode if present else "in_place")
    if present is not None:
        _require_new(present, wish, mode)
    _require_not_attached_by_another_name(client, shop)
    shop = with_versions(client, shop)
    require_attachable(
        shop,
        in_place=mode == "in_place",
        encoders=wish.encoders,
        may_break_versions=wish.may_break_versions,
    )
    require_mapped(wish.fields, leaf_fields(shop.mappings), index=shop.index)
    text_paths(wish.fields, wish.encoder.template)
    state = index_state(client, shop.name)
    progress = replace(
        begin(client, shop, state, rate=wish.rate), may_break_versions=wish.may_break_versions
    )
    if present is not None and _replaces_vectors(present, wish):
        progress = replace(progress, replaces_vectors=True)
    target = shop.name
    if mode == "companion":
        target = companion_name(shop.index)
        if present is not None:
            # Its vectors are asked for until the new one is filled.
            before = Progress.from_json(present.progress)
            target = present.target
            building = companion_name(shop.index, before.building or present.target)
            progress = replace(progress, building=building, donors=(present.target,))
        create_companion(client, progress.building or target, shop, wish.encoders)
    attachment = Attachment(
        index=shop.name,
        mode=mode,
        target=target,
        fields=wish.fields,
        encoders=wish.encoders,
        progress=stamped(progress).to_json(),
    )
    if mode == "in_place":
        add_own_fields(client, attachment, shop)
    Attachments(client).put(attachment)
    return attachment


def is_same(present: Attachment, wish: Wish) -> bool:
    """Return whether an attachment is as it is wished for, so that it only has to go on."""
    return (
        wish.mode in {None, present.mode}
        and dict(present.fields) == dict(wish.fields)
        and dict(present.encoders) == wish.encoders
    )


def _replaces_vectors(present: Attachment, wish: Wish) -> bool:
    # Photos that were not encoded before have no vectors of another encoder.
    other = any(
        name in wish.encoders and wish.encoders[name] != spec
        for name, spec in present.encoders.items()
    )
    return other or Progress.from_json(present.progress).replaces_vectors


def _require_new(present: Attachment, wish: Wish, mode: Mode) -> None:
    if present.state == "detaching":
        raise AttachRefused(
            f"index {present.index!r} is being detached; end that with `shelfwise detach`",
            field="index",
        )
    if mode != present.mode:
        raise AttachRefused(
            f"index {present.index!r} is attached {_IN_WORDS[present.mode]} already; detach it "
            f"to attach it {_IN_WORDS[mode]}",
            field="index",
        )
    if is_same(present, wish):
        raise AttachRefused(
            f"index {present.index!r} is attached already, with these fields and this encoder",
            field="index",
        )


_IN_WORDS = {"in_place": "in place", "companion": "with a companion"}


def _require_not_attached_by_another_name(client: Elasticsearch, shop: ShopIndex) -> None:
    for other in Attachments(client).list():
        if other.index == shop.name:
            continue
        try:
            index = find_shop_index(client, other.index).index
        except (AttachRefused, UnknownIndex):
            continue
        if index == shop.index:
            raise AttachRefused(
                f"index {shop.index!r} is attached already, by its other name {other.index!r}",
                field="index",
            )
