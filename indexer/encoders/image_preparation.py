"""How a CLIP-like model wants its photos, as data: the same for torch, ONNX Runtime and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

REDUCING_GAP = 3.0
"""Large photos are first shrunk by whole steps to this many times the size, which is quicker."""

LARGEST_SIDE = 4096
"""Of a model's input; a configuration that says more is a mistake."""

_IGNORED = 1e-6


@dataclass(frozen=True)
class PhotoPreparation:
    """A resize, a crop and a scaling of the values.

    width, height: of the model's input, in pixels. shortest_edge: the photo's shorter side is
    brought to it and the middle is cut out; 0 brings the whole photo to width and height,
    whatever its proportions. resample: Pillow's number of the filter. scale: times a pixel of 0
    to 255. mean, std: taken away from each channel, and what it is divided by.
    """

    width: int
    height: int
    shortest_edge: int
    resample: int
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the model's input, float32 [len(images), 3, height, width]."""
        pixels = np.empty((len(images), self.height, self.width, 3), dtype=np.uint8)
        for row, image in zip(pixels, images, strict=True):
            row[:] = np.asarray(self._fit(image))
        factor = (self.scale / np.array(self.std)).astype(np.float32)
        shift = (np.array(self.mean) / np.array(self.std)).astype(np.float32)
        scaled = pixels.astype(np.float32) * factor - shift
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))

    def _fit(self, image: Image.Image) -> Image.Image:
        image = image if image.mode == "RGB" else image.convert("RGB")
        resample = Image.Resampling(self.resample)
        size = (self.width, self.height)
        return image.resize(size, resample, self._box(image), reducing_gap=REDUCING_GAP)

    def _box(self, image: Image.Image) -> tuple[float, float, float, float]:
        """Return the part of the photo that the model sees, in its own pixels.

        Cut out before the resize, so that a panorama of 5000 x 10 does not become one of
        112,000 x 224 first.
        """
        if not self.shortest_edge:
            return (0.0, 0.0, float(image.width), float(image.height))
        left, right = self._middle(image.width, self.width, min(image.size))
        upper, lower = self._middle(image.height, self.height, min(image.size))
        return (left, upper, right, lower)

    def _middle(self, side: int, wanted: int, shortest: int) -> tuple[float, float]:
        """Return where the middle of a side begins and ends, in whole pixels after the resize."""
        resized = max(wanted, self.shortest_edge * side // shortest)
        scale = side / resized
        start = (resized - wanted) // 2
        return start * scale, min(float(side), (start + wanted) * scale)


def preparation_of(processor: Mapping[str, Any]) -> PhotoPreparation | str:
    """Return what the settings of a transformers image processor ask for, or why it cannot be.

    processor: as its preprocessor_config.json or `to_dict()`.
    """
    missing = [key for key in ("image_mean", "image_std", "size") if processor.get(key) is None]
    if missing:
        return f"its image processor has no {missing[0]}"
    if not processor.get("do_resize", True):
        return "its image processor does not resize"
    if any(processor.get(key) for key in ("do_pad", "do_image_splitting", "max_num_patches")):
        return "its image processor pads or cuts photos into patches"
    size, edge = _size(processor["size"])
    crop = _size(processor["crop_size"])[0] if processor.get("do_center_crop") else None
    if crop is not None and not edge:
        return "its image processor crops what it does not scale by the shorter side"
    width, height = crop or size
    if edge and (crop is None or max(crop) > edge):
        return "its image processor gives photos of different sizes, or pads them"
    if not all(1 <= side <= LARGEST_SIDE for side in (width, height)):
        return f"its image processor asks for {width} x {height} pixels"
    scale = float(processor.get("rescale_factor", 1 / 255))
    normalised = processor.get("do_normalize", True)
    mean, std = processor["image_mean"], processor["image_std"]
    if len(mean) != 3 or len(std) != 3 or min(std) < _IGNORED:
        return f"its image processor has mean {mean} and standard deviation {std}"
    return PhotoPreparation(
        width=width,
        height=height,
        shortest_edge=edge,
        resample=int(processor.get("resample", Image.Resampling.BICUBIC)),
        scale=scale if processor.get("do_rescale", True) else 1.0,
        mean=_triple(mean) if normalised else (0.0, 0.0, 0.0),
        std=_triple(std) if normalised else (1.0, 1.0, 1.0),
    )


def _size(told: Any) -> tuple[tuple[int, int], int]:  # noqa: ANN401 - written in many ways
    """Return width and height, and the shortest edge or 0, of the forms that are in use."""
    if isinstance(told, int | float):
        return (int(told), int(told)), int(told)
    edge = int(told.get("shortest_edge") or 0)
    return (int(told.get("width") or edge), int(told.get("height") or edge)), edge


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
