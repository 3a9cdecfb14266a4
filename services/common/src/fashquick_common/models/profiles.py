"""Profiles: which files of weights make a picture by diffusion, where they come from, and how they are used.

They are data (`profiles.json`, checked against `profiles.schema.json`), because the client fetches what the generation
service loads, and neither knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a file of a profile is for."""

    UNET = "unet"
    INPAINT_UNET = "inpaint-unet"
    VAE = "vae"
    TEXT_ENCODER = "text-encoder"
    TOKENIZER = "tokenizer"
    SCHEDULER = "scheduler"
    CONTROL_POSE = "control-pose"
    CONTROL_DEPTH = "control-depth"
    LORA = "lora"
    PREVIEW = "preview"
    SAFETY = "safety"
    WHOLE = "whole"
    """A single file, as they are published, with UNet, VAE and text encoder."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where files come from.

    Attributes:
        repository: Such as "lllyasviel/control_v11p_sd15_openpose".
        revision: Commit of the repository.
        licence: Its name, such as "CreativeML Open RAIL-M".
        licence_url: Where it can be read.
    """

    repository: str
    revision: str
    licence: str
    licence_url: str


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A file of a profile.

    Attributes:
        role: What it is for.
        name: Its name in the model store, relative: a folder for each network, named as its repository.
        path: Its name in the source's repository.
        source: Where it comes from.
        size_bytes: Its size; None where the list does not say.
        sha256: Its SHA-256 in small hexadecimal digits; None where the list does not say: then the store's own list
            holds what was fetched first.
    """

    role: Role
    name: str
    path: str
    source: Source
    size_bytes: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """A way to make pictures by diffusion with one set of weights.

    Attributes:
        name: Such as "sd15-4gb".
        about: One sentence for whoever chooses.
        architecture: Name of the networks' build, such as "sd15".
        files: All that it loads.
        optional: Roles that it works without.
        scheduler: Name of the scheduler: "unipc", "ddim" or "lcm".
        steps: Denoising steps of a whole run from noise.
        guidance: Scale of classifier-free guidance.
        control: Scale of the ControlNets.
        controls_together: How many ControlNets look at one step, 1 or 2; where 1, the pose's come first.
        strengths: How far each pass may leave what it starts from, 0 to 1: "initial", "garment", "face", "hand".
        working_pixels: Most pixels of the first pass; a larger picture is made smaller and enlarged again.
        video_memory_bytes: What it is meant to fit in.
    """

    name: str
    about: str
    architecture: str
    files: tuple[ProfileFile, ...]
    optional: frozenset[Role]
    scheduler: str
    steps: int
    guidance: float
    control: float
    controls_together: int
    strengths: Mapping[str, float]
    working_pixels: int
    video_memory_bytes: int

    def of(self, role: Role) -> tuple[ProfileFile, ...]:
        """The files of one role."""
        return tuple(file for file in self.files if file.role == role)
