from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from indexer.encoder_commands import encoder
from indexer.encoders.image_registry import IMAGE_ENCODERS
from indexer.encoders.registry import ENCODERS

WIDE = {"COLUMNS": "200"}


@pytest.fixture
def run(tmp_path: Path):
    def invoke(*arguments: str, **environment: str) -> Result:
        variables = {"SHELFWISE_MODEL_DIRECTORY": str(tmp_path)} | WIDE | environment
        return CliRunner().invoke(encoder, arguments, env=variables, catch_exceptions=False)

    return invoke


def test_list_shows_every_registered_encoder(run) -> None:
    output = run("list").output
    for name in ENCODERS:
        assert name in output
    assert "Apache-2.0" in output
    assert "384" in output
    assert "shelfwise[models,minilm]" in output


def test_list_shows_every_registered_encoder_of_photos(run) -> None:
    output = run("list").output
    for name in IMAGE_ENCODERS:
        assert name in output
    assert "CLIP" in output


def test_an_encoder_of_photos_that_the_service_takes_as_it_is_needs_no_export(run) -> None:
    result = run("export", "--photos", "hashing-image")
    assert result.exit_code == 0
    assert "hashing-image revision 1 needs no export" in result.output


def test_exporting_no_encoder_of_photos_is_a_mistake(run) -> None:
    result = run("export", "--photos", SHELFWISE_IMAGE_ENCODER="")
    assert result.exit_code == 2
    assert "SHELFWISE_IMAGE_ENCODER" in result.output


def test_check_tells_rate_and_agreement(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.encoder_checks.RATE_SECONDS", 0.05)
    result = run("check", "hashing")
    assert result.exit_code == 0
    assert "texts/s" in result.output
    assert "smallest cosine 1.00000" in result.output


def test_check_takes_the_configured_encoder(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.encoder_checks.RATE_SECONDS", 0.05)
    assert "hashing" in run("check", SHELFWISE_TEXT_ENCODER="hashing").output


@pytest.mark.parametrize("name", ["hashing-image", "tower"])
def test_check_of_an_encoder_of_photos(run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("indexer.encoder_checks.RATE_SECONDS", 0.05)
    result = run("check", "--photos", name, "--device", "cpu")
    assert result.exit_code == 0
    assert name in result.output and "photos/s" in result.output
    assert "smallest cosine 1.000" in result.output
    assert run("check", "--photos").exit_code == 2


@pytest.mark.models
def test_check_of_a_model_tells_device_precision_and_what_is_missing(
    run, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.encoder_checks.RATE_SECONDS", 0.05)
    result = run("check", str(tiny_model), "--device", "cpu", "--precision", "float32")
    assert result.exit_code == 0
    assert "float32 (as configured)" in result.output
    assert "shelfwise encoder export" in result.output


@pytest.mark.models
def test_export_then_check_agrees(run, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.encoder_checks.RATE_SECONDS", 0.05)
    exported = run("export", str(tiny_model))
    assert exported.exit_code == 0
    assert "tiny-shop-model revision" in exported.output
    checked = run("check", str(tiny_model), "--device", "cpu")
    assert checked.exit_code == 0
    assert "with the worker's" in checked.output
