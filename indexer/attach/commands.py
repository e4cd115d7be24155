"""`shelfwise attach`, `shelfwise attached` and `shelfwise detach`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indexer.attach.detaching import detach as take_out
from indexer.attach.driving import follow_in_foreground, held_lease, photos_lease_of
from indexer.attach.feed import index_state
from indexer.attach.field_paths import FieldPaths, read_field_paths, write_field_paths
from indexer.attach.follower import Follower, FollowerParts
from indexer.attach.opening import Mode, Wish, find_attachment, is_same, open_attachment
from indexer.attach.photo_counts import photo_counts
from indexer.attach.photo_work import AttachedPhotos
from indexer.attach.progress import Progress
from indexer.attach.proposal import Guess, propose
from indexer.attach.shop_index import ShopIndex, find_shop_index
from indexer.attach.worker_chore import attached_photos
from indexer.encoders.image_registry import image_encoder_spec
from indexer.encoders.registry import (
    export_query_encoder,
    load_text_encoder,
    text_encoder_spec,
)
from indexer.load_progress import LoadProgress, show_on
from indexer.photos.parts import PhotoParts, rules_from_settings
from indexer.settings import IndexerSettings
from indexer.vector_cache import connect_cache
from mappings import cluster, task_records
from mappings.attachments import Attachment, Attachments
from mappings.confirming import confirm
from mappings.encoder_spec import EncoderSpec
from mappings.errors import AttachRefused, MissingSetting, ShelfwiseError
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR

_INDEX = click.option("--index", "name", required=True, help="The shop's index, or an alias.")
_COLUMNS = (
    *("index", "mode", "state", "done", "documents", "behind"),
    *("photos_due", "photos_faulty", "refused", "error"),
)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@_INDEX
@click.option(
    "--map",
    "map_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that says which field is the title and so on.  [proposed, and asked]",
)
@click.option("--write-map", type=_FILE, help="Write the proposed map to this file, and end.")
@click.option("--yes", is_flag=True, help="Take the proposed map without asking.")
@click.option(
    "--companion/--in-place",
    "companion",
    default=None,
    help="Fill an index of its own that follows the shop's, or add the vectors to the shop's "
    "documents.  [in place]",
)
@click.option("--encoder", help="Text encoder.  [SHELFWISE_TEXT_ENCODER]")
@click.option(
    "--image-encoder",
    help="Encoder of the photos that the map names; `none` for none.  [SHELFWISE_IMAGE_ENCODER]",
)
@click.option("--template", help="How a product becomes the text.  [SHELFWISE_TEXT_TEMPLATE]")
@click.option(
    "--rate", type=click.FloatRange(min=0.1), help="Most documents written a second at first."
)
@click.option("--follow", is_flag=True, help="Stay and follow what the shop writes.")
@click.option("--background", is_flag=True, help="Let the workers do all of it, and return.")
def attach(name: str, map_path: Path | None, write_map: Path | None, **options: Any) -> None:  # noqa: ANN401 - click's values
    """Add vectors to an index that is there, so that searches of it become hybrid.

    No field of the shop's is changed. Called again after an interruption it goes on where it was;
    with other fields or another encoder it does what is different anew. The workers follow what
    the shop writes afterwards.
    """
    with _Session() as session:
        shop = find_shop_index(session.client, name)
        present = find_attachment(session.client, name)
        fields = _fields(session, shop, present, map_path, write_map, is_sure=options["yes"])
        if fields is None:
            return
        wish = Wish(
            fields,
            session.spec(options["encoder"], options["template"], present),
            photos=session.photo_spec(options["image_encoder"], present),
            mode=_MODES[options["companion"]],
            rate=options["rate"],
            may_break_versions=options["companion"] is False,
        )
        session.run(shop, wish, follow=options["follow"], background=options["background"])


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def attached(as_json: bool) -> None:
    """List the attached indexes: what was added, how far they are, and what went wrong."""
    with _Session() as session:
        rows = [_row(session, item) for item in Attachments(session.client).list()]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    table = Table(*_COLUMNS)
    for row in rows:
        table.add_row(*(escape(str(row.get(name, ""))) for name in _COLUMNS))
    Console().print(table)


@click.command()
@_INDEX
@click.option("--yes", is_flag=True, help="Do not ask.")
def detach(name: str, yes: bool) -> None:
    """Take all that `attach` has added out of an index again, and say what stays."""
    with _Session() as session:
        attachments = Attachments(session.client)
        attachment = attachments.get(name)
        if not yes:
            confirm(_question(attachment))
        # Whoever works on it looks at this at least once a second, and then gives up the lease.
        attachments.set_detaching(name)
        with (
            show_on(Console(), name, things="documents") as progress,
            held_lease(session.queue, name),
            held_lease(session.queue, name, of=photos_lease_of),
        ):
            done = take_out(session.client, attachments.get(name), on_progress=progress.update)
    click.echo(f"detached {name!r}: {done.cleaned + done.emptied:,} documents cleaned")
    for index in done.dropped:
        click.echo(f"deleted {index!r}")
    for text in done.stays:
        click.echo(f"stays: {text}")


class _Session:
    """What the commands share while they run."""

    def __init__(self) -> None:
        self.settings = IndexerSettings.from_environment(os.environ)
        self._held = ExitStack()

    def __enter__(self) -> _Session:
        settings, held = self.settings, self._held
        self.client = held.enter_context(cluster.connect(settings, exact_numbers=True))
        self.queue = held.enter_context(
            task_records.connect(settings.redis_url.get_secret_value())
        )
        return self

    def __exit__(self, *details: object) -> None:
        self._held.close()

    def spec(
        self, encoder: str | None, template: str | None, present: Attachment | None
    ) -> EncoderSpec:
        """Return the encoder asked for, else that of the attachment, else the settings'."""
        before = present.encoders.get(TEXT_VECTOR) if present else None
        settings = self.settings
        return text_encoder_spec(
            encoder or (before.name if before else settings.text_encoder),
            template=template or (before.template if before else settings.text_template),
            model_directory=Path(settings.model_directory),
        )

    def photo_spec(self, encoder: str | None, present: Attachment | None) -> EncoderSpec | None:
        """Return the encoder of photos asked for, else that of the attachment or the settings."""
        before = present.encoders.get(IMAGE_VECTOR) if present else None
        name = encoder or (before.name if before else self.settings.image_encoder)
        if not name or name == "none":
            return None
        return image_encoder_spec(name, model_directory=Path(self.settings.model_directory))

    def run(self, shop: ShopIndex, wish: Wish, *, follow: bool, background: bool) -> None:
        """Open the attachment, or go on with it, and work on it for as long as was asked."""
        present = find_attachment(self.client, shop.name)
        goes_on = present is not None and is_same(present, wish)
        if present is not None and goes_on and present.state == "following" and not follow:
            raise AttachRefused(
                f"index {shop.name!r} is attached already, with these fields and this encoder",
                field="index",
            )
        with held_lease(self.queue, shop.name) as lease:
            if present is None or not goes_on:
                present = open_attachment(self.client, shop, wish)
            click.echo(_described(present))
            if background:
                click.echo("the workers do the rest; `shelfwise attached` shows how far they are")
                return
            encoder = _load_encoder(self.settings, wish.encoder)
            follower = Follower(
                FollowerParts(
                    self.client,
                    lambda _: encoder,
                    cache=connect_cache(self.settings),
                    rules=rules_from_settings(self.settings),
                    page_size=self.settings.indexer_products_per_task,
                    is_over=lambda: lease.is_lost,
                )
            )
            with show_on(Console(), shop.name, things="documents") as shown:
                done = self._work(follower, present, shown, follow=follow)
        progress = Progress.from_json(done.progress)
        click.echo(
            f"{shop.name!r} is {done.state}: {progress.expected:,} documents, "
            f"{progress.refused:,} refused"
        )
        if progress.refusal:
            click.echo(f"the last one refused: {progress.refusal}")

    def _work(
        self, follower: Follower, present: Attachment, shown: LoadProgress, *, follow: bool
    ) -> Attachment:
        def update(progress: Progress) -> None:
            shown.update(min(progress.done, progress.expected), progress.expected)

        photos: AttachedPhotos | None = None
        if IMAGE_VECTOR in present.encoders:
            photos = attached_photos(self.settings, PhotoParts(self.settings, None), self.client)

        def beside(item: Attachment) -> None:
            if photos is not None and not follow:
                # What the fill has marked is found at once: else it could end with none done.
                with cluster.cluster_errors(index=item.target):
                    self.client.indices.refresh(index=item.target)
            if photos is not None and photos.is_due(item):
                with held_lease(self.queue, item.index, of=photos_lease_of):
                    written = photos.run(item, rate=Progress.from_json(item.progress).rate)
                shown.note(f"photos of {written:,} documents are done")

        def is_over(item: Attachment) -> bool:
            has_photos_left = photos is not None and photos.is_due(item)
            return not follow and _is_filled(item) and not has_photos_left

        return follow_in_foreground(
            follower,
            present,
            beside=beside,
            on_progress=update,
            on_wait=lambda error: shown.note(f"waiting: {error.message}"),
            patience_seconds=self.settings.indexer_patience_seconds,
            until=is_over,
            pause_seconds=self.settings.indexer_attached_seconds,
        )


