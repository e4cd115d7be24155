"""What customers type for a product: phrases made of its labels, in lower case."""

from __future__ import annotations

from indexer.finetune.shop_products import ShopProduct


def phrases(product: ShopProduct) -> list[str]:
    """Return the phrases of a product, each once, the plain ones first.

    E.g. "white skirts", "white skirt", "white", "skirts", "printed skirts". A product
    without a kind has none: its other labels say too little alone.
    """
    kind, colour, brand = (text.lower() for text in (product.kind, product.colour, product.brand))
    if not kind:
        return []
    one = singular(kind)
    # The colour by itself too: else a rare colour of a kind is looked for among the kind alone.
    made = [f"{colour} {kind}", f"{colour} {one}", colour] if colour else []
    made += [kind, one]
    if brand:
        made.append(f"{brand} {kind}")
    if brand and colour:
        made.append(f"{brand} {colour} {kind}")
    for facet in dict.fromkeys(text.lower() for text in product.facets):
        if facet not in (kind, colour, brand):
            made.append(f"{facet} {kind}")
    return list(dict.fromkeys(made))


def singular(words: str) -> str:
    """Return English words with the last one in the singular; what does not end in s is kept."""
    if words.endswith(("sses", "shes", "ches", "xes")):
        return words[:-2]
    if words.endswith("ies") and len(words) > len("ties"):
        return words[:-3] + "y"
    if words.endswith("s") and not words.endswith(("ss", "us")):
        return words[:-1]
    return words
