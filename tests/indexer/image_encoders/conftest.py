"""Encoders of photos to test: hashing, and tiny random models that the tests build and export."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.encoders.image_registry import export_query_image_encoder
from tests.indexer.image_encoders.models import (
    build_tiny_clip,
    build_tiny_siglip,
    build_tiny_torchvision,
    build_tiny_tower,
)


@pytest.fixture(scope="session")
def model_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def tiny_tower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_tower(tmp_path_factory.mktemp("tower") / "our-photos")


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory, model_directory: Path) -> Path:
    folder = build_tiny_clip(tmp_path_factory.mktemp("clip") / "tiny-clip")
    export_query_image_encoder(str(folder), model_directory=model_directory)
    return folder


@pytest.fixture(scope="session")
def tiny_siglip(tmp_path_factory: pytest.TempPathFactory, model_directory: Path) -> Path:
    folder = build_tiny_siglip(tmp_path_factory.mktemp("siglip") / "tiny-siglip")
    export_query_image_encoder(str(folder), model_directory=model_directory)
    return folder


@pytest.fixture(scope="session")
def tiny_torchvision(tmp_path_factory: pytest.TempPathFactory, model_directory: Path) -> Path:
    folder = build_tiny_torchvision(tmp_path_factory.mktemp("torchvision") / "our-backbone")
    export_query_image_encoder(str(folder), model_directory=model_directory)
    return folder
