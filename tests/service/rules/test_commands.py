"""`shelfwise rules` against a real Elasticsearch; Redis is away, and nothing waits for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from mappings.command_line import cli
from mappings.errors import InvalidQuery, UnknownRules
from service.rules.store import RulesStore
from tests.indexer.programs import environment

pytestmark = pytest.mark.cluster
Invoke = Callable[..., Result]
RULES = {"rules": [{"id": "r1", "note": "[red]\u202e\U0001f9e8", "pin": ["p1"]}]}
QUERQY = "laptop =>\n  SYNONYM: notebook\n  DECORATE: \x1b[31mred\n"


@pytest.fixture
def name() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
def invoke(
    elasticsearch: EmbeddedElasticsearch, name: str, monkeypatch: pytest.MonkeyPatch
) -> Invoke:
    monkeypatch.setenv("COLUMNS", "200")
    for variable, value in environment(elasticsearch.url, "redis://127.0.0.1:9/0").items():
        monkeypatch.setenv(variable, value)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["rules", *arguments, "--index", name])

    return call


def said(result: Result) -> str:
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_rules_are_set_shown_listed_switched_and_forgotten(
    cluster: Elasticsearch, invoke: Invoke, name: str, tmp_path: Path
):
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(RULES), encoding="utf-8")
    assert "no rules hold" in said(invoke("list"))
    said(invoke("set", str(file), "--note", "[red]mine"))
    assert json.loads(invoke("show").stdout) == RULES
    shown = said(invoke("list"))
    assert "active" in shown
    assert "[red]mine" in shown
    text = tmp_path / "rules.txt"
    text.write_text(QUERQY, encoding="utf-8")
    told = invoke("import", str(text), "--draft")
    assert f"kept '{name}-rules-2'" in told.stdout
    assert "rules.txt:3: left out: DECORATE" in told.stderr
    assert "\x1b" not in told.output
    said(invoke("activate", f"{name}-rules-2"))
    active = RulesStore(cluster).get(name, f"{name}-rules-2")
    assert (active.rules[0].id, active.synonyms[0].to) == ("r1", ("notebook",))
    assert f"{name}-rules-1 holds" in said(invoke("rollback"))
    assert "forgot" in said(invoke("delete", f"{name}-rules-2", "--yes"))
    assert "no rules hold" in said(invoke("deactivate"))
    refused = invoke("activate", f"{name}-rules-2")
    assert isinstance(refused.exception, UnknownRules)


def test_strict_and_dry_imports_keep_nothing(
    cluster: Elasticsearch, invoke: Invoke, name: str, tmp_path: Path
):
    file = tmp_path / "rules.txt"
    file.write_text(QUERQY, encoding="utf-8")
    assert "synonyms: 1, lines left out: 1" in said(invoke("import", str(file), "--dry-run"))
    refused = invoke("import", str(file), "--strict")
    assert isinstance(refused.exception, InvalidQuery)
    assert RulesStore(cluster).list(name) == []


@pytest.mark.parametrize("body", [b"{", b'{"rules": [{"id": "a"}]}', b"[]"])
def test_file_that_is_no_rule_set_is_refused(invoke: Invoke, tmp_path: Path, body: bytes):
    file = tmp_path / "rules.json"
    file.write_bytes(body)
    assert isinstance(invoke("set", str(file)).exception, InvalidQuery)
