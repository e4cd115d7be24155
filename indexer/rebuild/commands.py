"""`shelfwise reindex` and `shelfwise rollback`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from indexer.batch_sender import BatchSender
from indexer.celery_app import create_app, publisher
from indexer.encoders.next_encoders import next_encoders
from indexer.load_command import recognise_map
from indexer.load_progress import LoadProgress, show_on
from indexer.loader import Loader
from indexer.rebuild.driver import RebuildDriver, RebuildStopped
from indexer.records import RecordFile
from indexer.refresh_interval import RaisedInterval, RefreshIntervals
from indexer.rejects_file import RejectsFile
from indexer.settings import IndexerSettings
from mappings import cluster, task_records
from mappings.errors import InvalidQuery
from mappings.feeds.field_map import RecordMap, read_map
from mappings.index_lifecycle import LiveIndex, find_index
from mappings.index_mapping import QUANTIZATIONS
from mappings.index_versions import (
    Rebuild,
    abandon_next,
    find_next,
    read_rebuild,
    require_next,
    start_next,
    start_rollback,
    write_rebuild,
)
from mappings.outbox import Outbox
from mappings.product_changes import ProductChange
from mappings.task_records import TaskRecords

MAX_JUDGEMENT_BYTES = 1_000_000
CLOCK_SLACK_US = 300_000_000
"""Clocks of two machines may differ by so much when a rollback asks what changed since."""

_FOLLOW_SECONDS = 0.5
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--index", "name", required=True, help="Index to rebuild.")
@click.option("--encoder", help="Text encoder of the new version.  [that of the live one]")
@click.option("--template", help="How a product becomes the encoded text.  [that of the live one]")
@click.option(
    "--image-encoder",
    help="Photo encoder of the new version, by name or folder; `none` for no photos.  [that of "
    "the live one]",
)
@click.option(
    "--photos",
    type=click.Choice(["wait", "later"]),
    help="Whether the swap waits until every photo was tried.  [wait]",
)
@click.option("--map", "map_path", type=_FILE, help="Field map from stored products to new ones.")
@click.option("--from", "feed", type=_FILE, help="Fill it from this file, not from the live one.")
@click.option("--feed-map", help="Field map of that file; recognised when not given.")
@click.option("--quantization", type=click.Choice(list(QUANTIZATIONS)), default="int8_hnsw")
@click.option("--shards", type=click.IntRange(1, 1024))
@click.option("--replicas", type=click.IntRange(0, 16))
@click.option("--judgements", type=_FILE, help="Swap only if NDCG@10 on this list does not fall.")
@click.option("--max-drop", type=click.FloatRange(0, 1), default=0.02, show_default=True)
@click.option("--background", is_flag=True, help="Let the workers drive it, and return.")
@click.option("--abandon", is_flag=True, help="Drop the version that is being built.")
def reindex(name: str, **options: Any) -> None:  # noqa: ANN401 - click's values, by option
    """Build a new version of an index while the live one serves, verify it, and swap.

    Called again after an interruption, it goes on where it was. The old version is kept for
    `shelfwise rollback`.
    """
    with _Session() as session:
        if options["abandon"]:
            click.echo(f"dropped {abandon_next(session.client, name)!r}")
            return
        feed = options["feed"]
        present = find_next(session.client, name)
        if present is None:
            target = _start(session, name, options)
            click.echo(f"building {target.index}")
        else:
            click.echo(f"going on with {present.index}")
            if options["photos"] is not None:
                rebuild = read_rebuild(session.client, present.index)
                kept = {**rebuild.options, "photos": options["photos"]}
                write_rebuild(session.client, present.index, replace(rebuild, options=kept))
        if feed is not None:
            session.fill(name, feed, options["feed_map"])
        if options["background"]:
            click.echo("the workers go on with it")
            return
        session.drive(name)


@click.command()
@click.option("--index", "name", required=True, help="Index to roll back.")
def rollback(name: str) -> None:
    """Let the previous version of an index serve again, with all that changed since."""
    with _Session() as session:
        if find_next(session.client, name) is None:
            target = start_rollback(session.client, name, slack_us=CLOCK_SLACK_US)
            click.echo(f"going back to {target.index}")
        session.drive(name)


class _Session:
    """What the commands share while they run."""

    def __init__(self) -> None:
        self.settings = IndexerSettings.from_environment(os.environ)
        self._held = ExitStack()

    def __enter__(self) -> _Session:
        settings, held = self.settings, self._held
        self.client = held.enter_context(cluster.connect(settings))
        self.queue = held.enter_context(
            task_records.connect(settings.redis_url.get_secret_value())
        )
        app = held.enter_context(create_app(settings))
        self.outbox = Outbox(self.queue, publisher(app), ttl_seconds=settings.task_ttl_seconds)
        return self

    def __exit__(self, *details: object) -> None:
        self._held.close()

    def drive(self, name: str) -> None:
        """Bring the rebuild of an index to its end, with progress."""
        driver = RebuildDriver(self.client, self.queue, self.outbox, self.settings)
        with show_on(Console(), name) as progress:
            try:
                while driver.drive(name, progress) is None:
                    if self._is_over(name):
                        progress.note("a worker has brought it to its end")
                        return
                    time.sleep(_FOLLOW_SECONDS)
            except KeyboardInterrupt:
                progress.note("the workers go on with it; --abandon drops it")
                raise

    def _is_over(self, name: str) -> bool:
        """Return whether somebody else has brought the rebuild to its end.

        Raises RebuildStopped when it has failed.
        """
        target = find_next(self.client, name)
        if target is None:
            return True
        rebuild = read_rebuild(self.client, target.index)
        if rebuild.step == "failed":
            raise RebuildStopped(rebuild.failed or "it failed")
        return False

    def fill(self, name: str, feed: Path, map_name: str | None) -> None:
        """Bring the products of a file into the version that is being built.

        Records that cannot be used are set aside in a file of rejects.
        """
        target = require_next(self.client, name)
        settings = self.settings
        records = TaskRecords(self.queue, ttl_seconds=settings.task_ttl_seconds)
        sender = BatchSender(self.outbox, records, name)
        rejects_path = feed.with_name(feed.name + ".rejects.jsonl")
        intervals = RefreshIntervals(self.client, self.queue)
        seconds = settings.indexer_load_refresh_seconds
        with (
            show_on(Console(), name) as progress,
            RejectsFile(rejects_path) as rejects,
            RaisedInterval(intervals, target.index, seconds) as lease,
            RecordFile(feed) as file,
        ):
            mapping = _Filling(read_map(map_name) if map_name else recognise_map(feed))
            loader = Loader(sender, rejects, progress, settings, lease=lease)
            summary = loader.load(file, mapping)
            _note_rejects(progress, summary.rejected, rejects_path)
        rebuild = read_rebuild(self.client, target.index)
        write_rebuild(self.client, target.index, replace(rebuild, step="verifying"))


def _start(session: _Session, name: str, options: Mapping[str, Any]) -> LiveIndex:
    client = session.client
    live = find_index(client, name)
    kept: dict[str, Any] = {}
    if options["photos"] is not None:
        kept["photos"] = options["photos"]
    if options["map_path"] is not None:
        kept["map"] = options["map_path"].read_text(encoding="utf-8")
        read_map(str(options["map_path"]))
    if options["judgements"] is not None:
        text = options["judgements"].read_text(encoding="utf-8")
        if len(text.encode()) > MAX_JUDGEMENT_BYTES:
            raise InvalidQuery(
                f"--judgements: at most {MAX_JUDGEMENT_BYTES:,} bytes", field="judgements"
            )
        kept |= {"judgements": text, "max_drop": options["max_drop"]}
    return start_next(
        client,
        name,
        next_encoders(
            live,
            options["encoder"],
            options["template"],
            image=options["image_encoder"],
            model_directory=Path(session.settings.model_directory),
        ),
        Rebuild(live.index, "feed" if options["feed"] else "copy", options=kept),
        shards=options["shards"],
        replicas=options["replicas"],
        quantization=options["quantization"],
    )


class _Filling:
    """A map whose upserts go to the version that is being built alone."""

    def __init__(self, mapping: RecordMap) -> None:
        self._mapping = mapping
        self.name, self.index = mapping.name, mapping.index

    def apply(self, record: Mapping[str, Any]) -> ProductChange:
        return replace(self._mapping.apply(record), operation="fill")


def _note_rejects(progress: LoadProgress, count: int, path: Path) -> None:
    if count:
        progress.note(f"{count:,} records were rejected: see {path}")
