"""Products: upsert, patch and delete, single and bulk; read one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from elasticsearch import NotFoundError
from flask import Blueprint, Response

from mappings.cluster import cluster_errors
from mappings.errors import InvalidQuery, ProductRejected, UnknownProduct
from mappings.product import MAX_ID_BYTES, Product
from mappings.product_changes import ProductChange, check_version
from mappings.validation_faults import shorten
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_body, json_object, parameter_number
from service.product_fields import RETURNED_FIELDS
from service.retrieval.products import product_from
from service.services import current_services

blueprint = Blueprint("products", __name__)

Read = Callable[[object], ProductChange]


@blueprint.post("/v1/indexes/<index>/products")
@needs(Scope.WRITE)
def upsert_products(index: str) -> Response:
    """Add or replace one product (an object) or several (a list, or {"products": [...]})."""
    check_parameters(())
    return _submit_body(index, json_body(), _read_upsert)


@blueprint.patch("/v1/indexes/<index>/products")
@needs(Scope.WRITE)
def patch_products(index: str) -> Response:
    """Change some fields of one product or of several; each names its `id`."""
    check_parameters(())
    return _submit_body(index, json_body(), _read_patch)


@blueprint.delete("/v1/indexes/<index>/products")
@needs(Scope.WRITE)
def delete_products(index: str) -> Response:
    """Delete the products of a body {"ids": [...]}."""
    check_parameters(())
    body = json_object()
    ids = body.get("ids")
    if set(body) != {"ids"} or not isinstance(ids, list):
        raise InvalidQuery(
            f'ids: the body should be {{"ids": [...]}}, got {shorten(dict(body))}', field="ids"
        )
    return _submit(index, ids, _read_delete)


@blueprint.get("/v1/indexes/<index>/products/<product_id>")
@needs(Scope.SEARCH)
def read_product(index: str, product_id: str) -> Response:
    """Return one product as it was last indexed, searchable or not yet."""
    check_parameters(())
    services = current_services()
    live = services.indexes.get(index)
    check_product_id(product_id)
    unknown = UnknownProduct(
        f"no product {shorten(product_id)} in index {index!r}", field="product_id"
    )
    with cluster_errors(index=index):
        try:
            found = services.client.get(
                index=live.index,
                id=product_id,
                source_includes=[*RETURNED_FIELDS, "deleted_at"],
            )
        except NotFoundError as error:
            raise unknown from error
    if "deleted_at" in found["_source"]:
        raise unknown
    return json_answer({"id": product_id, "product": product_from(found.body)})


@blueprint.put("/v1/indexes/<index>/products/<product_id>")
@blueprint.post("/v1/indexes/<index>/products/<product_id>")
@needs(Scope.WRITE)
def upsert_product(index: str, product_id: str) -> Response:
    """Add or replace the product of that id; an `id` in the body must be the same."""
    check_parameters(())
    return _submit(index, [_with_id(json_object(), product_id)], _read_upsert, single=True)


@blueprint.patch("/v1/indexes/<index>/products/<product_id>")
@needs(Scope.WRITE)
def patch_product(index: str, product_id: str) -> Response:
    """Change some fields; null removes one."""
    check_parameters(())
    return _submit(index, [_with_id(json_object(), product_id)], _read_patch, single=True)


@blueprint.delete("/v1/indexes/<index>/products/<product_id>")
@needs(Scope.WRITE)
def delete_product(index: str, product_id: str) -> Response:
    """Delete the product; `version` as a URL parameter."""
    check_parameters(("version",))
    check_product_id(product_id)
    version = check_version(parameter_number("version"), product_id=product_id)
    services = current_services()
    services.indexes.get(index)
    change = ProductChange("delete", product_id, {}, version)
    task_id = services.task_queue.submit(index, [change])
    return json_answer({"task_id": task_id, "accepted": 1, "rejected": []}, 202)


def _submit_body(index: str, body: object, read: Read) -> Response:
    if isinstance(body, Mapping) and set(body) == {"products"}:
        body = body["products"]
    if isinstance(body, list):
        return _submit(index, body, read)
    return _submit(index, [body], read, single=True)


def _submit(index: str, raws: list[Any], read: Read, *, single: bool = False) -> Response:
    """Queue what is sound; say what is not.

    A single product that is not sound is a 4xx. Of several, the sound ones are queued and
    the others are listed with their place and reason.
    """
    services = current_services()
    services.indexes.get(index)
    limit = services.settings.service_max_products
    if not raws:
        raise InvalidQuery("products: the list is empty", field="products")
    if len(raws) > limit:
        raise InvalidQuery(
            f"products: at most {limit} at a time, got {len(raws)}", field="products"
        )
    changes: list[ProductChange] = []
    rejected: list[dict[str, Any]] = []
    for position, raw in enumerate(raws):
        try:
            changes.append(read(raw))
        except ProductRejected as error:
            if single:
                raise
            rejected.append(
                {
                    "position": position,
                    "id": error.product_id,
                    "field": error.field,
                    "reason": error.message,
                }
            )
    if not changes:
        first = rejected[0]
        raise ProductRejected(
            f"none of {len(raws)} products can be used; the first: {first['reason']}",
            field=first["field"],
        )
    task_id = services.task_queue.submit(index, changes)
    return json_answer({"task_id": task_id, "accepted": len(changes), "rejected": rejected}, 202)


def _read_upsert(raw: object) -> ProductChange:
    fields, version = _split_version(raw)
    product = Product.parse(fields)
    return ProductChange("upsert", product.id, product.to_json(), version)


def _read_patch(raw: object) -> ProductChange:
    fields, version = _split_version(raw)
    product_id = fields.pop("id", None)
    if not isinstance(product_id, str):
        raise ProductRejected(f"id: should be text, got {shorten(product_id)}", field="id")
    check_product_id(product_id)
    Product.check_changes(product_id, fields)
    return ProductChange("patch", product_id, fields, version)


def _read_delete(raw: object) -> ProductChange:
    if not isinstance(raw, str):
        raise ProductRejected(f"ids: should be texts, got {shorten(raw)}", field="ids")
    check_product_id(raw)
    return ProductChange("delete", raw, {})


def _split_version(raw: object) -> tuple[dict[str, Any], int | None]:
    if not isinstance(raw, Mapping):
        raise ProductRejected(
            f"product: should be a JSON object, got {shorten(raw)}", field="product"
        )
    fields = dict(raw)
    product_id = fields.get("id")
    version = check_version(
        fields.pop("version", None),
        product_id=product_id if isinstance(product_id, str) else None,
    )
    return fields, version


def _with_id(body: Mapping[str, Any], product_id: str) -> dict[str, Any]:
    if body.get("id", product_id) != product_id:
        raise ProductRejected(
            f"id: is {shorten(body['id'])} in the body but {shorten(product_id)} in the address",
            field="id",
        )
    return {**body, "id": product_id}


def check_product_id(product_id: str) -> None:
    """Raise ProductRejected for an id that no product can have."""
    try:
        size = len(product_id.encode())
    except UnicodeEncodeError as error:
        raise ProductRejected("id: is not text in UTF-8", field="id") from error
    if not product_id or size > MAX_ID_BYTES or "\0" in product_id:
        raise ProductRejected(
            f"id: should have 1 to {MAX_ID_BYTES} bytes, none of them null, "
            f"got {shorten(product_id)}",
            field="id",
        )
