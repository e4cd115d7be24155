"""SigLIP models in open_clip's files, as transformers knows them; Marqo's shop models are such.

Their download tells transformers to run Python code that comes with it. That is not done here:
the parameters are the same as those of transformers' own SigLIP under other names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mappings.errors import EncoderUnavailable

if TYPE_CHECKING:
    import torch

CONFIG_FILE = "open_clip_config.json"
_WEIGHTS = ("open_clip_model.safetensors", "model.safetensors")
_TIMM_SIGLIP = re.compile(r"vit_(base|large|so400m)_patch(\d+)_siglip_(\d+)")
_VISION_HEADS = {"base": 12, "large": 16, "so400m": 16}
_EPSILON = 1e-6
_TANH = {"approximate": "tanh"}
_SPECIAL_TOKENS = {"eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"}
_RESAMPLES = {"bilinear": 2, "bicubic": 3}


@dataclass(frozen=True)
class OpenClipSiglip:
    """What open_clip_config.json says of a SigLIP. dims: length of its vectors."""

    dims: int
    image_size: int
    patch_size: int
    vision_heads: int
    text: Mapping[str, Any]
    photos: Mapping[str, Any]


def read_open_clip(folder: Path) -> OpenClipSiglip | None:
    """Return the configuration of a folder, None when it holds no SigLIP of open_clip."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        model = content["model_cfg"]
        vision = model["vision_cfg"]
        named = _TIMM_SIGLIP.fullmatch(str(vision.get("timm_model_name")))
        if named is None or vision.get("timm_pool") != "map":
            return None
        return OpenClipSiglip(
            dims=int(model["embed_dim"]),
            image_size=int(vision["image_size"]),
            patch_size=int(named[2]),
            vision_heads=_VISION_HEADS[named[1]],
            text=model["text_cfg"],
            photos=content.get("preprocess_cfg", {}),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderUnavailable(f"{str(path)!r} is not readable: {error!r}") from error


def write_transformers_folder(found: OpenClipSiglip, source: Path, target: Path) -> None:
    """Write the model of a folder of open_clip as one of transformers.

    Raises EncoderUnavailable when parameters or tokenizer are missing or of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import SiglipImageProcessor, SiglipModel, SiglipProcessor

    weights = next((source / name for name in _WEIGHTS if (source / name).is_file()), None)
    if weights is None:
        raise EncoderUnavailable(f"{str(source)!r} has none of {', '.join(_WEIGHTS)}")
    try:
        parameters = {
            name.removeprefix("model."): value.float()
            for name, value in load_file(weights).items()
        }
        model = SiglipModel(_siglip_config(found, parameters))
        model.load_state_dict(_renamed(parameters))
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise EncoderUnavailable(
            f"{str(weights)!r} is not what {CONFIG_FILE} says: {str(error)[:300]}"
        ) from error
    model.save_pretrained(target)
    size = {"height": found.image_size, "width": found.image_size}
    if found.photos.get("resize_mode", "squash") != "squash":
        raise EncoderUnavailable(
            f"{CONFIG_FILE}: resize_mode is {found.photos['resize_mode']!r}, should be 'squash'"
        )
    processor = SiglipImageProcessor(
        size=size,
        image_mean=found.photos.get("mean", [0.5] * 3),
        image_std=found.photos.get("std", [0.5] * 3),
        resample=_RESAMPLES[str(found.photos.get("interpolation", "bicubic"))],
    )
    tokenizer = _tokenizer(found, source)
    SiglipProcessor(image_processor=processor, tokenizer=tokenizer).save_pretrained(target)


def _siglip_config(found: OpenClipSiglip, parameters: Mapping[str, torch.Tensor]) -> Any:  # noqa: ANN401 - transformers has no types
    from transformers import SiglipConfig

    text = found.text
    tanh = text.get("act_kwargs") == _TANH
    of_both = {"layer_norm_eps": _EPSILON, "hidden_act": "gelu_pytorch_tanh" if tanh else "gelu"}
    patches = parameters["visual.trunk.patch_embed.proj.weight"]
    return SiglipConfig(
        text_config=of_both
        | {
            "vocab_size": int(text["vocab_size"]),
            "hidden_size": int(text["width"]),
            "intermediate_size": len(parameters["text.transformer.resblocks.0.mlp.c_fc.weight"]),
            "num_hidden_layers": int(text["layers"]),
            "num_attention_heads": int(text["heads"]),
            "max_position_embeddings": int(text["context_length"]),
            "projection_size": found.dims,
            "bos_token_id": None,
            "eos_token_id": 1,
            "pad_token_id": 1,
        },
        vision_config=of_both
        | {
            "hidden_size": len(patches),
            "intermediate_size": len(parameters["visual.trunk.blocks.0.mlp.fc1.weight"]),
            "num_hidden_layers": _layers(parameters, "visual.trunk.blocks."),
            "num_attention_heads": found.vision_heads,
            "image_size": found.image_size,
            "patch_size": found.patch_size,
        },
    )


def _layers(parameters: Mapping[str, Any], prefix: str) -> int:
    numbers = {name[len(prefix) :].split(".")[0] for name in parameters if name.startswith(prefix)}
    return len(numbers)


_NAMES = (
    (r"visual\.trunk\.patch_embed\.proj\.", "vision_model.embeddings.patch_embedding."),
    (r"visual\.trunk\.pos_embed", "vision_model.embeddings.position_embedding.weight"),
    (r"visual\.trunk\.norm\.", "vision_model.post_layernorm."),
    (r"visual\.trunk\.attn_pool\.latent", "vision_model.head.probe"),
    (r"visual\.trunk\.attn_pool\.proj\.", "vision_model.head.attention.out_proj."),
    (r"visual\.trunk\.attn_pool\.norm\.", "vision_model.head.layernorm."),
    (r"visual\.trunk\.attn_pool\.mlp\.", "vision_model.head.mlp."),
    (r"visual\.trunk\.blocks\.(\d+)\.norm", r"vision_model.encoder.layers.\1.layer_norm"),
    (r"visual\.trunk\.blocks\.(\d+)\.mlp\.", r"vision_model.encoder.layers.\1.mlp."),
    (
        r"visual\.trunk\.blocks\.(\d+)\.attn\.proj\.",
        r"vision_model.encoder.layers.\1.self_attn.out_proj.",
    ),
    (r"text\.token_embedding\.", "text_model.embeddings.token_embedding."),
    (r"text\.positional_embedding", "text_model.embeddings.position_embedding.weight"),
    (r"text\.ln_final\.", "text_model.final_layer_norm."),
    (r"text\.text_projection\.", "text_model.head."),
    (r"text\.transformer\.resblocks\.(\d+)\.ln_", r"text_model.encoder.layers.\1.layer_norm"),
    (
        r"text\.transformer\.resblocks\.(\d+)\.mlp\.c_fc\.",
        r"text_model.encoder.layers.\1.mlp.fc1.",
    ),
    (
        r"text\.transformer\.resblocks\.(\d+)\.mlp\.c_proj\.",
        r"text_model.encoder.layers.\1.mlp.fc2.",
    ),
    (
        r"text\.transformer\.resblocks\.(\d+)\.attn\.out_proj\.",
        r"text_model.encoder.layers.\1.self_attn.out_proj.",
    ),
)
"""open_clip's names, and those of transformers, where one parameter is one parameter."""

_QUERY_KEY_VALUE = (
    (r"visual\.trunk\.blocks\.(\d+)\.attn\.qkv\.", "vision_model.encoder.layers.{}.self_attn."),
    (
        r"text\.transformer\.resblocks\.(\d+)\.attn\.in_proj_",
        "text_model.encoder.layers.{}.self_attn.",
    ),
)
"""Three projections that open_clip keeps in one parameter."""

_POOL = "visual.trunk.attn_pool."


def _renamed(parameters: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the parameters under transformers' names; KeyError for one that is not known."""
    import torch

    renamed: dict[str, torch.Tensor] = {}
    for name, value in parameters.items():
        if name.startswith((f"{_POOL}q.", f"{_POOL}kv.")):
            continue
        if name in ("logit_scale", "logit_bias"):
            renamed[name] = value.reshape(1)
        elif not _split(name, value, renamed):
            renamed[_rename(name)] = value
    for part in ("weight", "bias"):
        query, key_value = parameters[f"{_POOL}q.{part}"], parameters[f"{_POOL}kv.{part}"]
        renamed[f"vision_model.head.attention.in_proj_{part}"] = torch.cat([query, key_value])
    position = "vision_model.embeddings.position_embedding.weight"
    renamed[position] = renamed[position].squeeze(0)  # [1, patches, width] -> [patches, width]
    return renamed


def _split(name: str, value: torch.Tensor, renamed: dict[str, torch.Tensor]) -> bool:
    """Take query, key and value apart; False when the parameter is not of all three."""
    for pattern, target in _QUERY_KEY_VALUE:
        found = re.match(pattern, name)
        if found is not None:
            parts = zip(("q_proj", "k_proj", "v_proj"), value.chunk(3), strict=True)
            for projection, part in parts:
                renamed[f"{target.format(found[1])}{projection}.{name[found.end() :]}"] = part
            return True
    return False


def _rename(name: str) -> str:
    for pattern, target in _NAMES:
        renamed, count = re.subn(f"^{pattern}", target, name)
        if count:
            return renamed
    raise KeyError(name)


def _tokenizer(found: OpenClipSiglip, source: Path) -> Any:  # noqa: ANN401 - transformers has no types
    """Return the folder's tokenizer behind open_clip's cleaning, which is code in open_clip.

    Lower case, no punctuation, single spaces: what SigLIP was trained on.
    """
    from tokenizers import Regex, Tokenizer, normalizers
    from transformers import PreTrainedTokenizerFast

    path = source / "tokenizer.json"
    if not path.is_file():
        raise EncoderUnavailable(f"{str(source)!r} has no tokenizer.json")
    tokenizer = Tokenizer.from_file(str(path))
    if (found.text.get("tokenizer_kwargs") or {}).get("clean") == "canonicalize":
        steps: list[Any] = [
            normalizers.Replace("_", " "),
            normalizers.Replace(Regex(r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^`{|}~]"""), ""),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
        own = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
        tokenizer.normalizer = normalizers.Sequence([*steps, *own])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **_SPECIAL_TOKENS,
        model_max_length=int(found.text["context_length"]),
        model_input_names=["input_ids"],
    )
