"""Words of a query that rules put others in the place of, before anything is searched."""

from __future__ import annotations

from collections.abc import Iterable

from service.rules.phrases import PhraseTable, rule_key, rule_words
from service.rules.rule import Rule
from service.search_request import MAX_QUERY_LENGTH


def replace_words(text: str, rules: Iterable[Rule]) -> str:
    """Return the text as the rules leave it, one after the other.

    Of phrases that overlap the first is replaced, of those that begin together the longest. What
    would leave no words, or more than a query may have, is left as it was: nobody who searches
    for something wants to see everything.
    """
    for rule in rules:
        if rule.replace:
            found = _replaced(text, rule)
            text = found if found and len(found) <= MAX_QUERY_LENGTH else text
    return text


def _replaced(text: str, rule: Rule) -> str:
    table = PhraseTable((rule_key(words), to) for words, to in rule.replace.items())
    words = rule_words(text)
    pieces, end = [], 0
    for place, length, found in table.longest(tuple(word.key for word in words)):
        pieces += [text[end : words[place].start], found[0]]
        end = words[place + length - 1].end
    return " ".join("".join((*pieces, text[end:])).split()) if pieces else text
