"""Weights: the folder that they are in, whether a file is the listed one, and what those in memory can be told."""

from fashquick_common.models.manager import ModelManager, ModelState, NoModels
from fashquick_common.models.profiles import Profile, ProfileFile, Role, Source, gaps, profiles, weights_digest
from fashquick_common.models.shelf import Shelf
from fashquick_common.models.store import ModelStore, StoredFile
from fashquick_common.models.sums import MAX_SUMS_BYTES, SUMS_FILE

__all__ = [
    "MAX_SUMS_BYTES",
    "SUMS_FILE",
    "ModelManager",
    "ModelState",
    "ModelStore",
    "NoModels",
    "Profile",
    "ProfileFile",
    "Role",
    "Shelf",
    "Source",
    "StoredFile",
    "gaps",
    "profiles",
    "weights_digest",
]
