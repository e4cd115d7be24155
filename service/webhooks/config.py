"""The webhooks that the service takes, from the tables [webhooks.NAME] of a TOML file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from mappings.errors import MissingSetting
from mappings.feeds.field_map import IDENTITY, RecordMap, parse_map, read_map, shipped_maps
from mappings.feeds.references import SecretReference, read_secret
from mappings.feeds.sources_file import WEBHOOKS, IndexName, Seconds, check_table, read_tables
from service.webhooks import shopify, woocommerce
from service.webhooks.generic import DeleteRule, GenericDecoder
from service.webhooks.shop_event import ShopEvent, Variants
from service.webhooks.signatures import Algorithm, Encoding, SignatureScheme

Decode = Callable[[object, Mapping[str, str]], ShopEvent]
"""From a decoded body and headers, whose names are in lower case, to what they say."""

Secrets = Annotated[
    tuple[SecretReference, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    Field(min_length=1, max_length=8),
]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ShopOptions(_Table):
    """secret: reference, or several while one is replaced. currency: of all prices, ISO 4217."""

    kind: Literal["shopify", "woocommerce"]
    index: IndexName
    secret: Secrets
    variants: Variants = "together"
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")


class SignatureOptions(_Table):
    """As of SignatureScheme."""

    header: str = Field(min_length=1)
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    timestamp_header: str | None = None
    tolerance: Seconds = 300.0
    signed: str = "{body}"

    @field_validator("signed")
    @classmethod
    def _check_signed(cls, value: str) -> str:
        if value.count("{body}") != 1:
            raise ValueError("should hold {body} once, and {timestamp} where one is signed")
        return value

    @model_validator(mode="after")
    def _check_timestamp(self) -> SignatureOptions:
        # A time that is not signed could be any: an old webhook would be taken as a new one.
        if ("{timestamp}" in self.signed) != (self.timestamp_header is not None):
            raise ValueError(
                "timestamp_header: goes with {timestamp} in `signed`, and {timestamp} with it"
            )
        return self


class DeleteOptions(_Table):
    """As of DeleteRule."""

    path: str = Field(min_length=1)
    values: tuple[str, ...] = ("true",)


class GenericOptions(_Table):
    """As of GenericDecoder; map: a shipped one's name, or a path beside the TOML file."""

    kind: Literal["generic"]
    index: IndexName
    secret: Secrets
    map: str = IDENTITY
    signature: SignatureOptions
    items: str = ""
    operation: Literal["upsert", "patch"] = "upsert"
    delete: DeleteOptions | None = None
    version: str | None = None


@dataclass(frozen=True)
class Webhook:
    """One webhook. secrets: read anew for each request, so that one may be replaced."""

    name: str
    kind: str
    index: str
    scheme: SignatureScheme
    references: tuple[str, ...]
    decode: Decode

    def secrets(self) -> list[str]:
        """Return the secrets. Raises MissingSetting when one is not there."""
        return [read_secret(reference) for reference in self.references]


def read_webhooks(path: Path) -> dict[str, Webhook]:
    """Return the webhooks of a file by name.

    Raises MissingSetting that names what is wrong, also a secret that is not there.
    """
    found = {}
    for name, table in read_tables(path, WEBHOOKS).items():
        where = f"{path.name}: {WEBHOOKS}.{name}"
        if table.get("kind") == "generic":
            webhook = _generic(name, table, where=where, folder=path.resolve().parent)
        else:
            webhook = _shop(name, table, where=where)
        webhook.secrets()
        found[name] = webhook
    return found


def _shop(name: str, table: Mapping[str, Any], *, where: str) -> Webhook:
    options = check_table(ShopOptions, table, where=where)

    def decode_shopify(body: object, headers: Mapping[str, str]) -> ShopEvent:
        return shopify.decode(body, headers, variants=options.variants, currency=options.currency)

    def decode_woocommerce(body: object, headers: Mapping[str, str]) -> ShopEvent:
        return woocommerce.decode(
            body,
            headers,
            variants=options.variants,
            currency=options.currency,
            now=time.time(),
        )

    is_shopify = options.kind == "shopify"
    scheme = shopify.SIGNATURE if is_shopify else woocommerce.SIGNATURE
    decode = decode_shopify if is_shopify else decode_woocommerce
    return Webhook(name, options.kind, options.index, scheme, options.secret, decode)


def _generic(name: str, table: Mapping[str, Any], *, where: str, folder: Path) -> Webhook:
    options = check_table(GenericOptions, table, where=where)
    try:
        mapping = _map(options, folder)
    except MissingSetting as error:
        raise MissingSetting(f"{where}: {error.message}") from error
    signature = options.signature
    decoder = GenericDecoder(
        mapping,
        options.items,
        options.operation,
        DeleteRule(options.delete.path, options.delete.values) if options.delete else None,
        options.version,
    )
    scheme = SignatureScheme(
        signature.header,
        signature.algorithm,
        signature.encoding,
        signature.prefix,
        signature.timestamp_header,
        signature.tolerance,
        signature.signed,
    )
    return Webhook(
        name,
        options.kind,
        options.index,
        scheme,
        options.secret,
        lambda body, headers: decoder.decode(body),
    )


def _map(options: GenericOptions, folder: Path) -> RecordMap:
    if options.map == IDENTITY or options.map in shipped_maps():
        return read_map(options.map)
    path = folder / options.map
    if options.operation == "patch" and path.is_file():
        return parse_map(path.read_bytes(), where=path.name, needed=("id",))
    return read_map(str(path))
