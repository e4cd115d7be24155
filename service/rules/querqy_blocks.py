"""A file of Querqy's common rules as blocks: an input, what is to be done, and properties."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

MAX_LINE = 10_000
"""Characters of a line."""

_SHOWN = 80
_ARROW = "=>"
_COMMENT = re.compile(r"(?<!\\)#.*", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")
_INSTRUCTION = re.compile(
    r"(?P<name>synonym|up|down|filter|delete|decorate)\s*"
    r"(?:\((?P<argument>[^)]*)\)\s*)?(?::(?P<value>.*))?$",
    re.IGNORECASE | re.DOTALL,
)
_PROPERTY = re.compile(r"@\s*(?P<quote>['\"]?)(?P<name>[\w.-]+)(?P=quote)\s*:\s*(?P<value>.*)$")
_JSON_PART = re.compile(
    r"""\s+|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign>[{}\[\],:])|(?P<word>[^\s{}\[\],:'"]+)"""
)


@dataclass(frozen=True)
class Remark:
    """What is to be said of a line. line: from 1. text: the line. taken: whether it was."""

    line: int
    text: str
    reason: str
    taken: bool = False


@dataclass(frozen=True)
class Instruction:
    """One instruction. name: in small letters. argument: in brackets, value: after the colon."""

    line: int
    text: str
    name: str
    argument: str | None
    value: str


@dataclass
class Block:
    """One rule as it stands in the file. input: what stands before the arrow."""

    line: int
    input: str
    instructions: list[Instruction] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)


def read_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that say something, without comments."""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if kept := _COMMENT.sub("", line.strip()).strip():
            yield number, kept


def read_blocks(text: str) -> tuple[list[Block], list[Remark]]:
    """Return the blocks of a file, and what is to be said of lines that belong to none."""
    blocks: list[Block] = []
    remarks: list[Remark] = []
    lines = _short_lines(text, remarks)
    for number, line in lines:
        if line.endswith(_ARROW):
            blocks.append(Block(number, line.removesuffix(_ARROW).strip()))
            if not blocks[-1].input:
                remarks.append(Remark(number, line, "the input before => is empty"))
        elif not blocks:
            remarks.append(Remark(number, line, "stands before the first input, a line with =>"))
        elif line.startswith("@{"):
            collected = [line]
            while not collected[-1].endswith("}@"):
                following = next(lines, None)
                if following is None:
                    break
                collected.append(following[1])
            _add_object(blocks[-1], number, "\n".join(collected), remarks)
        elif line.startswith("@"):
            _add_property(blocks[-1], number, line, remarks)
        elif (found := _INSTRUCTION.match(line)) is not None:
            blocks[-1].instructions.append(
                Instruction(
                    number,
                    line,
                    found["name"].lower(),
                    None if found["argument"] is None else found["argument"].strip(),
                    (found["value"] or "").strip(),
                )
            )
        else:
            remarks.append(Remark(number, line, _unknown(line)))
    return blocks, remarks


def _short_lines(text: str, remarks: list[Remark]) -> Iterator[tuple[int, str]]:
    for number, line in read_lines(text):
        if len(line) <= MAX_LINE:
            yield number, line
        else:
            reason = f"has {len(line):,} characters, at most {MAX_LINE:,}"
            remarks.append(Remark(number, f"{line[:_SHOWN]}…", reason))


def unescape(text: str) -> str:
    """Return a text without the backslashes before quotes, stars and number signs."""
    return _ESCAPE.sub(r"\1", text)


def _unknown(line: str) -> str:
    if _ARROW in line:
        return "is no instruction; lines `from => to` are rules of the format querqy-replace"
    return "is no instruction: SYNONYM, UP, DOWN, FILTER, DELETE or a property"


def _add_property(block: Block, number: int, line: str, remarks: list[Remark]) -> None:
    found = _PROPERTY.match(line)
    try:
        if found is None:
            raise ValueError("should be @name: value")
        block.properties[found["name"]] = _relaxed_json(found["value"])
    except ValueError as error:
        remarks.append(Remark(number, line, f"is no property: {error}"))


def _add_object(block: Block, number: int, text: str, remarks: list[Remark]) -> None:
    try:
        if not text.endswith("}@"):
            raise ValueError("}@ is missing")
        value = _relaxed_json(text[1:-1])
        if not isinstance(value, Mapping):
            raise ValueError("should be an object")
        block.properties.update(value)
    except ValueError as error:
        first = text.partition("\n")[0]
        remarks.append(Remark(number, first, f"is no object of properties: {error}"))


def _relaxed_json(text: str) -> Any:  # noqa: ANN401 - decoded JSON
    """Return what JSON says that may have names without quotes, single quotes, and last commas.

    Raises ValueError.
    """
    parts: list[str] = []
    position = 0
    while position < len(text):
        found = _JSON_PART.match(text, position)
        if found is None:
            raise ValueError(f"not understood at {text[position : position + 20]!r}")
        position = found.end()
        if (sign := found["sign"]) is not None:
            if sign in "}]" and parts and parts[-1] == ",":
                parts.pop()
            parts.append(sign)
        elif (quoted := found["text"]) is not None:
            parts.append(_quoted(quoted))
        elif (word := found["word"]) is not None:
            is_name = text[position:].lstrip().startswith(":")
            parts.append(orjson.dumps(word).decode() if is_name else word)
    return orjson.loads("".join(parts))


def _quoted(text: str) -> str:
    if text.startswith("'"):
        inner = text[1:-1].replace("\\'", "'").replace('"', '\\"')
        return f'"{inner}"'
    return text
