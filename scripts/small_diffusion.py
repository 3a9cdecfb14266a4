#!/usr/bin/env python3
"""A small set of random weights of Stable Diffusion's true classes, for tests and for trying the diffusion backend.

Its pictures are noise where diffusion may change them; everything else (loading, progress, previews, cancel, batches,
repair, the garment's own pixels) is as with real weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTokenizer

from fashquick_common.models import SUMS_FILE
from fashquick_common.models.profiles import Role
from fashquick_generation.diffusion.weights.architecture import NETWORK_ROLES, random_network
from fashquick_generation.diffusion.weights.schedulers import make_scheduler

ARCHITECTURE = "small"
_WEIGHTS = "diffusion_pytorch_model.safetensors"
_NETWORK_FILES = {
    Role.UNET: f"small/unet/{_WEIGHTS}",
    Role.INPAINT_UNET: f"small-inpainting/unet/{_WEIGHTS}",
    Role.VAE: f"small/vae/{_WEIGHTS}",
    Role.TEXT_ENCODER: "small/text_encoder/model.safetensors",
    Role.CONTROL_POSE: f"small-openpose/{_WEIGHTS}",
    Role.CONTROL_DEPTH: f"small-depth/{_WEIGHTS}",
    Role.PREVIEW: f"small-taesd/{_WEIGHTS}",
    Role.SAFETY: "small/safety_checker/model.safetensors",
}
_LORA_FILE = "small-lcm/pytorch_lora_weights.safetensors"
_VOCABULARY_FILE, _MERGES_FILE = "small/tokenizer/vocab.json", "small/tokenizer/merges.txt"
_SCHEDULER_FILE = "small/scheduler/scheduler_config.json"
PROFILES_FILE = "profiles.json"
"""Name of the file in the store, for FASHQUICK_DIFFUSION_PROFILES."""
SMALL_PROFILE: Mapping[str, Any] = {
    "about": "Random weights: noise, for tests.",
    "architecture": ARCHITECTURE,
    "scheduler": "ddim",
    "steps": 4,
    "guidance": 5.0,
    "control": 1.0,
    "controls_together": 1,
    "strengths": {"initial": 0.5, "garment": 0.25, "face": 0.5, "hand": 0.5},
    "working_pixels": 128 * 192,
    "video_memory_bytes": 4_000_000_000,
}
"""What a profile of these networks says beside its name and files."""
_RANK = 2
_VOCABULARY = 1024
_WORDS = (
    "a photo of woman man wearing the shirt dress trousers skirt jacket coat sweater red blue green white black grey "
    "cotton denim knit studio light fashion model standing plain striped checked sleeve short long neck crew collar"
)


def write_small_set(folder: Path) -> None:
    """Write the set as a model store, with its list of SHA-256 and its profiles.

    Args:
        folder: Made if it is not there.
    """
    networks = {
        role: random_network(ARCHITECTURE, role, seed=list(Role).index(role)).state_dict() for role in NETWORK_ROLES
    }
    for role, name in _NETWORK_FILES.items():
        _write_tensors(folder / name, networks[role])
    _write_tensors(folder / _LORA_FILE, small_lora(networks[Role.UNET]))
    tokens, merges = small_vocabulary()
    _write_text(folder / _VOCABULARY_FILE, json.dumps(tokens, ensure_ascii=False))
    _write_text(folder / _MERGES_FILE, "\n".join(["#version: 0.2", *(f"{a} {b}" for a, b in merges), ""]))
    _write_text(folder / _SCHEDULER_FILE, make_scheduler("ddim").to_json_string())
    files = [
        *((role, name) for role, name in _NETWORK_FILES.items()),
        (Role.LORA, _LORA_FILE),
        (Role.TOKENIZER, _VOCABULARY_FILE),
        (Role.TOKENIZER, _MERGES_FILE),
        (Role.SCHEDULER, _SCHEDULER_FILE),
    ]
    listed = {name: _listed(folder, role, name) for role, name in files}
    _write_text(folder / SUMS_FILE, "".join(f"{file['sha256']}  {name}\n" for name, file in listed.items()))
    keys = {name: name.replace("/", ".") for name in listed}
    profiles = {
        "files": {keys[name]: file for name, file in listed.items()},
        "profiles": [
            _profile("small", [keys[name] for name in listed if name != _LORA_FILE]),
            _profile("small-quality", [keys[name] for name in listed if name != _LORA_FILE])
            | {"scheduler": "unipc", "controls_together": 2},
            _profile("small-fast", list(keys.values())) | {"scheduler": "lcm", "guidance": 1.0},
        ],
    }
    _write_text(folder / PROFILES_FILE, json.dumps(profiles, indent=2) + "\n")


def _profile(name: str, files: list[str]) -> dict[str, Any]:
    return {"name": name, "files": files, "optional": ["inpaint-unet", "preview", "safety"], **SMALL_PROFILE}


def small_lora(unet: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Changes of a UNet's attention and convolutions, named as those of the published LCM LoRA.

    Args:
        unet: Its tensors by name.
    """
    generator = torch.Generator().manual_seed(1)
    changes: dict[str, Tensor] = {}
    for name, weight in unet.items():
        layer = name.removesuffix(".weight")
        if not layer.endswith((".to_q", ".to_v", ".conv1")):
            continue
        down = (_RANK, *weight.shape[1:])
        up = (weight.shape[0], _RANK, *(1 for _ in weight.shape[2:]))
        start = f"lora_unet_{layer.replace('.', '_')}"
        changes[f"{start}.lora_down.weight"] = torch.randn(down, generator=generator) * 0.1
        changes[f"{start}.lora_up.weight"] = torch.randn(up, generator=generator) * 0.1
        changes[f"{start}.alpha"] = torch.tensor(1.0)
    return changes