_MODES: dict[bool | None, Mode | None] = {None: None, True: "companion", False: "in_place"}


def _fields(
    session: _Session,
    shop: ShopIndex,
    present: Attachment | None,
    map_path: Path | None,
    write_map: Path | None,
    *,
    is_sure: bool,
) -> FieldPaths | None:
    """Return the map: of the file, of the attachment, or what is proposed; None to end."""
    if map_path is not None:
        return read_field_paths(map_path.read_bytes(), where=map_path.name)
    if present is not None and write_map is None:
        return present.fields
    guesses = propose(session.client, shop)
    fields: dict[str, tuple[str, ...]] = {}
    for guess in guesses:
        fields[guess.field] = (*fields.get(guess.field, ()), guess.path)
    _show(guesses)
    if write_map is not None:
        write_map.write_bytes(write_field_paths(fields))
        click.echo(f"written to {write_map}; change it, and attach with --map {write_map}")
        return None
    if not is_sure and not sys.stdin.isatty():
        raise MissingSetting(
            "nobody is there to confirm the proposed fields: take them with --yes, or write them "
            "with --write-map and give them with --map"
        )
    if not is_sure:
        confirm("Attach with these fields?")
    return fields


def _show(guesses: Sequence[Guess]) -> None:
    table = Table("product field", "field of the index", "confidence", "values")
    for guess in guesses:
        samples = ", ".join(guess.samples)
        table.add_row(guess.field, guess.path, f"{guess.confidence:.0%}", escape(samples))
    Console().print(table)


