"""What a fine-tuning prints at its end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from indexer.finetune.output import REPORT_FILE


def print_outcome(
    console: Console, before: Mapping[str, float], after: Mapping[str, float], out: Path
) -> None:
    """Print the table of before and after on what was held out."""
    table = Table("held out", "before", "after", "change")
    for name, value in after.items():
        if not math.isnan(value):
            change = f"{value - before[name]:+.3f}"
            table.add_row(name, f"{before[name]:.3f}", f"{value:.3f}", change)
    console.print(table)
    said = f"{out}: the encoder, and {REPORT_FILE} with curves"
    console.print(said, markup=False, highlight=False, soft_wrap=True)
