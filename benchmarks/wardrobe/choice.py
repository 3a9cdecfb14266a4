"""Which real photos the studio is judged on, and which it is developed on."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fashquick_common.garment import Category

LABELS = Path(__file__).parents[1] / "data" / "garment_labels.csv"
A_CATEGORY = 20


class Share(StrEnum):
    """What a photo is for; nobody looks at the judged ones while developing."""

    JUDGED = "judged"
    DEVELOPMENT = "development"


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo.

    Attributes:
        path: The file.
        category: What it shows, as labelled by eye.
    """

    path: Path
    category: Category

    @property
    def name(self) -> str:
        """The file's name, of which the first eight characters tell it apart."""
        return self.path.stem


def chosen(folder: Path, category: Category, share: Share) -> list[Photo]:
    """The photos of a category, in the order of the SHA-256 of their names.

    Args:
        folder: Holds garments/KIND/ID.jpg and more/KIND/ID.jpg.
        category: As labelled.
        share: The first `A_CATEGORY` are judged, as many after them are for development, as far as there are any.
    """
    with LABELS.open(encoding="utf-8", newline="") as file:
        paths = [folder / f"{row['photo']}.jpg" for row in csv.DictReader(file) if row["kind"] == category.value]
    paths.sort(key=lambda path: hashlib.sha256(path.stem.encode()).hexdigest())
    first = 0 if share is Share.JUDGED else A_CATEGORY
    return [Photo(path, category) for path in paths[first : first + A_CATEGORY] if path.is_file()]
