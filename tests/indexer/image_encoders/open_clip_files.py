"""A tiny SigLIP in open_clip's files, as Marqo's models come, with parameters from a seed."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np

SIDE, PATCH, WIDTH, LAYERS, TOKENS, VOCABULARY = 16, 8, 24, 2, 12, 120
WORDS = "a red shirt shoe blue with".split()

MODEL_CONFIG: dict[str, Any] = {
    "embed_dim": WIDTH,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {
        "image_size": SIDE,
        "timm_model_name": f"vit_base_patch{PATCH}_siglip_{SIDE}",
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": "none",
    },
    "text_cfg": {
        "context_length": TOKENS,
        "vocab_size": VOCABULARY,
        "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
        "tokenizer_kwargs": {"clean": "canonicalize"},
        "width": WIDTH,
        "heads": 4,
        "layers": LAYERS,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
    },
}
PHOTO_CONFIG: dict[str, Any] = {
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
    "interpolation": "bicubic",
    "resize_mode": "squash",
}


def build_tiny_open_clip(folder: Path) -> Path:
    """Save the files of a download, whose config.json asks for code to be run."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    save_file(parameters(), folder / "open_clip_model.safetensors")
    described = {"model_cfg": MODEL_CONFIG, "preprocess_cfg": PHOTO_CONFIG}
    (folder / "open_clip_config.json").write_text(json.dumps(described))
    remote = {"auto_map": {"AutoModel": "marqo_fashionSigLIP.MarqoFashionSigLIP"}}
    (folder / "config.json").write_text(json.dumps(remote | {"model_type": "siglip"}))
    _tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def parameters() -> dict[str, np.ndarray]:
    """Return every parameter of the tiny model under open_clip's name."""
    numbers = np.random.default_rng(11)
    return {
        name: numbers.normal(0.0, 0.3, shape).astype(np.float32)
        for name, shape in _shapes().items()
    }


def _shapes() -> dict[str, tuple[int, ...]]:
    hidden, patches = 4 * WIDTH, (SIDE // PATCH) ** 2
    shapes: dict[str, tuple[int, ...]] = {
        "logit_scale": (),
        "logit_bias": (),
        "visual.trunk.pos_embed": (1, patches, WIDTH),
        "visual.trunk.attn_pool.latent": (1, 1, WIDTH),
        "text.positional_embedding": (TOKENS, WIDTH),
        "text.token_embedding.weight": (VOCABULARY, WIDTH),
        "visual.trunk.patch_embed.proj.weight": (WIDTH, 3, PATCH, PATCH),
        "visual.trunk.patch_embed.proj.bias": (WIDTH,),
    }
    linear = {"text.text_projection": (WIDTH, WIDTH)}
    norms = ["visual.trunk.norm", "visual.trunk.attn_pool.norm", "text.ln_final"]
    pool = {"q": (WIDTH, WIDTH), "kv": (2 * WIDTH, WIDTH), "proj": (WIDTH, WIDTH)}
    pool |= {"mlp.fc1": (hidden, WIDTH), "mlp.fc2": (WIDTH, hidden)}
    linear |= {f"visual.trunk.attn_pool.{name}": shape for name, shape in pool.items()}
    for layer in range(LAYERS):
        photos, text = f"visual.trunk.blocks.{layer}.", f"text.transformer.resblocks.{layer}."
        norms += [f"{photos}norm1", f"{photos}norm2", f"{text}ln_1", f"{text}ln_2"]
        linear |= {f"{photos}attn.qkv": (3 * WIDTH, WIDTH), f"{photos}attn.proj": (WIDTH, WIDTH)}
        linear |= {f"{photos}mlp.fc1": (hidden, WIDTH), f"{photos}mlp.fc2": (WIDTH, hidden)}
        linear |= {f"{text}mlp.c_fc": (hidden, WIDTH), f"{text}mlp.c_proj": (WIDTH, hidden)}
        linear |= {f"{text}attn.out_proj": (WIDTH, WIDTH)}
        shapes |= {f"{text}attn.in_proj_weight": (3 * WIDTH, WIDTH)}
        shapes |= {f"{text}attn.in_proj_bias": (3 * WIDTH,)}
    for name, shape in linear.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in norms:
        shapes |= {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}
    return shapes


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    pieces = ["<pad>", "</s>", "<unk>", "▁", *(f"▁{word}" for word in WORDS)]
    pieces += [*string.ascii_letters, *string.digits, *string.punctuation]
    scores = [(piece, -1.0 - 0.05 * number) for number, piece in enumerate(pieces)]
    tokenizer = Tokenizer(models.Unigram(scores, 2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer
