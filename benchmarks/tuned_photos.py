"""What `shelfwise finetune` makes of a shop's photos, and what its encoder adds to text search.

The encoder learns from four fifths of the fashion catalogue. Everything here is measured on the
others: the figures that the command itself writes, and searches of an index of these products
alone, whose photos the fine-tuned encoder has seen for the first time.

    python -m benchmarks.tuned_photos [--encoder FOLDER] [--minutes 15]
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from benchmarks.fashion_judgements import read_products
from benchmarks.judged_catalogues import collect_fashion, load_catalogue
from benchmarks.machine import describe_machine
from benchmarks.photo_fusion import compare_legs, photo_settings
from benchmarks.plan import QUICK, ROOT, Plan
from benchmarks.report import Part, Sheet, at_least, show, write
from benchmarks.stack import BenchStack
from embedded.programs import shelfwise_command
from indexer.finetune.figures import OWN_PHOTO, PHOTO_KIND, WORDS_COLOUR, WORDS_KIND
from indexer.finetune.output import METRICS_FILE, SPEC_FILE
from indexer.finetune.split import part_of
from service.bootstrap import build_searcher

HELD_OUT = "fashion-held-out"
"""Index of the products that nothing was learned from."""

TARGETS: Mapping[str, float] = {
    WORDS_KIND: 0.80,
    WORDS_COLOUR: 0.85,
    OWN_PHOTO: 0.75,
    PHOTO_KIND: 0.75,
}
MINUTES = 15.0
_HEAP = "1g"


def measure_tuned_photos(
    plan: Plan, stack: BenchStack, *, encoder: Path | None = None, minutes: float = MINUTES
) -> list[Part]:
    """Fine-tune unless there is an encoder; compare text, photos and both on held-out products.

    encoder: a folder of `shelfwise finetune` on this catalogue with its own seed, 0. Without one
    it is made and kept between runs; remove the folder to make it anew.
    """
    folder = encoder or _tuned(plan, minutes)
    products = held_out(read_products(plan.data))
    path = plan.state / "held-out.jsonl.gz"
    with gzip.open(path, "wb") as file:
        file.writelines(orjson.dumps(product) + b"\n" for product in products)
    settings = photo_settings(plan, str(folder.absolute()))
    plan.say(f"loading {len(products):,} products held out from fine-tuning")
    with stack.worker("fast,changes,bulk,photos", more=settings):
        load_catalogue(plan, stack, "fashion", index=HELD_OUT, path=path, more=settings)
    plan.say("searching them by text, by photos, and by both")
    served = stack.service_settings().model_copy(update={"image_encoder": str(folder.absolute())})
    searcher = build_searcher(served)
    collected = collect_fashion(plan, searcher, HELD_OUT, products)
    compared = compare_legs(collected.queries, encoder="a fine-tuned tower on products held out")
    return [figures_part(json.loads((folder / METRICS_FILE).read_text("utf-8"))), compared]


def held_out(products: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the products of which `shelfwise finetune` with seed 0 learns nothing."""
    return [one for one in products if part_of(str(one["id"]), seed=0) == "held_out"]


def figures_part(metrics: Mapping[str, Any]) -> Part:
    """Return the figures before and after, beside what is asked for.

    metrics: what fine-tuning writes.
    """
    before, after = metrics["before"], metrics["after"]
    rows = [(name, f"{before[name]:.3f}", f"{after[name]:.3f}") for name in after]
    facts = metrics["facts"]
    sheet = Sheet(
        "Fine-tuning on fashion, products held out",
        ("figure", "before", "after"),
        rows,
        f"{facts['time']}, {facts['epochs']} epochs, {facts['training rate']}",
    )
    verdicts = [
        at_least(f"fine-tuned: {name}", after[name], least) for name, least in TARGETS.items()
    ]
    return Part("fine-tuning", [sheet], verdicts, metrics)


def _tuned(plan: Plan, minutes: float) -> Path:
    """Return the folder of the fine-tuned encoder. Raises RuntimeError when the command fails."""
    folder = plan.state / "fashion-finetuned"
    if (folder / SPEC_FILE).is_file():
        return folder
    plan.say(f"fine-tuning for {minutes:g} minutes")
    catalogue = plan.data / "fashion" / "products.jsonl.gz"
    options = ["--catalogue", str(catalogue), "--out", str(folder), "--minutes", f"{minutes:g}"]
    command = shelfwise_command(["finetune", *options])
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise RuntimeError(f"fine-tuning on fashion ended with status {done.returncode}")
    return folder


@click.command()
@click.option(
    "--encoder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of `shelfwise finetune`; without one it is made.",
)
@click.option("--minutes", type=click.FloatRange(0.1), default=MINUTES, show_default=True)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=ROOT.parent / "shared" / "data",
    help="Folder with the fashion catalogue.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / ".shelfwise" / "tuned-photos",
    help="Folder of what is kept between runs.",
)
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path))
def main(
    encoder: Path | None, minutes: float, data: Path, state: Path, output: Path | None
) -> None:
    """Fine-tune on fashion, search what was held out, and print the tables."""
    console = Console(width=150)
    state.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        parts=frozenset(),
        sizes=(),
        effort=QUICK,
        full=False,
        state=state.absolute(),
        data=data.absolute(),
        peers=data.absolute(),
        console=console,
        feed_lines=0,
        quantized_products=0,
    )
    machine = describe_machine(ROOT)
    with BenchStack(
        plan.state / "stack", models=plan.state / "models", heap=_HEAP, say=plan.say
    ) as stack:
        parts = measure_tuned_photos(plan, stack, encoder=encoder, minutes=minutes)
    show(parts, console)
    write(output or state / "latest.json", machine, parts)


if __name__ == "__main__":
    main()
