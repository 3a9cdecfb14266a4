"""Profiles: which files of weights make a picture by diffusion, where they come from, and how they are used.

They are data (`profiles.json`, in the form of `profiles.schema.json`), because the client fetches what the generation
service loads, and neither knows the other. Users add their own in a further file, which is hostile until checked.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fashquick_common.models.fields import Fields, read_fields
from fashquick_common.models.store import StoredFile
from fashquick_common.models.sums import SUMS_FILE

MAX_PROFILES_BYTES = 1024 * 1024  # The packaged file has 8 KiB.
_PACKAGED = Path(__file__).with_name("profiles.json")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_SENTENCE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,300}")
_URL = re.compile(r"https://[!-~]{1,292}")
# No part begins with a point: none is hidden, and none leads upwards.
_PATH = re.compile(r"(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_SOURCES, _MAX_FILES, _MAX_PROFILES, _MAX_FILES_EACH = 200, 500, 100, 50
_STRENGTHS = ("initial", "garment", "face", "hand")


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


class SchedulerName(StrEnum):
    """How noise is taken away step by step."""

    UNIPC = "unipc"
    DDIM = "ddim"
    LCM = "lcm"


IN_A_WHOLE = frozenset({Role.UNET, Role.VAE, Role.TEXT_ENCODER})
"""What a single file of `Role.WHOLE` holds."""
_TEXTS: Final = {Role.TOKENIZER: (".json", ".txt"), Role.SCHEDULER: (".json",)}
_WEIGHTS: Final = (".safetensors",)  # Never pickles: they run code.
_SEVERAL: Final = {Role.TOKENIZER: 2}  # Its vocabulary and its merges.
_NEEDED: Final = (*sorted(IN_A_WHOLE), Role.TOKENIZER, Role.CONTROL_POSE, Role.CONTROL_DEPTH)


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
        source: Where it comes from; None for a file of the user's own, which is put into the store by hand.
        size_bytes: Its size; None where the list does not say.
        sha256: Its SHA-256 in small hexadecimal digits; None where the list does not say: then the store's own list
            holds what was fetched first.
    """

    role: Role
    name: str
    path: str
    source: Source | None
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

    @property
    def needed(self) -> tuple[ProfileFile, ...]:
        """The files that it does not work without."""
        return tuple(file for file in self.files if file.role not in self.optional)


def profiles(extra: Path | None = None) -> Mapping[str, Profile]:
    """Return all profiles by name, the default first.

    Args:
        extra: A further file of this form, such as one that FASHQUICK_DIFFUSION_PROFILES names: a user's own. It may
            refer to sources and files of the packaged one.

    Raises:
        BadField: That file cannot be read, or something in it is wrong; the message says what and where.
    """
    packaged = _packaged()
    return packaged.profiles if extra is None else _read(extra, packaged).profiles


def gaps(files: Iterable[ProfileFile], stored: Iterable[StoredFile]) -> tuple[ProfileFile, ...]:
    """Return those files that a model store lacks: not listed, not there, or other ones than the profile means.

    Args:
        files: Files of a profile.
        stored: What the store lists; no file is read.
    """
    known = {each.name: each for each in stored}
    return tuple(file for file in files if not _is(file, known.get(file.name)))


def _is(file: ProfileFile, stored: StoredFile | None) -> bool:
    return (
        stored is not None
        and stored.size_bytes is not None
        and file.size_bytes in (None, stored.size_bytes)
        and file.sha256 in (None, stored.sha256)
    )


def weights_digest(digests: Iterable[tuple[str, str]]) -> str:
    """Return one SHA-256 that stands for several files: other weights, or the same under other names, have another.

    Args:
        digests: Name and SHA-256 of each file, in any order, as the model store lists them.
    """
    lines = sorted(f"{sha256}  {name}\n" for name, sha256 in digests)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """What a file has, with what it builds on."""

    sources: Mapping[str, Source]
    files: Mapping[str, ProfileFile]
    profiles: Mapping[str, Profile]


@functools.cache
def _packaged() -> _Catalogue:
    return _read(_PACKAGED, _Catalogue({}, {}, {}))