def small_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer with a vocabulary of 1,024: all bytes, and the pairs in fashion's commonest words."""
    tokens, merges = small_vocabulary()
    return CLIPTokenizer(vocab=tokens, merges=merges, model_max_length=77)


def small_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Tokens with their numbers, and the pairs that are merged, in order."""
    letters = _byte_letters()
    ends = [f"{letter}</w>" for letter in letters]
    merges = list(
        dict.fromkeys(pair for word in _WORDS.split() for pair in [*pairwise([*word[:-1], f"{word[-1]}</w>"])])
    )
    merged = list(dict.fromkeys(a + b for a, b in merges))
    tokens = [*letters, *ends, *merged]
    filled = [f"<unused{index}>" for index in range(_VOCABULARY - 2 - len(tokens))]
    tokens = [*tokens, *filled, "<|startoftext|>", "<|endoftext|>"]
    return {token: index for index, token in enumerate(tokens)}, merges


def _byte_letters() -> list[str]:
    """The letters that byte-level BPE writes bytes as, as in GPT-2 (Radford et al., 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), path, metadata={"format": "pt"})
    path.chmod(0o644)  # It is written for its owner alone, and servers run under a number of their own.


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _listed(folder: Path, role: Role, name: str) -> dict[str, Any]:
    content = (folder / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"role": role, "name": name, "source": None, "path": name, "size_bytes": len(content), "sha256": digest}


def main() -> None:
    """Write it to the folder of the command line."""
    parser = argparse.ArgumentParser(description="Write a small set of random diffusion weights.")
    parser.add_argument("folder", type=Path, help="model store to write, for FASHQUICK_MODELS")
    folder = parser.parse_args().folder
    write_small_set(folder)
    print("Try it:")
    print(f"  export FASHQUICK_MODELS={shlex.quote(str(folder.absolute()))}")
    print(f"  export FASHQUICK_DIFFUSION_PROFILES={shlex.quote(str(folder.absolute() / PROFILES_FILE))}")
    print("  fashquick models selftest small")


if __name__ == "__main__":
    main()
