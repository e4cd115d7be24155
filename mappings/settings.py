"""Settings shared by every program, read once from `SHELFWISE_*` environment variables.

Names: `SHELFWISE_<NAME>` is shared; `SHELFWISE_SERVICE_<NAME>` and
`SHELFWISE_INDEXER_<NAME>` belong to one program, so that one environment file can
serve both and a misspelt name is still found by the program that owns it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from mappings.errors import MissingSetting
from mappings.secret_files import read_secret_files, secure_redis

PREFIX = "SHELFWISE_"
PROGRAM_PREFIXES = ("SERVICE_", "INDEXER_", "STACK_", "JAVA_", "TEST_", "BENCH_")


_SECRETS = ("elasticsearch_api_key", "elasticsearch_password", "redis_url")
"""What may also be the content of a file, whose setting ends in `_file`."""


def _check_elasticsearch_url(value: str) -> str:
    for url in value.split(","):
        _check_url(url.strip(), ("http", "https"), example=9200)
    return value


def _check_redis_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if not url.startswith("unix://"):
        _check_url(url, ("redis", "rediss"), example=6379)
    return value


def _check_url(url: str, schemes: tuple[str, ...], *, example: int) -> None:
    # The address may hold a password, so no message repeats it.
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError("the port should be a number from 0 to 65535") from error
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"should be an address such as {schemes[0]}://127.0.0.1:{example}")
    if port is None and schemes[0] == "http":
        raise ValueError("should name its port, such as http://127.0.0.1:9200")


class SharedSettings(BaseSettings):
    """Where the cluster and the queue are, and which encoder fills the index."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )
    program_prefix: ClassVar[str] = ""

    elasticsearch_url: Annotated[str, AfterValidator(_check_elasticsearch_url)] = Field(
        "http://127.0.0.1:9200",
        repr=False,  # may hold a password
        description="Elasticsearch's address; several, divided by commas.",
    )
    elasticsearch_api_key: SecretStr | None = Field(
        None, description="API key for Elasticsearch (base64 id:key)."
    )
    elasticsearch_api_key_file: str | None = Field(
        None, description="File that holds the API key for Elasticsearch instead."
    )
    elasticsearch_username: str | None = Field(None, description="User name, with the password.")
    elasticsearch_password: SecretStr | None = Field(None, description="Password of the user.")
    elasticsearch_password_file: str | None = Field(
        None, description="File that holds the password of the user instead."
    )
    elasticsearch_client_cert: str | None = Field(
        None, description="Path of a client certificate (PEM) that Elasticsearch asks for."
    )
    elasticsearch_client_key: str | None = Field(
        None, description="Path of the key of that certificate, when it is not in the same file."
    )
    elasticsearch_ca_certs: str | None = Field(
        None, description="Path of the CA bundle that signed Elasticsearch's certificate."
    )
    elasticsearch_timeout_seconds: float = Field(
        30.0, gt=0, le=600, description="Longest wait for one answer of Elasticsearch."
    )
    redis_url: Annotated[SecretStr, AfterValidator(_check_redis_url)] = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis for the queue and the task records; `rediss://` for TLS.",
    )
    redis_url_file: str | None = Field(
        None, description="File that holds the address of Redis, with its password, instead."
    )
    redis_ca_certs: str | None = Field(
        None,
        description="Path of the CA bundle that signed Redis' certificate; the system's if empty.",
    )
    text_encoder: str = Field(
        "minilm",
        description="Encoder of product text: `minilm`, `hashing`, or any sentence-transformers "
        "model by hub name or path.",
    )
    text_template: str = Field(
        "{title} {description}",
        min_length=1,
        description="How a product becomes the encoded text.",
    )
    image_encoder: str = Field(
        "",
        description="Encoder of product photos in new indexes: `tower` (shipped), a folder made "
        "by `shelfwise finetune`, a CLIP-like model by hub name or path, or `hashing-image`; none "
        "if empty.",
    )
    model_directory: str = Field(
        ".shelfwise/models",
        description="Folder of exported ONNX encoders, written by the worker and read by the "
        "service.",
    )
    audit_file: str | None = Field(
        None,
        description="File that a line of JSON is added to for each act of an admin, by API or "
        "command; the service's log has those of the API in any case.",
    )
    task_ttl_seconds: int = Field(
        86_400, ge=60, description="How long a task's record is kept after its last change."
    )

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        return secure_redis(read_secret_files(values, _SECRETS))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `from_environment` hands over, not the process's environment too."""
        return (init_settings,)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read and check the settings.

        Raises MissingSetting that lists every unknown and unreadable variable at once.
        """
        known = {PREFIX + name.upper() for name in cls.model_fields}
        own = tuple(PREFIX + prefix for prefix in PROGRAM_PREFIXES if prefix != cls.program_prefix)
        problems = [
            f"{name}: no such setting"
            for name in sorted(environ)
            if name.startswith(PREFIX) and name not in known and not name.startswith(own)
        ]
        values: dict[str, Any] = {
            field: environ[PREFIX + field.upper()]
            for field in cls.model_fields
            if PREFIX + field.upper() in environ
        }
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            problems += [
                (f"{PREFIX}{'_'.join(map(str, item['loc'])).upper()}: " if item["loc"] else "")
                + item["msg"].removeprefix("Value error, ")
                for item in error.errors(include_input=False, include_url=False)
            ]
        if problems:
            raise MissingSetting("settings cannot be used:\n  " + "\n  ".join(problems))
        return settings
