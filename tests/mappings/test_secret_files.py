"""Secrets from files, and how Redis' certificate is checked."""

from __future__ import annotations

import pytest

from mappings.errors import MissingSetting
from mappings.settings import SharedSettings

SECRET = "PLANTED-s3cret"
FILES = {
    "SHELFWISE_ELASTICSEARCH_API_KEY": (SECRET, "elasticsearch_api_key"),
    "SHELFWISE_ELASTICSEARCH_PASSWORD": (SECRET, "elasticsearch_password"),
    "SHELFWISE_REDIS_URL": (f"redis://:{SECRET}@127.0.0.1:6379/1", "redis_url"),
}


@pytest.mark.parametrize("variable", FILES)
def test_a_secret_comes_from_its_file_and_shows_nowhere(tmp_path, variable):
    content, field = FILES[variable]
    path = tmp_path / "secret"
    path.write_text(f"{content}\n")
    settings = SharedSettings.from_environment({f"{variable}_FILE": str(path)})
    assert getattr(settings, field).get_secret_value() == content
    assert SECRET not in repr(settings) and SECRET not in str(settings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", "should hold"),
        (b"  \n", "should hold"),
        (b"x" * 70_000, ""),
    ],
    ids=["no file", "empty", "blank", "long"],
)
def test_a_file_that_is_of_no_use_is_named_and_not_repeated(tmp_path, content, message):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingSetting) as caught:
        SharedSettings.from_environment({"SHELFWISE_ELASTICSEARCH_PASSWORD_FILE": str(path)})
    text = str(caught.value)
    assert "SHELFWISE_ELASTICSEARCH_PASSWORD_FILE" in text and message in text
    assert "xxx" not in text


def test_a_secret_and_its_file_at_once_are_refused(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    with pytest.raises(MissingSetting, match="not both") as caught:
        SharedSettings.from_environment(
            {
                "SHELFWISE_ELASTICSEARCH_API_KEY": SECRET,
                "SHELFWISE_ELASTICSEARCH_API_KEY_FILE": str(path),
            }
        )
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("rediss://h:6379/0", "rediss://h:6379/0?ssl_cert_reqs=required"),
        ("rediss://h:6379/0?x=1", "rediss://h:6379/0?x=1&ssl_cert_reqs=required"),
        ("rediss://h:6379/0?ssl_cert_reqs=none", "rediss://h:6379/0?ssl_cert_reqs=none"),
    ],
)
def test_a_certificate_of_redis_is_checked_unless_the_address_says_otherwise(given, found):
    settings = SharedSettings.from_environment({"SHELFWISE_REDIS_URL": given})
    assert settings.redis_url.get_secret_value() == found


def test_the_bundle_of_redis_becomes_part_of_its_address():
    settings = SharedSettings.from_environment(
        {
            "SHELFWISE_REDIS_URL": "rediss://h:6379/0",
            "SHELFWISE_REDIS_CA_CERTS": "/etc/my ca.pem",
        }
    )
    address = settings.redis_url.get_secret_value()
    assert address.endswith("?ssl_cert_reqs=required&ssl_ca_certs=/etc/my%20ca.pem")


def test_a_bundle_without_tls_is_a_mistake():
    with pytest.raises(MissingSetting, match="rediss"):
        SharedSettings.from_environment(
            {
                "SHELFWISE_REDIS_URL": "redis://h:6379/0",
                "SHELFWISE_REDIS_CA_CERTS": "/etc/ca.pem",
            }
        )
