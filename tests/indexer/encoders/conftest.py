"""Encoders to test: hashing, MiniLM, and a tiny random model that the tests build."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import pytest

from indexer.encoders.base import TextEncoder
from indexer.encoders.registry import (
    export_query_encoder,
    load_query_encoder,
    load_text_encoder,
)

TEMPLATE = "{title}. {brand}"
JUDGEMENTS = Path(__file__).parents[4] / "shared/data/icecat/judgements.csv"

WORDS = "a black cable case cordless for hp laptop mouse of phone red shoes the usb with".split()


def build_tiny_model(folder: Path, *, max_tokens: int = 24) -> Path:
    """Save a 2-layer BERT of 32 dims with random weights, prompts and a pooling of its own."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789:.,-")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS[1:], *letters]
    vocabulary += ["##" + letter for letter in letters]
    ids = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    parts = folder / "transformer"
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(parts)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
        initializer_range=0.5,  # the usual 0.02 makes all texts alike
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        BertModel(config).eval().save_pretrained(parts)
    transformer = Transformer(str(parts), max_seq_length=max_tokens)
    model = SentenceTransformer(
        modules=[transformer, Pooling(32, pooling_mode="cls")],  # no Normalize: ours must do it
        prompts={"query": "phone: ", "document": "laptop: "},
        device="cpu",
    )
    saved = folder / "tiny-shop-model"
    model.save(str(saved), create_model_card=False)
    return saved


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def model_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def minilm_export(model_directory: Path) -> Path:
    return export_query_encoder("minilm", template=TEMPLATE, model_directory=model_directory)


@pytest.fixture(scope="session")
def tiny_export(tiny_model: Path, model_directory: Path) -> Path:
    return export_query_encoder(
        str(tiny_model), template=TEMPLATE, model_directory=model_directory
    )


@pytest.fixture(scope="session")
def minilm_torch() -> TextEncoder:
    return load_text_encoder("minilm", template=TEMPLATE, device="cpu", precision="float32")


@pytest.fixture(scope="session")
def minilm_onnx(minilm_export: Path, model_directory: Path) -> TextEncoder:
    return load_query_encoder("minilm", template=TEMPLATE, model_directory=model_directory)


@pytest.fixture(scope="session")
def tiny_torch(tiny_model: Path) -> TextEncoder:
    return load_text_encoder(str(tiny_model), template=TEMPLATE, device="cpu")


@pytest.fixture(scope="session")
def tiny_onnx(tiny_model: Path, tiny_export: Path, model_directory: Path) -> TextEncoder:
    return load_query_encoder(str(tiny_model), template=TEMPLATE, model_directory=model_directory)


@pytest.fixture(scope="session")
def real_queries() -> list[str]:
    """The 92 queries of the Icecat judgements; built-in ones where the file is not there."""
    if JUDGEMENTS.is_file():
        with JUDGEMENTS.open(newline="") as rows:
            return list(dict.fromkeys(row["query"] for row in csv.DictReader(rows)))
    from indexer.encoders.probe_texts import PROBE_TEXTS

    warnings.warn(f"{JUDGEMENTS.name} is not there; built-in queries are used", stacklevel=1)
    return list(PROBE_TEXTS)
