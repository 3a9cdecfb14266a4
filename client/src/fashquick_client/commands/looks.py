"""What a try-on's options say in words: garments, views, pictures' names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import typer

from fashquick_client.events import OutputKind
from fashquick_client.options import FitName, FramingName, Garment, View
from fashquick_common.garment import Category

VIEWS = {"front": 0.0, "three-quarter": 45.0, "side": 90.0, "back": 180.0}
"""Camera's turn by name; all show more of the wearer's left side."""
MOST_VIEWS = 8
OUTPUTS = tuple(sorted(set(OutputKind) - {OutputKind.PICTURE, OutputKind.PREVIEW, OutputKind.TURNTABLE}))
SIZES = ("XS", "S", "M", "L", "XL", "XXL", "3XL")
_BACKDROPS = ("white", "grey", "transparent")
_COLOURS = re.compile("#[0-9a-f]{6}(:#[0-9a-f]{6})?", re.IGNORECASE)
_FITS: tuple[FitName, ...] = ("slim", "regular", "oversize")


def parse_garment(text: str, category: Category | None, fit: FitName | None) -> Garment:
    """Return a garment from PHOTO[:CATEGORY][:FIT].

    Args:
        text: What was typed. A file with colons in its name is found as it is.
        category: Kind of garment if it is said apart.
        fit: Fit if it is said apart.

    Raises:
        typer.BadParameter: A word behind the photo is neither a category nor a fit.
    """
    words: list[str] = []
    photo = text
    while not Path(photo).exists() and ":" in photo:
        photo, _, word = photo.rpartition(":")
        words.append(word)
    for word in words:
        if word in _FITS:
            fit = word
        elif word in list(Category):
            category = Category(word)
        else:
            raise typer.BadParameter(
                f"{word!r} in {text!r} is neither a kind of garment ({', '.join(Category)}) nor a fit "
                f"({', '.join(_FITS)})",
                param_hint="GARMENT",
            )
    return Garment(Path(photo), category, fit or "auto")


def parse_garments(texts: Sequence[str], category: Category | None, fit: FitName | None) -> list[Garment]:
    """Return garments, innermost first; raises what `parse_garment` does.

    Raises:
        typer.BadParameter: One category or fit is said of several garments.
    """
    if len(texts) > 1 and (category or fit):
        option = "--category" if category else "--fit"
        raise typer.BadParameter(
            f"with several garments say it behind each photo, such as coat.jpg:{category or fit}", param_hint=option
        )
    return [parse_garment(text, category, fit) for text in texts]


def parse_views(poses: Sequence[str], views: Sequence[str], framing: FramingName) -> list[View]:
    """Return every pose from every side.

    Raises:
        typer.BadParameter: A side is none, or there are more pictures than one call makes.
    """
    turns = [_turn(view) for view in views or ("front",)]
    found = [View(pose, turn, framing) for pose, turn in product(poses or ("",), turns)]
    if len(found) > MOST_VIEWS:
        raise typer.BadParameter(
            f"{len(poses)} poses from {len(views)} sides are {len(found)} pictures, at most {MOST_VIEWS} are made",
            param_hint="--view",
        )
    return found


def _turn(view: str) -> float:
    if view not in VIEWS:
        raise typer.BadParameter(f"{view!r} is not one of {', '.join(VIEWS)}", param_hint="--view")
    return VIEWS[view]


def parse_size(size: str) -> str:
    """Return a clothes size.

    Raises:
        typer.BadParameter: It is none.
    """
    if size and size.upper() not in SIZES:
        raise typer.BadParameter(
            f"{size!r} is not one of {', '.join(SIZES)}; for the picture's size use --resolution", param_hint="--size"
        )
    return size.upper()


def picture_paths(output: Path, poses: Sequence[str], views: Sequence[str]) -> list[Path]:
    """Return the file of each picture, in the order of `parse_views`.

    One picture has the name asked for; of several each says what it shows: look.png becomes look.front.png and
    look.back.png, with several poses look.walk.front.png.
    """
    names = list(product(poses or ("",), views or ("",)))
    if len(names) == 1:
        return [output]
    paths: list[Path] = []
    for pose, view in names:
        words = [pose if len(set(poses)) > 1 else "", view]
        path = beside(output, ".".join(word for word in words if word))
        again = 2
        while path in paths:
            path = beside(output, ".".join(word for word in (*words, str(again)) if word))
            again += 1
        paths.append(path)
    return paths


def beside(path: Path, words: str, suffix: str = "") -> Path:
    """Return the path of a file that belongs to another: look.png and "depth" give look.depth.png."""
    return path.with_name(f"{path.stem}.{words}{suffix or path.suffix}")


def parse_backdrop(backdrop: str) -> str:
    """Return a backdrop.

    Raises:
        typer.BadParameter: It is none.
    """
    if backdrop and backdrop not in _BACKDROPS and not _COLOURS.fullmatch(backdrop):
        raise typer.BadParameter(
            f"{backdrop!r} is not white, grey, transparent, a colour such as #d8cfc4, or two for a gradient, such as "
            "#ffffff:#d8cfc4",
            param_hint="--backdrop",
        )
    return backdrop


def parse_outputs(names: Sequence[str], turntable: Path | None) -> list[OutputKind]:
    """Return what is wanted beside the pictures.

    Raises:
        typer.BadParameter: A name is none, or the turntable's file is not one of WebP.
    """
    for name in names:
        if name not in OUTPUTS:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(OUTPUTS)}", param_hint="--outputs")
    if turntable is not None and turntable.suffix.lower() != ".webp":
        raise typer.BadParameter(f"{turntable} must end in .webp", param_hint="--turntable")
    return [*map(OutputKind, names), *([OutputKind.TURNTABLE] if turntable else [])]
