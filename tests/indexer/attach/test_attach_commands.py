"""What the commands ask, show and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.attach.commands import attach, attached, detach
from mappings.errors import AttachRefused, MissingSetting
from tests.indexer.attach.shop import Shop, product
from tests.indexer.programs import environment

pytestmark = pytest.mark.cluster


@pytest.fixture
def command(
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CliRunner:
    env = environment(elasticsearch.url, redis_server.url, model_directory=tmp_path)
    for name, value in env.items():
        if name.startswith("SHELFWISE_"):
            monkeypatch.setenv(name, value)
    return CliRunner()


def ran(result: Result) -> str:
    if result.exception is not None:
        raise result.exception
    return result.output


def test_map_is_proposed_written_changed_and_used(
    shop: Shop, command: CliRunner, tmp_path: Path, exact_cluster: Elasticsearch
):
    shop.create().fill({str(number): product(number) for number in range(30)})
    index, path = ("--index", shop.name), tmp_path / "map.json"
    said = ran(command.invoke(attach, [*index, "--write-map", str(path)]))
    assert f"attach with --map {path}" in said.replace("\n", "")
    proposed = json.loads(path.read_text())
    assert proposed["fields"]["title"] == "produktname"
    assert proposed["fields"]["price"] == "preis.brutto"
    assert (
        "shelfwise"
        not in exact_cluster.indices.get_mapping(index=shop.name)[shop.name]["mappings"][
            "properties"
        ]
    )
    with pytest.raises(MissingSetting, match="nobody is there to confirm"):
        ran(command.invoke(attach, index))
    path.write_text('{"fields": {"title": "hersteller"}}')
    said = ran(command.invoke(attach, [*index, "--map", str(path), "--template", "{title}"]))
    assert "title = hersteller" in said
    assert "is following: 30 documents, 0 refused" in said
    assert len(shop.vectors()) == 30
    (row,) = [
        json.loads(line)
        for line in ran(command.invoke(attached, ["--json"])).splitlines()
        if shop.name in line
    ]
    numbers = (row["done"], row["documents"], row["refused"])
    assert (row["state"], *numbers) == ("following", 30, 30, 0)
    assert row["encoders"]["text_vector"]["template"] == "{title}"
    with pytest.raises(AttachRefused, match="attached already"):
        ran(command.invoke(attach, [*index, "--map", str(path)]))
    said = ran(command.invoke(detach, [*index], input="y\n"))
    assert "30 documents cleaned" in said
    assert "stays: the mapping" in said
    assert shop.differences() == []


def test_workers_can_be_left_to_do_it(
    shop: Shop, command: CliRunner, exact_cluster: Elasticsearch
):
    shop.create().fill({"1": product(1)})
    arguments = ["--index", shop.name, "--yes", "--companion", "--background"]
    assert "the workers do the rest" in ran(command.invoke(attach, arguments))
    said = ran(command.invoke(detach, ["--index", shop.name, "--yes"]))
    assert f"deleted 'shelfwise-of-{shop.name}-1'" in said
