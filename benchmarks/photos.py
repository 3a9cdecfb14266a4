"""Real photos through the services: what was refused and why, and a contact sheet of the rest to look at.

Run: FASHQUICK_PHOTOS=FOLDER python -m benchmarks.photos OUT [--kinds t-shirt longsleeve] [--category t-shirt]. The
folder is laid out as garments/KIND/ID.jpg. Writes OUT/KIND.png (photo, mask, picture), OUT/pictures/ID.png and
OUT/table.csv.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from fashquick_client import Client, OutputKind
from fashquick_client.local import run_servers
from fashquick_client.services import Service
from fashquick_client.sheet import make_sheet
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category

TILE_PX = (360, 240)
COLUMNS = 4
AT_ONCE = 2  # The stages overlap: one photo is segmented while another one's cloth falls.


@dataclass(frozen=True)
class Outcome:
    """What became of one photo: `reason` is "accepted" or the refusal's."""

    photo: Path
    reason: str
    message: str
    sheet: bytes | None
    picture: bytes | None


async def wear(client: Client, photo: Path, category: Category | None) -> Outcome:
    """Try one photo on."""
    data = await asyncio.to_thread(photo.read_bytes)
    try:
        result = await client.try_on_result(
            data, seed=7, category=category, outputs=[OutputKind.PHOTO_MASK], timeout_s=300
        )
    except FashquickError as error:
        return Outcome(photo, error.reason, f"{error.metadata.get('stage', '')}: {error.message}", None, None)
    sheet = make_sheet(data, result.maps[OutputKind.PHOTO_MASK], result.picture)
    return Outcome(photo, "accepted", "", sheet, result.picture)


def tile(outcome: Outcome) -> Image.Image:
    """The outcome as a small picture with its id."""
    out = Image.new("RGB", TILE_PX, "white")
    source = io.BytesIO(outcome.sheet) if outcome.sheet else outcome.photo
    with Image.open(source) as picture:
        picture.thumbnail((TILE_PX[0], TILE_PX[1] - 14))
        out.paste(picture.convert("RGB"), (0, 14))
    words = outcome.photo.stem[:8] if outcome.sheet else f"{outcome.photo.stem[:8]} {outcome.reason}"
    ImageDraw.Draw(out).text((2, 1), words, fill=(0, 90, 0) if outcome.sheet else (180, 0, 0))
    return out


def contact_sheet(outcomes: list[Outcome]) -> Image.Image:
    """All outcomes in rows."""
    rows = -(-len(outcomes) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE_PX[0], rows * TILE_PX[1]), "white")
    for number, outcome in enumerate(outcomes):
        sheet.paste(tile(outcome), (number % COLUMNS * TILE_PX[0], number // COLUMNS * TILE_PX[1]))
    return sheet


async def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kinds", nargs="+", default=["t-shirt", "longsleeve"])
    parser.add_argument("--category", type=Category, help="do not guess the kind, take this")
    arguments = parser.parse_args()
    folder = os.environ.get("FASHQUICK_PHOTOS")
    if not folder:
        print("FASHQUICK_PHOTOS is not set: skipped")
        return 0
    (arguments.out / "pictures").mkdir(parents=True, exist_ok=True)
    slots = asyncio.Semaphore(AT_ONCE)
    rows = []
    async with run_servers(list(Service)) as servers, Client(servers.endpoints[Service.ORCHESTRATOR]) as client:

        async def bounded(photo: Path) -> Outcome:
            async with slots:
                return await wear(client, photo, arguments.category)

        for kind in arguments.kinds:
            photos = sorted((Path(folder) / "garments" / kind).glob("*.jpg"))
            outcomes = await asyncio.gather(*map(bounded, photos))
            contact_sheet(outcomes).save(arguments.out / f"{kind}.png")
            for outcome in outcomes:
                if outcome.picture:
                    (arguments.out / "pictures" / f"{outcome.photo.stem}.png").write_bytes(outcome.picture)
                rows.append([kind, outcome.photo.stem, outcome.reason, outcome.message])
            print(f"{kind:<12} {len(photos):>3} photos: {dict(Counter(outcome.reason for outcome in outcomes))}")
    with (arguments.out / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["kind", "photo", "outcome", "message"], *rows])
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
