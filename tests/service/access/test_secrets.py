"""Planted secrets and search words appear in no log, no error and no `repr`; acts are recorded."""

from __future__ import annotations

import io
import json
import logging
import stat

import pytest
import structlog

from mappings.audit import AuditLog, record_command
from mappings.errors import Unauthorized
from mappings.logs import SecretsFilter, configure_logging
from mappings.masking import mask_secrets
from service.access.scopes import Scope
from service.settings import ServiceSettings
from tests.service.access.conftest import bearer, offline_app

PASSWORD = "PLANTED-password-9f2c"
WORDS = "embarrassing ointment"
CLIENT = "visitor-4711"


@pytest.fixture
def logged():
    """What was written to the log, as lines of text."""
    configured, written = structlog.get_config(), io.StringIO()
    configure_logging()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False
    )
    yield written.getvalue
    structlog.configure(**configured)


@pytest.mark.parametrize(
    "text",
    [
        f"redis://:{PASSWORD}@queue:6379/0 is away",
        f"https://elastic:{PASSWORD}@search:9200",
        f"Invalid HTTP Header: 'Authorization : Bearer {PASSWORD}'",
        f"authorization: ApiKey {PASSWORD}==",
        f"basic {PASSWORD}",
    ],
)
def test_what_looks_like_a_secret_is_masked(text):
    assert PASSWORD not in mask_secrets(text)


def test_of_a_key_its_id_stays(key):
    made = key("search")
    assert mask_secrets(f"key {made.text}.") == f"key sw_{made.key.id}_[masked]."


def test_what_is_no_secret_stays():
    text = 'Bearer realm="shelfwise", see https://shop.example/a@b and basic search'
    assert mask_secrets(text) == text


def test_lines_of_libraries_are_masked_with_their_arguments(key):
    made = key("search")
    record = logging.LogRecord("gunicorn.error", 30, "f", 1, "Invalid: %s", (made.text,), None)
    assert SecretsFilter().filter(record)
    assert made.text not in record.getMessage() and "Invalid" in record.getMessage()


def test_settings_show_no_secret():
    settings = ServiceSettings(
        elasticsearch_url=f"http://elastic:{PASSWORD}@127.0.0.1:9",
        elasticsearch_api_key=PASSWORD,
        elasticsearch_password=PASSWORD,
        redis_url=f"redis://:{PASSWORD}@127.0.0.1:9/0",
        service_events_key=PASSWORD,
    )
    assert PASSWORD not in f"{settings!r} {settings}"


def break_down(*_: object) -> None:
    raise KeyError(f"cannot search for {WORDS!r} of {CLIENT}")


BODY = {"q": WORDS, "client_id": CLIENT}


@pytest.mark.parametrize("plain", [False, True], ids=["masked", "plain"])
def test_search_words_and_clients_are_masked_in_logs_unless_a_setting_says_plain(
    logged, monkeypatch, key, plain
):
    monkeypatch.setattr("service.api.search.SearchRequest.parse", break_down)
    made = key("search")
    mode = "plain" if plain else "masked"
    with offline_app([made], service_log_queries=mode) as app:
        client = app.test_client()
        for ask in (
            lambda: client.post("/v1/indexes/a/search", json=BODY, headers=bearer(made)),
            lambda: client.get("/v1/indexes/a/search", query_string=BODY, headers=bearer(made)),
        ):
            ask()
    lines = logged()
    assert lines.count("KeyError") >= 2
    assert (CLIENT in lines) is plain
    assert (WORDS in lines) is plain


def test_words_are_masked_in_what_follows_and_not_in_the_next_request(logged, key):
    log = structlog.get_logger("test")
    made = key("search")
    with offline_app([made]) as app:
        with app.test_request_context("/v1/indexes/a/search", method="POST", json=BODY) as one:
            one.request.environ["wsgi.input"] = io.BytesIO(json.dumps(BODY).encode())
            with pytest.raises(Unauthorized):
                app.preprocess_request()
            log.warning(
                "broke", reason=f"no {WORDS}", exception=[f"line {CLIENT}"], product_id=CLIENT
            )
        with app.test_request_context("/healthz"):
            app.preprocess_request()
            log.warning("broke", reason=f"no {WORDS}")
    first, second = [line for line in logged().splitlines() if '"broke"' in line]
    assert json.loads(first)["product_id"] == CLIENT
    assert WORDS not in first and first.count(CLIENT) == 1
    assert json.loads(second)["reason"] == f"no {WORDS}"


