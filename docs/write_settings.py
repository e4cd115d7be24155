"""Writes docs/settings.md from the settings classes: `python -m docs.write_settings`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from indexer.settings import IndexerSettings
from mappings.settings import PREFIX, SharedSettings
from service.settings import ServiceSettings

PATH = Path(__file__).with_name("settings.md")
_HEAD = """# Settings

Every program reads its settings once, at its start, from environment variables. All mistakes
are reported together, misspelt names among them, and the program does not start. Options of a
command, such as `shelfwise serve --port`, win over the environment.

`make docs` rewrites this page from the settings classes.
"""
_PARTS = (
    ("Shared by every program", "mappings/settings.py", SharedSettings),
    ("Service", "service/settings.py", ServiceSettings),
    ("Worker and loader", "indexer/settings.py", IndexerSettings),
)


def settings_page() -> str:
    """Return the page."""
    lines = [_HEAD]
    for title, source, settings in _PARTS:
        lines.append(f"## {title}\n\nDefined in `{source}`.\n")
        lines.append("| variable | kind | default | meaning |\n| --- | --- | --- | --- |")
        lines += [_row(name, field) for name, field in _own_fields(settings)]
        lines.append("")
    return "\n".join(lines)


def _own_fields(settings: type[SharedSettings]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in settings.model_fields.items():
        if settings is SharedSettings or name not in SharedSettings.model_fields:
            yield name, field


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{PREFIX}{name.upper()}`", _kind(field), _default(field), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _kind(field: FieldInfo) -> str:
    limits = {
        sign: getattr(rule, limit)
        for rule in field.metadata
        for sign, limit in ((">=", "ge"), (">", "gt"), ("<=", "le"), ("<", "lt"))
        if getattr(rule, limit, None) is not None
    }
    bounds = ", ".join(f"{sign} {value:,}" for sign, value in limits.items())
    return _type_name(field.annotation) + (f", {bounds}" if bounds else "")


def _type_name(annotation: object) -> str:
    if get_origin(annotation) in (Union, UnionType):
        return _type_name(next(arg for arg in get_args(annotation) if arg is not NoneType))
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    names = {str: "text", int: "whole number", float: "number", bool: "yes or no"}
    return names.get(annotation, "secret" if annotation is SecretStr else "text")  # type: ignore[call-overload,no-any-return]


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "none" if value in (None, "") else f"`{value}`"


if __name__ == "__main__":
    PATH.write_text(settings_page(), encoding="utf-8")
