"""The `shelfwise` command: a table of subcommands, each imported only when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from mappings.audit import record_command
from mappings.errors import ShelfwiseError

COMMANDS = {
    "run": ("embedded.cli:run", "Start everything on this machine and load a catalogue."),
    "serve": ("service.cli:serve", "Start the search service (gunicorn)."),
    "worker": ("indexer.cli:worker", "Start a worker that embeds and indexes products."),
    "load": ("indexer.cli:load", "Load a file of products into an index."),
    "sync": (
        "indexer.connectors.commands:sync",
        "Bring products from files, indexes and databases, and follow their changes.",
    ),
    "index": ("indexer.cli:index", "Create, list and drop indexes."),
    "attach": (
        "indexer.attach.commands:attach",
        "Add vectors to an index of the shop's that is there.",
    ),
    "attached": ("indexer.attach.commands:attached", "List the attached indexes."),
    "detach": (
        "indexer.attach.commands:detach",
        "Take what attach has added out again.",
    ),
    "dead-letters": (
        "indexer.dead_letter_commands:dead_letters",
        "List, show, retry and purge changes that were given up.",
    ),
    "photos": (
        "indexer.photos.commands:photos",
        "List and retry photos that could not be had.",
    ),
    "reindex": ("indexer.rebuild.commands:reindex", "Rebuild an index while it serves."),
    "rollback": ("indexer.rebuild.commands:rollback", "Go back to the version before."),
    "encoder": ("indexer.cli:encoder", "Show, check and export encoders."),
    "events": (
        "service.events.commands:events",
        "Count, purge and erase what shoppers did.",
    ),
    "keys": ("service.access.commands:keys", "Make, list and revoke API keys."),
    "weights": ("service.weights.commands:weights", "List, switch and compare ranking weights."),
    "rules": ("service.rules.commands:rules", "List, change and import rules and synonyms."),
    "evaluate": ("service.cli:evaluate", "Measure ranking on a judgement list."),
    "train": ("service.learning.commands:train", "Learn ranking weights from judgements."),
    "finetune": (
        "indexer.finetune.commands:finetune",
        "Train an encoder on your own photos and titles.",
    ),
    "features": ("service.learning.commands:features", "List the ranking features."),
    "compare": (
        "service.evaluation.compare_command:compare",
        "Say on which queries one ranking beats another, and why.",
    ),
    "judgements": (
        "service.evaluation.judgement_commands:judgements",
        "Import, list and export judgement lists, and find what to judge.",
    ),
}
"""Name, where it is, and one line of help, so that `--help` imports nothing."""


class CommandTable(click.Group):
    """A click group that imports a subcommand's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one subcommand, None when the table has none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help from the table, without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=CommandTable, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shelfwise")
def cli() -> None:
    """Hybrid product search beside the Elasticsearch that a shop already runs."""


def main() -> None:
    """Run the command line; an error of ours is one message and exit status 1."""
    try:
        _run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        record_command(sys.argv[1:], status, os.environ)
        raise


def _run() -> None:
    try:
        cli(standalone_mode=True)
    except ShelfwiseError as error:
        click.echo(f"shelfwise: {error}", err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        click.echo(
            f"shelfwise: {error}; install the part that this command needs, "
            "e.g. pip install 'shelfwise[service]'",
            err=True,
        )
        sys.exit(1)