def test_no_answer_and_no_line_holds_a_password_or_a_key(logged, key):
    made = key("admin")
    with offline_app(
        [made],
        elasticsearch_url=f"http://elastic:{PASSWORD}@127.0.0.1:9",
        redis_url=f"redis://:{PASSWORD}@127.0.0.1:9/0",
        service_events_key=PASSWORD + "0123456789",
    ) as app:
        texts = []
        for rule in app.url_map.iter_rules():
            for method in rule.methods - {"OPTIONS", "HEAD"}:
                path = rule.rule.replace("<", "").replace(">", "").replace("path:", "")
                response = app.test_client().open(
                    path, method=method, json={"q": "a"}, headers=bearer(made)
                )
                texts.append(response.text + str(response.headers))
    texts.append(logged())
    secret = made.text.split("_", 2)[2]
    assert len(texts) > 20
    assert not [text for text in texts if PASSWORD in text or secret in text]


class TestAudit:
    def test_acts_of_admins_are_recorded_with_who_what_and_how_it_ended(
        self, logged, key, tmp_path
    ):
        path = tmp_path / "audit.jsonl"
        admin, other = key("admin", name="ops"), key(*(set(Scope) - {Scope.ADMIN}), name="shop")
        with offline_app([admin, other], audit_file=str(path)) as app:
            client = app.test_client()
            client.post("/v1/indexes/a/reindex", headers=bearer(admin), json={})
            client.post("/v1/indexes/a/reindex", headers=bearer(other), json={})
            client.post("/v1/indexes/a/reindex", json={})
            client.get("/v1/keys", headers=bearer(admin))
        acts = [json.loads(line) for line in path.read_text().splitlines()]
        assert [(one["by"], one["outcome"]) for one in acts] == [
            (admin.key.id, "refused: 503"),
            (other.key.id, "refused: 403"),
        ]
        assert {one["act"] for one in acts} == {"reindex.start"}
        assert all(one["index"] == "a" and one["request_id"] for one in acts)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        lines = [json.loads(line) for line in logged().splitlines() if '"audit"' in line]
        assert [line["act"] for line in lines] == ["reindex.start"] * 2
        assert admin.text not in path.read_text()

    def test_a_file_that_cannot_be_written_stops_nobody_and_is_said(self, logged, tmp_path):
        AuditLog(str(tmp_path)).record("reindex.start", by="ann")
        assert "audit_not_written" in logged()

    @pytest.mark.parametrize(
        ("arguments", "act"),
        [
            (["keys", "revoke", "abc"], "keys revoke"),
            (["reindex", "--index", "a"], "reindex"),
            (["weights", "activate", "a-1", "--index", "a"], "weights activate"),
            (["dead-letters", "purge", "--yes"], "dead-letters purge"),
            (["keys", "list"], None),
            (["keys", "create", "--help"], None),
            (["weights", "list"], None),
            ([], None),
        ],
        ids=str,
    )
    def test_commands_of_admins_are_recorded(self, tmp_path, arguments, act):
        path = tmp_path / "audit.jsonl"
        record_command(arguments, 0, {"SHELFWISE_AUDIT_FILE": str(path)})
        lines = path.read_text().splitlines() if path.exists() else []
        assert [json.loads(line)["act"] for line in lines] == ([act] if act else [])

    def test_whose_events_were_erased_is_not_recorded(self, tmp_path):
        path = tmp_path / "audit.jsonl"
        for arguments in (
            ["events", "erase", "--client", CLIENT],
            ["events", "erase", f"--client={CLIENT}"],
        ):
            record_command(arguments, 1, {"SHELFWISE_AUDIT_FILE": str(path)})
        assert CLIENT not in path.read_text()
        assert path.read_text().count("failed") == 2
