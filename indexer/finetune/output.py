"""The folder that fine-tuning leaves: an encoder that loads by its path, figures and a report."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mappings.encoder_spec import EncoderSpec
from mappings.errors import InvalidQuery

WORK_FOLDER = ".work"
"""In the folder while it is being made: photos, vectors of texts, the checkpoint."""

METRICS_FILE, REPORT_FILE, SPEC_FILE = "metrics.json", "report.html", "spec.json"


def prepare_output(out: Path, *, resume: bool, overwrite: bool) -> Path:
    """Make the folder if need be, and return the work folder in it.

    Raises InvalidQuery when it holds something else, or an encoder that may not be replaced.
    """
    if out.exists() and not out.is_dir():
        raise InvalidQuery(f"out: {str(out)!r} is no folder", field="out")
    there = {path.name for path in out.iterdir()} if out.exists() else set()
    finished = SPEC_FILE in there
    if finished and resume and WORK_FOLDER not in there:
        raise InvalidQuery(
            f"resume: the training in {str(out)!r} is finished; to go on from what it learned, "
            "name it as --base and give another --out",
            field="resume",
        )
    if finished and not (overwrite or resume):
        raise InvalidQuery(
            f"out: {str(out)!r} holds an encoder; give another folder, or --overwrite", field="out"
        )
    if there and not finished and WORK_FOLDER not in there:
        raise InvalidQuery(
            f"out: {str(out)!r} holds files that are not of a fine-tuning; give another folder",
            field="out",
        )
    work = out / WORK_FOLDER
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidQuery(f"out: cannot write to {str(out)!r}: {error}", field="out") from error
    return work


def finish_output(
    out: Path,
    save: Callable[[Path], EncoderSpec],
    *,
    metrics: Mapping[str, Any],
    page: Callable[[EncoderSpec], str],
) -> EncoderSpec:
    """Write the encoder, the figures and the report, and remove the work folder.

    save: writes the encoder into a folder of the same name as `out`. The files come to their
    places when all of them are written, so a half encoder is never seen.
    """
    made = out / WORK_FOLDER / out.resolve().name
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    spec = save(made)
    content = {"encoder": spec.to_meta(), **_without_nan(metrics)}
    (made / METRICS_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (made / REPORT_FILE).write_text(page(spec), encoding="utf-8")
    for path in sorted(made.iterdir()):
        target = out / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)
    shutil.rmtree(out / WORK_FOLDER)
    return spec


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value with null for what is not a number, which JSON has no way to write."""
    if isinstance(value, Mapping):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
