"""Rules and synonyms from Querqy's formats: its common rules, and those of its replace rewriter.

docs/rules.md lists what is taken and what is not.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ValidationError

from mappings.errors import InvalidQuery
from mappings.validation_faults import first_fault
from service.rules.querqy_blocks import Block, Remark, read_blocks, read_lines, unescape
from service.rules.querqy_draft import Draft, Input
from service.rules.querqy_queries import NotTaken
from service.rules.rule import Rule, RuleSet, Synonym
from service.suggestions.folding import fold

Format = Literal["querqy", "querqy-replace"]
MAX_NOTE = 500
_USED_PROPERTIES = {"_id", "_log", "enabled"}
_NAMED_PROPERTIES = 3
_ID_OF_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_BOOLEAN = re.compile(r"(?:^|\s|\()(?:AND|OR|NOT)(?:\s|\))")


@dataclass(frozen=True)
class Imported:
    """What was read. remarks: of lines that were left out or taken otherwise, by line."""

    rules: RuleSet
    remarks: tuple[Remark, ...] = ()


@dataclass
class _Found:
    """Rules, synonyms and remarks so far, and the ids that are taken."""

    rules: list[Rule] = field(default_factory=list)
    synonyms: list[Synonym] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def new_id(self, wanted: str) -> str:
        """Return an id like that, which no other has."""
        name, number = wanted, 1
        while name in self.ids:
            number += 1
            name = f"{wanted}-{number}"
        self.ids.add(name)
        return name


def read_querqy(text: str, format_: Format = "querqy") -> Imported:
    """Return the rules of a file, and what is to be said of its lines.

    A line that has no counterpart here is left out and remarked, and the rest of its block is
    taken; an input that has none leaves out its block. The ids of rules come from `@_id`, or
    else from the input, so the same file gives the same ids again.
    Raises InvalidQuery when there are more rules or synonyms than a rule set holds.
    """
    found = _Found()
    if format_ == "querqy-replace":
        _read_replacements(text, found)
    else:
        blocks, found.remarks = read_blocks(text)
        for block in blocks:
            _read_block(block, found)
    remarks = tuple(sorted(found.remarks, key=lambda remark: remark.line))
    raw = {"rules": found.rules, "synonyms": found.synonyms}
    try:
        rules = RuleSet.model_validate(raw)
    except ValidationError as error:
        fault = first_fault(error, raw)
        raise InvalidQuery(fault.describe("text"), field="text") from error
    return Imported(rules, remarks)


def _read_block(block: Block, found: _Found) -> None:
    if not block.input:
        return
    try:
        given = _read_input(block.input)
    except NotTaken as error:
        found.remarks.append(Remark(block.line, f"{block.input} =>", f"{error}; left out"))
        return
    draft = Draft(given)
    for instruction in block.instructions:
        try:
            said = draft.add(instruction)
        except (NotTaken, ValidationError) as error:
            reason = _reason(error)
            found.remarks.append(Remark(instruction.line, instruction.text, reason))
        else:
            if said is not None:
                remark = Remark(instruction.line, instruction.text, said, taken=True)
                found.remarks.append(remark)
    if not block.instructions:
        found.remarks.append(Remark(block.line, f"{block.input} =>", "says nothing to do"))
    if draft.parts() or draft.synonyms:
        try:
            _keep(block, draft, found)
        except ValidationError as error:
            found.remarks.append(Remark(block.line, f"{block.input} =>", _reason(error)))


def _keep(block: Block, draft: Draft, found: _Found) -> None:
    given, properties = draft.given, block.properties
    name = _name(block, given.text)
    enabled = properties.get("enabled", True) is not False
    if parts := draft.parts():
        raw = {
            "id": name,
            "note": str(properties.get("_log", ""))[:MAX_NOTE],
            "enabled": enabled,
            "when": {"queries": [given.text], "match": given.match},
            **parts,
        }
        rule = Rule.model_validate(raw)
        found.rules.append(rule.model_copy(update={"id": found.new_id(name)}))
    for weight, words in draft.synonyms.items():
        synonym = Synonym(
            id=f"{name}-synonym",
            words=(given.text,),
            to=tuple(dict.fromkeys(words)),
            weight=weight,
            enabled=enabled,
        )
        found.synonyms.append(synonym.model_copy(update={"id": found.new_id(synonym.id)}))
    if unused := sorted(map(str, properties.keys() - _USED_PROPERTIES)):
        reason = f"properties without a counterpart: {', '.join(unused[:_NAMED_PROPERTIES])}"
        found.remarks.append(Remark(block.line, f"{block.input} =>", reason, taken=True))


def _read_input(text: str) -> Input:
    begins = text.startswith('"')
    ends = len(text) > 1 and text.endswith('"') and not text.endswith('\\"')
    inner = text[1 if begins else 0 : -1 if ends else None].strip()
    if "*" in inner.replace("\\*", ""):
        raise NotTaken("inputs with a wildcard * are not matched")
    if ends and not begins:
        raise NotTaken("inputs that a query has to end with are not matched")
    if _BOOLEAN.search(inner):
        raise NotTaken("inputs with AND, OR or NOT are not matched")
    plain = " ".join(unescape(inner).split())
    if not fold(plain):
        raise NotTaken("the input has no letter or digit")
    return Input(plain, "exact" if ends else "start" if begins else "contains")


def _name(block: Block, text: str) -> str:
    given = block.properties.get("_id")
    if given is not None and _ID_OF_OURS.fullmatch(str(given)):
        return str(given)
    # A digest besides, as inputs that differ in signs alone would have one name.
    source = str(given) if given is not None else f"{block.input}"
    digest = hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest()[:6]
    words = re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")[:60]
    return f"{words}-{digest}" if words else f"rule-{digest}"


def _read_replacements(text: str, found: _Found) -> None:
    for number, line in read_lines(text):
        before, arrow, after = line.partition("=>")
        inputs = [unescape(one).strip() for one in re.split(r"[;\t]", before) if one.strip()]
        reason = ""
        if not arrow or not inputs:
            reason = "should be `from => to`, several of from divided by ;"
        elif "*" in before or "$1" in after:
            reason = "wildcards are not replaced"
        elif not all(fold(one) for one in inputs):
            reason = "the input has no letter or digit"
        if reason:
            found.remarks.append(Remark(number, line, reason))
            continue
        block = Block(number, before.strip())
        raw = {
            "id": _name(block, inputs[0]),
            "when": {"queries": inputs, "match": "contains"},
            "replace": dict.fromkeys(inputs, unescape(after.strip())),
        }
        try:
            rule = Rule.model_validate(raw)
        except ValidationError as error:
            found.remarks.append(Remark(number, line, _reason(error)))
            continue
        found.rules.append(rule.model_copy(update={"id": found.new_id(rule.id)}))


def _reason(error: NotTaken | ValidationError) -> str:
    if isinstance(error, ValidationError):
        return first_fault(error, {}).describe("it")
    return str(error)