def _load_encoder(settings: IndexerSettings, spec: EncoderSpec) -> Any:  # noqa: ANN401
    encoder = load_text_encoder(
        spec.name,
        template=spec.template,
        device=settings.indexer_device,
        batch_size=settings.indexer_encode_batch_size,
    )
    export_query_encoder(
        spec.name, template=spec.template, model_directory=Path(settings.model_directory)
    )
    return encoder


def _row(session: _Session, item: Attachment) -> dict[str, Any]:
    progress = Progress.from_json(item.progress)
    row: dict[str, Any] = {
        "index": item.index,
        "mode": item.mode,
        "searched": item.target,
        "state": item.state,
        "done": min(progress.done, progress.expected),
        "documents": progress.expected,
    }
    error = progress.error
    try:
        state = index_state(session.client, item.index)
        row["behind"] = state.behind(progress.shards if state.uuid == progress.uuid else {})
    except ShelfwiseError as problem:
        row["behind"], error = None, error or problem.message
    row |= photo_counts(session.client, item) if item.state != "detaching" else {}
    row |= {"refused": progress.refused, "error": error, "refusal": progress.refusal}
    encoders = {field: asdict(spec) for field, spec in item.encoders.items()}
    return row | {"at": progress.at, "fields": dict(item.fields), "encoders": encoders}


def _described(attachment: Attachment) -> str:
    spec, photos = attachment.encoders[TEXT_VECTOR], attachment.encoders.get(IMAGE_VECTOR)
    of_photos = f", photos by {photos.name}" if photos else ""
    where = (
        "in place"
        if attachment.mode == "in_place"
        else f"with the companion {attachment.target!r}"
    )
    fields = ", ".join(
        f"{name} = {'+'.join(paths)}" for name, paths in sorted(attachment.fields.items())
    )
    by = f"{spec.name} ({spec.dims} dims){of_photos}"
    return f"attaching {attachment.index!r} {where}, {by}: {fields}"


def _is_filled(item: Attachment) -> bool:
    return item.state == "following" and not Progress.from_json(item.progress).building


def _question(attachment: Attachment) -> str:
    if attachment.mode == "companion":
        return f"Delete the companion {attachment.target!r} of {attachment.index!r}?"
    return f"Remove the vectors from all documents of {attachment.index!r}?"
