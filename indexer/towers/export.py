"""A tower as one ONNX file, compared with torch before it becomes visible."""

from __future__ import annotations

import copy
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnx.checker
import onnx.helper
import onnx.numpy_helper
import onnxruntime
import torch
from torch import nn

from indexer.towers.tower import ImageTower
from mappings.errors import EncoderUnavailable

INPUT = "pictures"
"""float32 [batch, 3, size, size], from `indexer.towers.preprocessing.preprocess`."""

OUTPUT = "unit_embedding"
"""float32 [batch, dims], each row of length 1."""

SMALLEST_COSINE = 0.9999
_PROBES = 4
_ERRORS_ONLY = 3
_SMALL = 1_000
"""Numbers of a parameter that is not worth halving."""


class _UnitTower(nn.Module):  # type: ignore[misc]
    def __init__(self, tower: ImageTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(self.tower(pictures), dim=1)


def export_onnx(tower: ImageTower, path: Path, *, half: bool = False) -> float:
    """Write the tower as one ONNX graph from INPUT to OUTPUT; return the smallest cosine to torch.

    The tower is not changed; a copy in float32 on the CPU in evaluation mode is exported. The
    batch may have any size from 1. half: keep the parameters in 16 bits, for half the file; the
    arithmetic is of 32 bits all the same. The file appears under its name only when it is good.
    Raises EncoderUnavailable when it cannot be exported or the cosine is under 0.9999.
    """
    unit = _UnitTower(copy.deepcopy(tower).cpu().float()).eval()
    size = tower.config.input_size
    generator = torch.Generator().manual_seed(0)
    probes = torch.rand((_PROBES, 3, size, size), generator=generator) * -2.0
    probes[1:, :, : size // 2] = 0.0  # white, as most of a catalogue's photo is
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with torch.no_grad(), _quiet_exporter():
            torch.onnx.export(
                unit,
                (probes[:2],),
                str(unfinished),
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            )
            expected = unit(probes).numpy()
        _remove_notes(unfinished)
        if half:
            _halve_parameters(unfinished)
        agreement = _agreement(unfinished, probes.numpy(), expected)
        if not agreement >= SMALLEST_COSINE:  # written so that NaN is refused
            raise EncoderUnavailable(
                f"the tower's ONNX form differs from torch (smallest cosine {agreement:.6f}, at "
                f"least {SMALLEST_COSINE} is needed)"
            )
        unfinished.replace(path)
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError) as error:
        raise EncoderUnavailable(f"the tower cannot be exported to ONNX: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return agreement


def _remove_notes(path: Path) -> None:
    """Take out what the exporter notes of itself, as the paths of the source on this machine.

    Without them the same tower gives the same file, and so the same revision, on every machine.
    """
    model = onnx.load(str(path))
    graph = model.graph
    noted = [model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info]
    for part in [*noted, *graph.initializer, *model.functions]:
        del part.metadata_props[:]
        part.doc_string = ""
    for function in model.functions:
        for part in [*function.node, *function.value_info]:
            del part.metadata_props[:]
            part.doc_string = ""
    onnx.save(model, str(path))


def _halve_parameters(path: Path) -> None:
    """Store the larger float32 parameters as float16, with a cast that ONNX Runtime folds away."""
    model = onnx.load(str(path))
    casts = []
    for parameter in model.graph.initializer:
        values = onnx.numpy_helper.to_array(parameter)
        if values.dtype != np.float32 or values.size < _SMALL:
            continue
        name = parameter.name
        halved = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
        casts.append(
            onnx.helper.make_node("Cast", [halved.name], [name], to=onnx.TensorProto.FLOAT)
        )
        parameter.CopyFrom(halved)
    for place, cast in enumerate(casts):
        model.graph.node.insert(place, cast)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _agreement(path: Path, probes: np.ndarray, expected: np.ndarray) -> float:
    """Return the smallest cosine of ONNX Runtime to torch, the pictures together and alone."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    together = session.run([OUTPUT], {INPUT: probes})[0]
    alone = np.vstack([session.run([OUTPUT], {INPUT: probe[None]})[0] for probe in probes])
    return float(min((expected * together).sum(1).min(), (expected * alone).sum(1).min()))


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide what the exporter says although nothing is wrong."""
    counter = logging.getLogger("torch.utils.flop_counter")  # speaks of triton's absence
    level = counter.level
    counter.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="# The axis name: .* will not be used", category=UserWarning
        )
        try:
            yield
        finally:
            counter.setLevel(level)
