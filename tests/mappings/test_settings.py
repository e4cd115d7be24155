"""Settings from the environment: all mistakes at once, no secret in any message."""

from __future__ import annotations

import pytest

from indexer.settings import IndexerSettings
from mappings.errors import MissingSetting
from mappings.settings import SharedSettings
from service.settings import ServiceSettings

PROGRAMS = (SharedSettings, ServiceSettings, IndexerSettings)
SECRET = "hunter2"


@pytest.mark.parametrize("program", PROGRAMS)
def test_empty_environment_gives_the_defaults(program):
    settings = program.from_environment({})
    assert settings.elasticsearch_url == "http://127.0.0.1:9200"
    assert settings.text_encoder == "minilm"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_setting_has_a_description(program):
    assert [name for name, field in program.model_fields.items() if not field.description] == []


def test_all_mistakes_are_named_at_once():
    environ = {
        "SHELFWISE_ELASTICSEARCH_TIMEOUT_SECONDS": "soon",
        "SHELFWISE_TASK_TTL_SECONDS": "5",
        "SHELFWISE_ELASTICSEARCH_ULR": "http://127.0.0.1:9200",
        "SHELFWISE_SERVICE_PORT": "70000",
        "SHELFWISE_SERVICE_PROT": "8080",
        "SHELFWISE_REDIS_URL": "localhost",
        "PATH": "/bin",
    }
    with pytest.raises(MissingSetting) as caught:
        ServiceSettings.from_environment(environ)
    message = str(caught.value)
    for name in environ:
        assert (name in message) == name.startswith("SHELFWISE_")
    assert "SHELFWISE_SERVICE_PROT: no such setting" in message
    assert len(message.splitlines()) == 1 + 6


def test_settings_of_the_other_program_are_left_alone_and_ones_own_are_not():
    environ = {"SHELFWISE_INDEXER_NO_SUCH_THING": "1"}
    ServiceSettings.from_environment(environ)
    with pytest.raises(MissingSetting, match="INDEXER_NO_SUCH_THING: no such setting"):
        IndexerSettings.from_environment(environ)


def test_values_are_read_from_the_environment_given_alone(monkeypatch):
    monkeypatch.setenv("SHELFWISE_TEXT_ENCODER", "hashing")
    assert SharedSettings.from_environment({}).text_encoder == "minilm"


SECRET_ENVIRON = {
    "SHELFWISE_ELASTICSEARCH_URL": f"http://elastic:{SECRET}@127.0.0.1:9200",
    "SHELFWISE_ELASTICSEARCH_API_KEY": SECRET,
    "SHELFWISE_ELASTICSEARCH_USERNAME": "elastic",
    "SHELFWISE_ELASTICSEARCH_PASSWORD": SECRET,
    "SHELFWISE_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:6379/0",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_secrets_are_not_shown(program):
    settings = program.from_environment(SECRET_ENVIRON)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert settings.redis_url.get_secret_value().endswith(f":{SECRET}@127.0.0.1:6379/0")


@pytest.mark.parametrize(
    "environ",
    [
        {"SHELFWISE_REDIS_URL": f"redis://:{SECRET}@host:port/0"},
        {"SHELFWISE_REDIS_URL": SECRET},
        {"SHELFWISE_ELASTICSEARCH_URL": f"http://elastic:{SECRET}@host:port"},
        {"SHELFWISE_ELASTICSEARCH_URL": f"ftp://elastic:{SECRET}@host:9200"},
        {**SECRET_ENVIRON, "SHELFWISE_TASK_TTL_SECONDS": "x"},
        {**SECRET_ENVIRON, "SHELFWISE_NO_SUCH": SECRET},
    ],
    ids=["redis port", "redis scheme", "cluster port", "cluster scheme", "other", "unknown"],
)
def test_secrets_are_not_in_the_text_of_an_error(environ):
    with pytest.raises(MissingSetting) as caught:
        SharedSettings.from_environment(environ)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:9200", "http://127.0.0.1:9200"),
        ("", "http://127.0.0.1:9200"),
        ("http://", "http://127.0.0.1:9200"),
        ("https://search.example", "port"),
        ("http://a:9200,b:9200", "http://127.0.0.1:9200"),
        ("http://a:99999", "port"),
    ],
)
def test_address_that_no_client_could_use_is_refused_at_the_start(url, words):
    with pytest.raises(MissingSetting, match="SHELFWISE_ELASTICSEARCH_URL") as caught:
        SharedSettings.from_environment({"SHELFWISE_ELASTICSEARCH_URL": url})
    assert words in str(caught.value)


@pytest.mark.parametrize("url", ["redis://h", "redis://h:1/2", "unix:///run/redis.sock"])
def test_addresses_of_redis(url):
    settings = SharedSettings.from_environment({"SHELFWISE_REDIS_URL": url})
    assert settings.redis_url.get_secret_value() == url


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        SharedSettings.from_environment({}).text_encoder = "hashing"
