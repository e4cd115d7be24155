"""`python -m benchmarks`: everything that is promised about speed and size, measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from benchmarks.catalogue import open_catalogue
from benchmarks.loading import load_once, measure_loading
from benchmarks.machine import describe_machine
from benchmarks.measures import Memory
from benchmarks.memory import memory_part
from benchmarks.motion import measure_motion
from benchmarks.overload import measure_overload
from benchmarks.pass_through import measure_pass_through
from benchmarks.peers.compare import measure_peers
from benchmarks.photo_fusion import FASHION, measure_photo_fusion
from benchmarks.photo_quality import measure_photo_quality
from benchmarks.photo_queries import measure_photo_queries
from benchmarks.photos import measure_photos
from benchmarks.plan import FEED, PARTS, QUANTIZED, QUICK, ROOT, SIZES, THOROUGH, Plan
from benchmarks.relevance import measure_relevance
from benchmarks.report import Part, show, write
from benchmarks.scale import measure_scale
from benchmarks.searching import Growth, measure_searches, search_part
from benchmarks.stack import BenchStack

HEAP = "2g"
_SHARED = ROOT.parent / "shared"
_WIDTH = 150
_QUICK_SIZES = (1_000, 2_000)
_QUICK_FEED = 5_000
_OVERLOAD = 60.0
_QUICK_OVERLOAD = 20.0


_ON_A_STACK = {
    "scale": measure_scale,
    "overload": measure_overload,
    "pass-through": measure_pass_through,
}


def _names(context: click.Context, option: click.Parameter, value: str) -> frozenset[str]:
    names = frozenset(filter(None, value.split(",")))
    if not names <= set(PARTS):
        raise click.BadParameter(f"there are {', '.join(PARTS)}")
    return names


def _numbers(context: click.Context, option: click.Parameter, value: str | None) -> Sequence[int]:
    try:
        numbers = sorted({int(part) for part in (value or "").split(",") if part})
    except ValueError as error:
        raise click.BadParameter("should be whole numbers, divided by commas") from error
    if numbers and numbers[0] < 1:
        raise click.BadParameter("a catalogue has at least one product")
    return numbers


@click.command()
@click.option("--only", default=",".join(PARTS), callback=_names, help="Parts, with commas.")
@click.option("--sizes", callback=_numbers, help="Numbers of products, with commas.")
@click.option("--quick", is_flag=True, help="Few of everything: whether it runs, not how fast.")
@click.option("--full", is_flag=True, help="Load even the largest size through the encoder.")
@click.option("--feed-lines", type=click.IntRange(min=1), help="Lines of the long feed.")
@click.option(
    "--overload-seconds",
    type=click.FloatRange(min=5, max=1_200),
    help="How long too many searches arrive  [60; with --quick 20]",
)
@click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=ROOT / "benchmarks" / "results" / "latest.json",
    help="File of all numbers  [benchmarks/results/latest.json]",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / ".shelfwise" / "benchmarks",
    help="Folder of what is kept between runs  [.shelfwise/benchmarks]",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=_SHARED / "data",
    help="Folder with the Icecat catalogue; without it our own sample is used.",
)
@click.option(
    "--peers",
    type=click.Path(file_okay=False, path_type=Path),
    default=_SHARED / "peers",
    help="Folder with the peers' scripts; without it they are left out.",
)
def main(
    only: frozenset[str],
    sizes: Sequence[int],
    quick: bool,
    full: bool,
    feed_lines: int | None,
    overload_seconds: float | None,
    output: Path,
    state: Path,
    data: Path,
    peers: Path,
) -> None:
    """Measure loading, searching, memory, and the peers beside; print tables and write JSON.

    Ends with status 0 whatever the numbers are: it is a benchmark, not a test.
    """
    console = Console(width=None if Console().is_terminal else _WIDTH)
    state.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        parts=only,
        sizes=tuple(sizes) or (_QUICK_SIZES if quick else SIZES),
        effort=QUICK if quick else THOROUGH,
        full=full,
        state=state.absolute(),
        data=data.absolute(),
        peers=peers.absolute(),
        console=console,
        feed_lines=feed_lines or (_QUICK_FEED if quick else FEED),
        overload_seconds=overload_seconds or (_QUICK_OVERLOAD if quick else _OVERLOAD),
        quantized_products=_QUICK_SIZES[-1] if quick else QUANTIZED,
    )
    machine = describe_machine(ROOT)
    console.print(
        f"{machine['cores']} cores, {machine['processor']}, {machine['memory_gb']} GB, "
        f"load {machine['load_at_start']}, commit {machine['commit']}",
        highlight=False,
    )
    started = time.monotonic()
    parts = measure(plan)
    machine["minutes"] = round((time.monotonic() - started) / 60, 1)
    show(parts, console)
    write(output, machine, parts)
    console.print(f"{machine['minutes']} minutes; all numbers are in {output}", highlight=False)


def measure(plan: Plan) -> list[Part]:
    """Run the parts of a plan."""
    parts: list[Part] = []
    if plan.parts & set(PARTS) - {"peers"}:
        parts += _measure_ours(plan)
    if "photos" in plan.parts:
        parts.append(measure_photo_quality(plan))
    if "peers" in plan.parts:
        parts.append(measure_peers(plan))
    return parts


def _measure_ours(plan: Plan) -> list[Part]:
    catalogue = open_catalogue(plan.data)
    parts: list[Part] = []
    growths: list[Growth] = []
    workers: dict[int, Memory] = {}
    stack = BenchStack(plan.state / "stack", models=plan.state / "models", heap=HEAP, say=plan.say)
    with stack:
        if "load" in plan.parts and plan.load_sizes:
            part, workers = measure_loading(plan, stack, catalogue)
            parts.append(part)
        elif "memory" in plan.parts:
            size = min(plan.sizes)
            workers[size] = load_once(plan, stack, catalogue, size)
        if "motion" in plan.parts and plan.load_sizes:
            parts.append(measure_motion(plan, stack, catalogue))
        parts += [
            measure(plan, stack, catalogue)
            for name, measure in _ON_A_STACK.items()
            if name in plan.parts
        ]
        if "relevance" in plan.parts:
            parts.append(measure_relevance(plan, stack))
        if "photos" in plan.parts:
            parts += _measure_photos(plan, stack)
        if plan.parts & {"search", "memory"}:
            growths = measure_searches(plan, stack, catalogue)
    if "search" in plan.parts:
        parts.append(search_part(growths))
    if "memory" in plan.parts:
        parts.append(memory_part(growths, workers))
    return parts


def _measure_photos(plan: Plan, stack: BenchStack) -> list[Part]:
    parts = [measure_photos(plan, stack)]
    if (plan.data / "fashion").is_dir():
        parts.append(measure_photo_fusion(plan, stack))
        parts.append(measure_photo_queries(plan, stack, FASHION))
    return parts


if __name__ == "__main__":
    main()
