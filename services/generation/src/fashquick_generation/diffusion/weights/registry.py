"""Profiles that are loaded: when they are first asked for, under a plan that fits, until others need the room."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, BytesExhausted, ModelNotInstalled, NotFound
from fashquick_common.models import ModelState, ModelStore, Shelf, StoredFile
from fashquick_common.models.profiles import Profile, Role
from fashquick_generation.diffusion.weights.architecture import ARCHITECTURES
from fashquick_generation.diffusion.weights.loading import Installed, Loaded, Loader, footprint, installed, part_key
from fashquick_generation.diffusion.weights.memory import free_bytes, total_bytes
from fashquick_generation.diffusion.weights.networks import Networks
from fashquick_generation.diffusion.weights.plan import RETRY_AFTER_S, Footprint, Plan, choose

BACKEND = "diffusion"
"""Name of the backend that uses them."""


class DiffusionRegistry:
    """The profiles of one device. Thread-safe; one that a call uses is never unloaded under it.

    Attributes:
        device: Where the networks compute.
        dtype: Type that they compute in.
        default: Name of the profile that is used when a call names none.
        budget_bytes: Most bytes of the device that profiles take, with what is computed.
    """

    def __init__(
        self,
        store: ModelStore,
        profiles: Mapping[str, Profile],
        *,
        default: str,
        device: torch.device,
        dtype: torch.dtype,
        budget_bytes: int | None = None,
        free: Callable[[], int] | None = None,
    ) -> None:
        """Make it; nothing is read yet.

        Args:
            store: Where the weights are.
            profiles: Those that may be asked for, by name.
            default: Name of the one that is used when a call names none; it is listed first.
            device: Where the networks compute.
            dtype: Type that they compute in: float16 on a GPU, float32 on a CPU, or bfloat16.
            budget_bytes: Most bytes of the device to take; None: all that it has.
            free: Says how many bytes are free on the device; None: as torch or the kernel says.

        Raises:
            BadField: A profile is of an architecture that is not known.
        """
        for name, profile in profiles.items():
            if profile.architecture not in ARCHITECTURES:
                raise BadField(
                    f"profile {name} has the architecture {profile.architecture!r}; known are "
                    f"{', '.join(ARCHITECTURES)}",
                    field="architecture",
                )
        self.device, self.dtype, self.default = device, dtype, default
        self.budget_bytes = total_bytes(device) if budget_bytes is None else budget_bytes
        self._store = store
        self._profiles = dict(profiles)
        self._free = free or (lambda: free_bytes(device))
        self._loader = Loader(store, device, dtype)
        self._shelf: Shelf[Loaded] = Shelf()

    @property
    def names(self) -> tuple[str, ...]:
        """The profiles that may be asked for, the default one first."""
        return tuple(sorted(self._profiles, key=lambda name: name != self.default))

    @contextmanager
    def use(self, name: str, cancel: CancelFlag | None = None) -> Iterator[Networks]:
        """Lend a profile's networks for one call; the first call loads them, others that want them meanwhile wait.

        Args:
            name: Of the profile.
            cancel: Checked while they are loaded; None: loading is not stopped.

        Raises:
            NotFound: There is none of that name.
            ModelNotInstalled: Its weights are missing, not the listed ones, or of another architecture.
            BytesExhausted: No plan fits in the memory that is free beside profiles in use.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        profile, flag = self.profile(name), cancel or CancelFlag()
        with self._shelf.lend(name, lambda: self._load(profile, flag), flag) as loaded:
            yield loaded.networks

    def profile(self, name: str) -> Profile:
        """Return a profile.

        Raises:
            NotFound: There is none of that name.
        """
        if name not in self._profiles:
            raise NotFound(f"there is no profile {name[:80]!r}; choose of {', '.join(self.names)}")
        return self._profiles[name]

    def digest(self, name: str) -> str:
        """Return the SHA-256 over the digests that the store lists for a profile's files; reads no weights.

        Raises:
            NotFound: There is none of that name.
            ModelNotInstalled: A file that it needs is not there.
        """
        return self._installed(self.profile(name)).digest

    def load(self, name: str, cancel: CancelFlag) -> ModelState:
        """Load a profile that no call has asked for yet; see `fashquick_common.models.ModelManager.load`."""
        with self.use(name, cancel):
            pass
        return self.state(name)

    def unload(self, name: str) -> ModelState:
        """Drop a profile that no call uses; see `fashquick_common.models.ModelManager.unload`.

        Networks that another loaded profile shares stay.
        """
        self.profile(name)
        self._shelf.drop(name)
        self._give_memory_back()
        return self.state(name)

    def verify(self, name: str, cancel: CancelFlag) -> ModelState:
        """Read a profile's files anew; see `fashquick_common.models.ModelManager.verify`."""
        for _, stored in self._installed(self.profile(name)).files:
            self._store.verified(stored.name, cancel, anew=True)
        return self.state(name)

    def state(self, name: str) -> ModelState:
        """Say where a profile stands; reads no weights. Without a store none is installed.

        Raises:
            NotFound: There is none of that name.
        """
        wanted = self.profile(name).name
        return next(state for state in self.states() if state.name == wanted)

    def states(self) -> tuple[ModelState, ...]:
        """Say where each profile stands, the default one first; reads no weights. See `state`."""
        try:
            files = {file.name: file for file in self._store.files()}
        except ModelNotInstalled:
            files = {}
        users = self._shelf.users()
        return tuple(self._state(self._profiles[name], files, users) for name in self.names)

    def _state(self, profile: Profile, files: Mapping[str, StoredFile], users: Mapping[str, int]) -> ModelState:
        found: Installed | None = None
        with suppress(ModelNotInstalled):
            found = installed(profile, files)
        return ModelState(
            name=profile.name,
            backend=BACKEND,
            file=found.of(Role.UNET)[0].name if found else None,
            sha256=found.digest if found else None,
            verified=found is not None and all(stored.verified for _, stored in found.files),
            loaded=profile.name in users,
            users=users.get(profile.name, 0),
            weight_bytes=(
                sum(found.elements.values()) * self.dtype.itemsize
                if found
                else sum(file.size_bytes or 0 for file in profile.files)
            ),
            is_default=profile.name == self.default,
        )

    def _installed(self, profile: Profile) -> Installed:
        return installed(profile, {file.name: file for file in self._store.files()})

    def _load(self, profile: Profile, cancel: CancelFlag) -> Loaded:
        found = self._installed(profile)
        plan = self._plan(found)
        try:
            return self._loader.load(found, plan, self._parts(), cancel)
        except torch.OutOfMemoryError as error:
            raise BytesExhausted(
                f"profile {profile.name} did not fit in the memory of {self.device}, which another process must have "
                "taken meanwhile; try again later",
                retry_after_s=RETRY_AFTER_S,
            ) from error

    def _plan(self, found: Installed) -> Plan:
        """Choose a profile's plan; idle profiles make room for it, that used longest ago first.

        Raises:
            BytesExhausted: None fits.
        """
        need = footprint(found, self.dtype, on_gpu=self.device.type == "cuda")
        idle = [name for name, users in self._shelf.users().items() if not users]
        # An idle profile must not make this one slow: the plan is as good as it would be without them.
        best = self._choice(found, need, frozenset(idle))
        for name in idle:
            with suppress(BytesExhausted):
                plan = self._choice(found, need, frozenset())
                if plan.name == best.name:
                    return plan
            self._shelf.drop_idle(name)
            self._give_memory_back()
        return self._choice(found, need, frozenset())

    def _choice(self, found: Installed, need: Footprint, gone: frozenset[str]) -> Plan:
        """Choose a profile's plan as if some others were not loaded.

        Raises:
            BytesExhausted: None fits.
        """
        everything, staying = self._parts(), self._parts(without=gone)
        here = {key: self._bytes_here(part) for key, part in everything.items()}
        taken = sum(here[key] for key in staying)
        free = min(self._free() + sum(here.values()) - taken, self.budget_bytes - taken)

        def shared(plan: Plan) -> int:
            keys = {part_key(found, role, plan, self.dtype) for role in found.roles}
            return sum(here[key] for key in keys & staying.keys())

        return choose(need, free, shared)

    def _parts(self, without: frozenset[str] = frozenset()) -> dict[Hashable, Any]:
        """Return all networks in memory but those that only some profiles use."""
        held = self._shelf.held()
        return {key: part for name in held.keys() - without for key, part in held[name].parts.items()}

    def _bytes_here(self, part: Any) -> int:
        """Bytes of a network's weights that are on the device now."""
        if not isinstance(part, nn.Module):
            return 0
        return sum(tensor.nbytes for tensor in part.parameters() if tensor.device.type == self.device.type)

    def _give_memory_back(self) -> None:
        gc.collect()  # Networks and the hooks on them refer to each other.
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
