"""`/v1/keys`: make, list and revoke API keys over HTTP, by a key that may do it all itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g

from mappings.errors import Forbidden, InvalidQuery
from mappings.validation_faults import shorten
from service.access.caller import current_caller
from service.access.commands import age
from service.access.key_store import KeyStore, unknown_key
from service.access.keys import ApiKey, make_key
from service.access.patterns import ALL, may_grant
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_object
from service.services import current_services

blueprint = Blueprint("keys", __name__)

FIELDS = ("name", "scopes", "indexes", "expires")


@blueprint.post("/v1/keys")
@needs(Scope.ADMIN)
def create() -> Response:
    """Make a key, and answer it: this once, as only a hash of it is kept."""
    check_parameters(())
    caller = current_caller()
    body = json_object()
    for name in body:
        if name not in FIELDS:
            raise InvalidQuery(
                f"there is no field {shorten(name)}; there are {', '.join(FIELDS)}",
                field=str(name)[:80],
            )
    now = datetime.now(UTC)
    expires = body.get("expires")
    made = make_key(
        _text(body, "name"),
        _texts(body, "scopes", ()),
        _texts(body, "indexes", (ALL,)),
        created_by=caller.key_id or "",
        expires_at=None if expires is None else now + age(_text(body, "expires"), "expires"),
        now=now,
    )
    if not may_grant(caller.indexes, made.key.indexes):
        raise Forbidden(
            "indexes: a key may be made only for indexes that its maker may use", field="indexes"
        )
    _store().add(made.key)
    g.audit = {"key": made.key.id, "scopes": sorted(map(str, made.key.scopes))}
    response = json_answer({"key": made.text, **made.key.to_json(now)}, 201)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/v1/keys")
@needs(Scope.ADMIN)
def list_keys() -> Response:
    """Return the keys of the caller's indexes, newest first, without their secrets."""
    check_parameters(())
    now = datetime.now(UTC)
    found = [key.to_json(now) for key in _store().list() if _is_known(key)]
    return json_answer({"keys": found})


@blueprint.delete("/v1/keys/<key_id>")
@needs(Scope.ADMIN)
def revoke(key_id: str) -> Response:
    """Let a key open nothing any more, and return it."""
    check_parameters(())
    g.audit = {"key": key_id[:40]}
    store = _store()
    if not _is_known(store.get(key_id)):
        raise unknown_key(key_id)
    return json_answer(store.revoke(key_id).to_json(datetime.now(UTC)))


def _store() -> KeyStore:
    return KeyStore(current_services().client)


def _is_known(key: ApiKey) -> bool:
    # A key of other indexes would tell their names.
    return may_grant(current_caller().indexes, key.indexes)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise InvalidQuery(f"{name}: should be text, got {shorten(value)}", field=name)
    return value


def _texts(body: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    values = body.get(name, default)
    if not isinstance(values, list | tuple) or not all(isinstance(one, str) for one in values):
        raise InvalidQuery(f"{name}: should be a list of texts, got {shorten(values)}", field=name)
    return tuple(values)
