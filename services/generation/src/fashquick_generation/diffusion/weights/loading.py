"""A profile's networks from the model store, those shared that another profile has in memory already."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import nn
from transformers import CLIPTokenizer

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import ModelNotInstalled
from fashquick_common.models import ModelStore, StoredFile
from fashquick_common.models.profiles import IN_A_WHOLE, Profile, ProfileFile, Role, gaps, weights_digest
from fashquick_generation.diffusion.weights.architecture import NETWORK_ROLES
from fashquick_generation.diffusion.weights.networks import Condition, Networks
from fashquick_generation.diffusion.weights.placing import Turns, place
from fashquick_generation.diffusion.weights.plan import CONTROLNETS, UNETS, Footprint, Offload, Plan
from fashquick_generation.diffusion.weights.reading import layer_elements, load_network, weight_elements
from fashquick_generation.diffusion.weights.schedulers import make_scheduler
from fashquick_generation.diffusion.weights.tensors import WeightsFile
from fashquick_generation.diffusion.weights.tokenizer import read_tokenizer

_CONTROLS = MappingProxyType({Condition.POSE: Role.CONTROL_POSE, Condition.DEPTH: Role.CONTROL_DEPTH})


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile whose files are in the store.

    Attributes:
        profile: The profile.
        files: All that it loads, with what the store lists; of those that it works without, what is there.
    """

    profile: Profile
    files: tuple[tuple[ProfileFile, StoredFile], ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the files' digests, in hexadecimal."""
        return weights_digest((stored.name, stored.sha256) for _, stored in self.files)

    @property
    def roles(self) -> tuple[Role, ...]:
        """The networks that it has."""
        roles = {file.role for file, _ in self.files}
        if Role.WHOLE in roles:
            roles |= IN_A_WHOLE
        return tuple(role for role in NETWORK_ROLES if role in roles)

    @property
    def elements(self) -> dict[Role, int]:
        """Numbers that each of its networks is made of."""
        return {role: weight_elements(self.profile.architecture, role) for role in self.roles}

    def of(self, role: Role) -> tuple[StoredFile, ...]:
        """The files that a network or a tokenizer is in; the single file where it has none of its own."""
        own = tuple(stored for file, stored in self.files if file.role == role)
        return own or tuple(stored for file, stored in self.files if file.role == Role.WHOLE)


def installed(profile: Profile, stored: Mapping[str, StoredFile]) -> Installed:
    """Find a profile's files; reads none of them.

    Args:
        profile: The profile.
        stored: What the store lists, by name.

    Raises:
        ModelNotInstalled: One that it needs is not there, or another than the profile means.
    """
    missing = gaps(profile.needed, stored.values())
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelNotInstalled(
            f"profile {profile.name} is not installed: the model store lacks {missing[0].name}{others}, or has other "
            f"files of that name; run fashquick models pull {profile.name}"
        )
    absent = {file.name for file in gaps(profile.files, stored.values())}
    return Installed(profile, tuple((file, stored[file.name]) for file in profile.files if file.name not in absent))


def footprint(found: Installed, dtype: torch.dtype, *, on_gpu: bool) -> Footprint:
    """Return what decides how much memory a profile needs.

    Args:
        found: The profile.
        dtype: Type of the computation.
        on_gpu: Whether the device is a GPU.
    """
    profile = found.profile
    return Footprint(
        profile=profile.name,
        elements=found.elements,
        layer_elements=layer_elements(profile.architecture),
        controls_together=profile.controls_together,
        working_pixels=profile.working_pixels,
        element_bytes=dtype.itemsize,
        on_gpu=on_gpu,
    )


def part_key(found: Installed, role: Role, plan: Plan, dtype: torch.dtype) -> Hashable:
    """Return what must be equal for two profiles to share a network or a tokenizer."""
    files = tuple((stored.name, stored.sha256) for stored in found.of(role))
    if role == Role.TOKENIZER:
        return role, files
    loras = tuple((stored.name, stored.sha256) for stored in _loras(found, role))
    together = found.profile.controls_together if plan.offload is Offload.MODEL and role in CONTROLNETS else 0
    tiled = plan.tiled_vae and role == Role.VAE
    kind = found.profile.architecture, role, plan.offload, plan.weights, dtype, tiled, together
    return kind, files, loras


@dataclass(frozen=True, slots=True)
class Loaded:
    """A profile in memory.

    Attributes:
        networks: As they are used.
        parts: The same and its tokenizer, by `part_key`.
    """

    networks: Networks
    parts: Mapping[Hashable, Any]


class Loader:
    """Reads profiles of a store onto one device."""

    def __init__(self, store: ModelStore, device: torch.device, dtype: torch.dtype) -> None:
        """Make it; nothing is read yet.

        Args:
            store: Where the files are.
            device: Where the networks compute.
            dtype: Type that they compute in.
        """
        self._store = store
        self._turns = Turns(device)
        self._dtype = dtype

    def load(self, found: Installed, plan: Plan, known: Mapping[Hashable, Any], cancel: CancelFlag) -> Loaded:
        """Verify a profile's files and read its networks, but for those that are in memory.

        Args:
            found: The profile.
            plan: How they are held.
            known: What is in memory, by `part_key`.
            cancel: Checked between steps.

        Raises:
            ModelNotInstalled: A file is not the listed one, damaged, or of another network.
            NotFound: There is no such architecture or scheduler.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        for _, stored in found.files:
            self._store.verified(stored.name, cancel)
        parts: dict[Hashable, Any] = {}

        def part(role: Role, read: Callable[[], Any]) -> Any:
            key = part_key(found, role, plan, self._dtype)
            parts[key] = known[key] if key in known else read()
            return parts[key]

        networks = {role: part(role, partial(self._network, found, role, plan, cancel)) for role in found.roles}
        text_encoder = networks[Role.TEXT_ENCODER]
        tokens = text_encoder.config.vocab_size
        lent = Networks(
            profile=found.profile,
            plan=plan,
            digest=found.digest,
            unet=networks[Role.UNET],
            vae=networks[Role.VAE],
            text_encoder=text_encoder,
            tokenizer=part(Role.TOKENIZER, partial(self._tokenizer, found, tokens, cancel)),
            scheduler=make_scheduler(found.profile.scheduler),
            device=self._turns.device,
            dtype=self._dtype,
            controls={condition: networks[role] for condition, role in _CONTROLS.items() if role in networks},
            inpaint_unet=networks.get(Role.INPAINT_UNET),
            preview=networks.get(Role.PREVIEW),
            safety=networks.get(Role.SAFETY),
        )
        return Loaded(lent, parts)

    def _network(self, found: Installed, role: Role, plan: Plan, cancel: CancelFlag) -> nn.Module:
        network = load_network(
            found.profile.architecture,
            role,
            self._verified(found.of(role), cancel),
            self._dtype,
            loras=self._verified(_loras(found, role), cancel),
        )
        if isinstance(network, UNet2DConditionModel):
            network.enable_gradient_checkpointing()  # for colour guidance; without gradients it changes nothing
        together = found.profile.controls_together
        place(network, role, plan, self._turns, dtype=self._dtype, controls_together=together)
        return network

    def _tokenizer(self, found: Installed, size: int, cancel: CancelFlag) -> CLIPTokenizer:
        files = {PurePosixPath(file.name).suffix: file for file in self._verified(found.of(Role.TOKENIZER), cancel)}
        if files.keys() != {".json", ".txt"}:
            raise ModelNotInstalled(
                f"profile {found.profile.name} has {', '.join(files)} as its tokenizer; a vocab.json and a merges.txt "
                "are needed"
            )
        return read_tokenizer(files[".json"], files[".txt"], size)

    def _verified(self, files: tuple[StoredFile, ...], cancel: CancelFlag) -> tuple[WeightsFile, ...]:
        return tuple(WeightsFile(file.name, self._store.verified(file.name, cancel)) for file in files)


def _loras(found: Installed, role: Role) -> tuple[StoredFile, ...]:
    if role not in UNETS:
        return ()
    return tuple(stored for file, stored in found.files if file.role == Role.LORA)
