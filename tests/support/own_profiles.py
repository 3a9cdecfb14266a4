"""A user's own profiles of a few bytes, with the kinds of files that the packaged ones have."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from fashquick_common.models import ProfileFile, profiles

PACKAGED = profiles()["sd15-4gb"]
UNSTATED = 3
"""Index of the file whose SHA-256 the own profiles do not have."""
_PROFILE = {
    "about": "A few bytes of each kind.",
    "architecture": "small",
    "optional": ["safety"],
    "scheduler": "ddim",
    "steps": 4,
    "guidance": 5,
    "control": 1,
    "controls_together": 1,
    "strengths": {"initial": 0.5, "garment": 0.25, "face": 0.5, "hand": 0.5},
    "working_pixels": 4096,
    "video_memory_bytes": 10**9,
}
_SOURCE = {"repository": "shop/mine", "revision": "main", "licence": "Ours", "licence_url": "https://shop.example/l"}


def content(file: ProfileFile) -> bytes:
    """Content of the own file that stands for a packaged one."""
    return file.name.encode() * 1000


def write_profiles(path: Path) -> dict[str, bytes]:
    """Write the profiles "mine" and "mine-too", of the same files.

    Returns:
        Content of each file by its path on the host: "shop/mine/resolve/main/...".
    """
    files = {
        f"file-{number}": {
            "role": file.role,
            "name": f"mine/{file.name}",
            "source": "mine",
            "path": f"{number}/{file.path}",  # Paths of several repositories meet in one here.
            "size_bytes": len(content(file)),
            "sha256": None if number == UNSTATED else hashlib.sha256(content(file)).hexdigest(),
        }
        for number, file in enumerate(PACKAGED.files)
    }
    own = [_PROFILE | {"name": name, "files": list(files)} for name in ("mine", "mine-too")]
    path.write_text(json.dumps({"sources": {"mine": _SOURCE}, "files": files, "profiles": own}))
    return {f"shop/mine/resolve/main/{number}/{file.path}": content(file) for number, file in enumerate(PACKAGED.files)}


def write_store(store: Path) -> None:
    """Write all that the own profiles need, listed."""
    lines = []
    for file in PACKAGED.needed:
        path = store / "mine" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(file))
        lines.append(f"{hashlib.sha256(content(file)).hexdigest()}  mine/{file.name}\n")
    (store / "SHA256SUMS").write_text("".join(lines))
