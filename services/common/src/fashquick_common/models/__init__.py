"""The folder of weights: what is listed in it, and whether a file is the listed one."""

from fashquick_common.models.store import ModelStore, StoredFile
from fashquick_common.models.sums import MAX_SUMS_BYTES, SUMS_FILE

__all__ = ["MAX_SUMS_BYTES", "SUMS_FILE", "ModelStore", "StoredFile"]
