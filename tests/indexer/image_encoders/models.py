"""Tiny models of photos and words with random weights, in the files that real ones come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 32
"""Of the photos, in pixels."""

WORDS = (
    "a black blue cable case cordless hp laptop mouse of phone red shirt shoes usb with".split()
)
COLOURS = {"red": (200, 30, 30), "green": (30, 170, 60), "blue": (30, 60, 200), "black": (9, 9, 9)}
_SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
_LAYERS: dict[str, Any] = _SMALL | {"num_attention_heads": 4}


def coloured(colour: tuple[int, int, int], seed: int) -> Image.Image:
    """A photo of nearly one colour."""
    noise = np.random.default_rng(seed).integers(-9, 10, (40, 40, 3))
    return Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))


def build_tiny_clip(folder: Path, *, dims: int = 16) -> Path:
    """Save a CLIP: photos cut from the middle, words read at their end token."""
    from transformers import (
        CLIPConfig,
        CLIPImageProcessor,
        CLIPModel,
        CLIPProcessor,
        CLIPTokenizerFast,
    )

    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 324))]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    ids = {token: number for number, token in enumerate(vocabulary)}
    special = {"bos_token_id": len(ids) - 2, "eos_token_id": len(ids) - 1}
    text = {"vocab_size": len(ids), "max_position_embeddings": 24, "projection_dim": dims}
    vision = {"image_size": SIDE, "patch_size": 8, "projection_dim": dims}
    config = CLIPConfig(
        text_config=_LAYERS | text | special | {"pad_token_id": len(ids) - 1},
        vision_config=_LAYERS | vision,
        projection_dim=dims,
    )
    _save(CLIPModel, config, folder)
    processor = CLIPImageProcessor(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    )
    tokenizer = CLIPTokenizerFast(vocab=ids, merges=[], model_max_length=24)
    CLIPProcessor(image_processor=processor, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def build_tiny_siglip(folder: Path) -> Path:
    """Save a SigLIP: whole photos squashed to a square, words filled up to 16 tokens."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import (
        PreTrainedTokenizerFast,
        SiglipConfig,
        SiglipImageProcessor,
        SiglipModel,
        SiglipProcessor,
    )

    pieces = ["</s>", "<unk>", *(f"▁{word}" for word in WORDS), "▁", *map(chr, range(97, 123))]
    ids = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    backend = Tokenizer(
        models.Unigram([(piece, -1.0 - number) for piece, number in ids.items()], 1)
    )
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 0)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="</s>",
        pad_token="</s>",
        unk_token="<unk>",
        model_max_length=16,
        model_input_names=["input_ids"],
    )
    special = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
    text = {"vocab_size": len(ids), "max_position_embeddings": 16, "projection_size": 32}
    config = SiglipConfig(
        text_config=_LAYERS | text | special,
        vision_config=_LAYERS | {"image_size": SIDE, "patch_size": 8},
    )
    _save(SiglipModel, config, folder)
    processor = SiglipImageProcessor(size={"height": SIDE, "width": SIDE})
    SiglipProcessor(image_processor=processor, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def build_tiny_tower(folder: Path, *, dims: int = 24) -> Path:
    """Save an image tower as `shelfwise finetune` does."""
    import torch

    from indexer.encoders.image_probes import probe_photos
    from indexer.encoders.image_tower import write_tower_spec
    from indexer.towers.export import export_onnx
    from indexer.towers.preprocessing import preprocess
    from indexer.towers.tower import ImageTower, TowerConfig, save_tower

    with torch.random.fork_rng():
        torch.manual_seed(3)
        tower = ImageTower(TowerConfig(input_size=SIDE, dims=dims)).train()
        photos = torch.from_numpy(preprocess(probe_photos(), SIDE))
        for module in tower.modules():  # each finds its scale at once; else all photos are alike
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
        with torch.no_grad():
            tower(photos)
        tower.eval()
    save_tower(tower, folder)
    export_onnx(tower, folder / "model.onnx")
    config = json.loads((folder / "config.json").read_text()) | {"kind": "tower"}
    (folder / "config.json").write_text(json.dumps(config))
    write_tower_spec(folder, dims=dims, text_space="f00d")
    return folder


def build_tiny_torchvision(folder: Path) -> Path:
    """Save a backbone with a projection learned from colours and their names."""
    import torch

    from indexer.encoders.hashing import HashingEncoder
    from indexer.encoders.torchvision_model import make_torchvision_encoder

    names = list(COLOURS) * 20
    texts = HashingEncoder()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        make_torchvision_encoder(
            folder,
            photos=[coloured(COLOURS[name], seed) for seed, name in enumerate(names)],
            text_vectors=texts.encode(names),
            text_space=texts.spec.revision,
            backbone="resnet18",
            weights=None,
            input_size=SIDE,
        )
    return folder


def _save(model_class: Any, config: Any, folder: Path) -> None:
    """Save a model whose weights are wide enough that inputs are told apart."""
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = model_class(config).eval()
        for weights in model.parameters():
            if weights.ndim > 1:
                torch.nn.init.normal_(weights, std=0.3)
    model.save_pretrained(folder)