def _read(path: Path, known: _Catalogue) -> _Catalogue:
    top = read_fields(path, MAX_PROFILES_BYTES)
    top.only("sources", "files", "profiles")
    sources, files, found = dict(known.sources), dict(known.files), dict(known.profiles)
    for key, fields in top.named("sources", _KEY, _MAX_SOURCES).items():
        if key in sources:
            top.wrong("sources", key, "a key of its own: the packaged profiles have it")
        sources[key] = _source(fields)
    for key, fields in top.named("files", _KEY, _MAX_FILES).items():
        if key in files:
            top.wrong("files", key, "a key of its own: the packaged profiles have it")
        files[key] = _file(fields, sources)
    if double := [name for name, count in Counter(file.name for file in files.values()).items() if count > 1]:
        top.wrong("files", double[0], "a name in the store that another file has")
    for fields in top.each("profiles", _MAX_PROFILES):
        profile = _profile(fields, files)
        if profile.name in found:
            fields.wrong("name", profile.name, "a name of its own: another profile has it")
        found[profile.name] = profile
    return _Catalogue(sources, files, MappingProxyType(found))


def _source(fields: Fields) -> Source:
    fields.only("repository", "revision", "licence", "licence_url")
    return Source(
        repository=fields.text("repository", _REPOSITORY, "owner/name"),
        revision=fields.text("revision", _REVISION, "a commit"),
        licence=fields.text("licence", _SENTENCE, "the licence's name in one line"),
        licence_url=fields.text("licence_url", _URL, "an https:// address"),
    )


def _file(fields: Fields, sources: Mapping[str, Source]) -> ProfileFile:
    fields.only("role", "name", "source", "path", "size_bytes", "sha256")
    role = fields.choice("role", Role)
    name = fields.text("name", _PATH, "a relative name that stays in the store")
    endings = _TEXTS.get(role, _WEIGHTS)
    if name == SUMS_FILE or not name.endswith(endings):
        fields.wrong("name", name, f"the name of a file for {role}, which ends in {' or '.join(endings)}")
    return ProfileFile(
        role=role,
        name=name,
        path=fields.text("path", _PATH, "a relative name in the repository"),
        source=None if fields.absent("source") else fields.one_of("source", sources, "source"),
        size_bytes=None if fields.absent("size_bytes") else fields.whole("size_bytes", 1, 10**12),
        sha256=None if fields.absent("sha256") else fields.text("sha256", _DIGEST, "64 small hexadecimal digits"),
    )


def _profile(fields: Fields, files: Mapping[str, ProfileFile]) -> Profile:
    fields.only(*Profile.__dataclass_fields__)
    strengths = fields.inner("strengths")
    strengths.only(*_STRENGTHS)
    profile = Profile(
        name=fields.text("name", _KEY, "a name of letters, digits, points, hyphens and underscores"),
        about=fields.text("about", _SENTENCE, "one line"),
        architecture=fields.text("architecture", _KEY, "the name of a build, such as sd15"),
        files=fields.several_of("files", files, "file", _MAX_FILES_EACH),
        optional=frozenset(fields.choices("optional", Role)),
        scheduler=fields.choice("scheduler", SchedulerName),
        steps=fields.whole("steps", 1, 100),
        guidance=fields.number("guidance", 1, 20),
        control=fields.number("control", 0, 2),
        controls_together=fields.whole("controls_together", 1, 2),
        strengths=MappingProxyType({name: strengths.number(name, 0, 1) for name in _STRENGTHS}),
        working_pixels=fields.whole("working_pixels", 64 * 64, 2048 * 2048),
        video_memory_bytes=fields.whole("video_memory_bytes", 10**8, 10**12),
    )
    _check_roles(profile, fields)
    return profile


def _check_roles(profile: Profile, fields: Fields) -> None:
    """Refuse a profile in which a file is missing or one too many."""
    counts = Counter(file.role for file in profile.files)
    if counts[Role.WHOLE]:
        counts.update(IN_A_WHOLE)
    for role in _NEEDED:
        if role in profile.optional:
            fields.wrong("optional", role, "a role that a profile works without")
        if not counts[role]:
            fields.wrong("files", f"without one for {role}", "all that a profile needs")
    for role, count in counts.items():
        wanted = _SEVERAL.get(role, 1)
        if count != wanted:
            fields.wrong("files", f"with {count} for {role}", f"one with {wanted}")
