"""Ways to rank that may stand on a side of the page, as they stand in its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.search_request import DEFAULT_WEIGHTS
from service.search_results import LEXICAL

OWN = "own"
NAMED: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "active": ("What answers now", {}),
        "keyword": ("Keywords only", {"weights": {LEXICAL: 1.0}}),
        "shipped": (
            "The shipped weights",
            {"fusion": "weighted_sum", "weights_version": DEFAULT_WEIGHTS},
        ),
        "reciprocal_rank": ("Reciprocal rank", {"fusion": "reciprocal_rank"}),
    }
)
"""Name in the address to what is shown, and to what a request says beyond the words."""

_VERSION = "version:"
_MAX_CHARACTERS = 300


@dataclass(frozen=True)
class Configuration:
    """One way to rank.

    choice: a name of NAMED, `version:` and the name of a weights version, or `own`. weights: leg
    to weight, for `own` alone. rules: `off`, the name of a version of rules, or empty for those
    that are in force.
    """

    choice: str
    weights: Mapping[str, float] = field(default_factory=dict)
    rules: str = ""

    @classmethod
    def parse(cls, text: str, *, rules: str = "", field: str = "configuration") -> Configuration:
        """Return what an address says, such as `version:products-3` or `own:lexical=0.4`.

        Raises InvalidQuery for what is none of these; a version may turn out not to be there.
        """
        text, rules = text[:_MAX_CHARACTERS], rules[:_MAX_CHARACTERS]
        if text in NAMED or (text.startswith(_VERSION) and len(text) > len(_VERSION)):
            return cls(text, rules=rules)
        name, colon, pairs = text.partition(":")
        if name != OWN or not colon:
            raise InvalidQuery(
                f"{field}: should be one of {', '.join(NAMED)}, {_VERSION}NAME or "
                f"{OWN}:leg=weight, got {shorten(text)}",
                field=field,
            )
        weights = dict(_weight(pair, field) for pair in pairs.split(",") if pair)
        return cls(OWN, weights, rules)

    @property
    def label(self) -> str:
        """Return what it is called on the page."""
        if self.choice in NAMED:
            label = NAMED[self.choice][0]
        elif self.choice == OWN:
            label = "Weights of your own"
        else:
            label = f"Version {self.choice.removeprefix(_VERSION)}"
        if self.rules == "off":
            return f"{label}, without rules"
        return f"{label}, rules {self.rules}" if self.rules else label

    def options(self) -> dict[str, Any]:
        """Return what a request says beyond the words."""
        if self.choice in NAMED:
            options = dict(NAMED[self.choice][1])
        elif self.choice == OWN:
            options = {"weights": dict(self.weights)}
        else:
            options = {"weights_version": self.choice.removeprefix(_VERSION)}
        if self.rules:
            options["rules"] = self.rules
        return options


def version_choice(version: str) -> str:
    """Return what stands in the address for a weights version."""
    return f"{_VERSION}{version}"


def _weight(pair: str, field: str) -> tuple[str, float]:
    leg, _, number = pair.partition("=")
    try:
        return leg, float(number)
    except ValueError as error:
        raise InvalidQuery(
            f"{field}: {leg[:40]} should have a number, got {shorten(number)}", field=field
        ) from error
