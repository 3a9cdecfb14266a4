"""One picture against the garment's photo: the value of every measure of what is inside the region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import UNKNOWN_LIGHT, FidelityMeasure, PaletteColour, Passport, Pattern
from fashquick_common.image.spaces import Floats
from fashquick_features.fidelity import cloth, expected, palettes, prints, registration, surroundings
from fashquick_features.fidelity.analysers import Analysers
from fashquick_features.fidelity.expected import Expected
from fashquick_features.fidelity.reading import CannotTell
from fashquick_features.fidelity.sights import Image, Places, Sight
from fashquick_features.prints.reading import MAX_ENLARGED, READ_PX, Reader

MIN_PRINT = 0.3  # confidence from which on a print counts as one
COVERED = 0.7  # of the garment that an estimated map must name to compare pattern and texture by it
TEXT_PART = 0.5  # of the text measure that reading makes up where the garment's own picture can be read

Window = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PrintAt:
    """A print in the photo's sight.

    Attributes:
        window: Left, top, right, bottom in its pixels.
        share: Part of the garment's area.
        lines: What it says.
    """

    window: Window
    share: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of the garment.

    Attributes:
        photo: Its photo's sight.
        passport: Its passport.
        prints: Its prints that show at this size.
        palette: Its colours at this size.
        pattern: Pattern of the photo at this size.
        texture: Texture descriptor of the photo at this size.
        ground: L*a*b* of the photo's ground; the words why not, where it is not known.
        edge: What `surroundings.edge_pull` says of the garment's own edge; likewise.
        mapped: Whether its pictures come with a UV map.
    """

    photo: Sight
    passport: Passport
    prints: tuple[PrintAt, ...]
    palette: tuple[PaletteColour, ...]
    pattern: Pattern
    texture: npt.NDArray[np.float32]
    ground: Floats | str
    edge: float | str
    mapped: bool


class Evaluation:
    """A picture against a subject; what several measures need is computed once."""

    def __init__(
        self,
        subject: Subject,
        picture: Sight,
        analysers: Analysers,
        reader: Reader | None,
        cancel: CancelFlag,
        *,
        in_place: bool = False,
        search_prints: bool = True,
    ) -> None:
        """Make a comparison; nothing is computed yet.

        Args:
            subject: The garment.
            picture: The picture; its `places` are estimated where it has none.
            analysers: Tell palette, pattern and texture.
            reader: Reads text; None where nobody reads or the garment's text is too small to be read.
            cancel: Checked between the steps.
            in_place: Whether the garment lies in the picture as in the photo, pixel for pixel.
            search_prints: Whether prints have to be found where the subject is not mapped; else `places` say it.
        """
        self._in_place = in_place
        self._search = search_prints and not subject.mapped
        self.subject, self.picture = subject, picture
        self._analysers, self._reader, self._cancel = analysers, reader, cancel
        self._found: dict[Window, Places | None] = {}

    def value(self, measure: FidelityMeasure) -> float:
        """Value of a measure, finite, in its unit.

        Raises:
            CannotTell: It does not apply, or the picture does not tell.
        """
        self._cancel.check()
        return {
            FidelityMeasure.PALETTE: lambda: self._palette(corrected=True),
            FidelityMeasure.PALETTE_MEASURED: lambda: self._palette(corrected=False),
            FidelityMeasure.PATTERN: self._pattern,
            FidelityMeasure.TEXTURE: self._texture,
            FidelityMeasure.TEXT: self._text,
            FidelityMeasure.ORIGINAL_PIXELS: self._original_pixels,
            FidelityMeasure.HALO: self._halo,
        }[measure]()

    def text_read(self, reader: Reader) -> float:
        """How much of the garment's text is read in the picture, 0 to 1; 0 where the garment has none."""
        wanted: list[str] = []
        found: list[str] = []
        for one in self.subject.prints:
            if one.lines:
                wanted += one.lines
                crop = self._print_crop(one)
                found += [line.text for line in reader.read(crop, self._cancel)] if crop is not None else []
        return prints.text_kept(wanted, found)

    @cached_property
    def _colours(self) -> tuple[PaletteColour, ...]:
        return self._analysers.palette(self.picture.rgb, self.picture.alpha, UNKNOWN_LIGHT, self._cancel)

    def _palette(self, *, corrected: bool) -> float:
        """The smaller distance from the passport's palette and from the photo's at the picture's own size.

        Colours are areas of cloth: fine stripes that the photo shows apart mix in a smaller picture.
        """
        known = [palette for palette in (self.subject.passport.palette, self.subject.palette) if palette]
        return min(palettes.palette_distance(one, self._colours, corrected=corrected) for one in known)

    @cached_property
    def _features(self) -> registration.Features:
        found = registration.features(self.picture.rgb, self.picture.alpha)
        self._cancel.check()
        return found

    @cached_property
    def _expected(self) -> Expected:
        picture = self.picture
        if picture.places is None:
            places = registration.garment_places(self.subject.photo, picture, self._features, self._cancel)
            if places is None:
                raise CannotTell(
                    "there is no UV map, and too few details of the photo were recognised in the picture to make one"
                )
            picture = Sight(picture.rgb, picture.alpha, places)
        self._cancel.check()
        return expected.expect(self.subject.photo, picture)

    @cached_property
    def _compared(self) -> tuple[Sight | None, Sight]:
        """What pattern and texture are compared on: by a map in the same places, else the photo (None) and all.

        An estimated map serves as well where it covers most of the garment: both sides are then bent alike.
        """
        if self._in_place:
            return None, self.picture
        try:
            want = self._expected
        except CannotTell:
            if self.subject.mapped:
                raise
            return None, self.picture
        covered = np.count_nonzero(want.known) / max(1, int(np.count_nonzero(self.picture.inside)))
        if not self.subject.mapped and covered < COVERED:
            return None, self.picture
        return want.sight, Sight(self.picture.rgb, want.sight.alpha)

    def _pattern(self) -> float:
        want, have = self._compared
        wanted = self.subject.pattern
        if want is not None:
            wanted = self._analysers.pattern(want.rgb, want.alpha, self._cancel)
        return cloth.pattern_kept(wanted, self._analysers.pattern(have.rgb, have.alpha, self._cancel))

    def _texture(self) -> float:
        want, have = self._compared
        wanted = self.subject.texture
        if want is not None:
            wanted = self._analysers.texture(want.rgb, want.alpha, self._cancel)
        return cloth.texture_distance(wanted, self._analysers.texture(have.rgb, have.alpha, self._cancel))

    def _original_pixels(self) -> float:
        return expected.carried_share(self._expected, self.picture)

    def _halo(self) -> float:
        ground, edge = self.subject.ground, self.subject.edge
        if isinstance(ground, str):
            raise CannotTell(ground)
        if isinstance(edge, str):
            raise CannotTell(edge)
        return max(0.0, surroundings.edge_pull(self.picture, ground) - edge)

    def _text(self) -> float:
        """Structure kept of the prints, the larger ones weighing more, and where there is a reader what is read."""
        if not self.subject.prints:
            raise CannotTell("nothing is printed on the garment that shows at this size")
        kept = weights = 0.0
        for one in self.subject.prints:
            self._cancel.check()
            value = self._print_kept(one)
            if value is not None:
                weight = float(np.sqrt(max(one.share, 1e-4)))
                kept, weights = kept + weight * value, weights + weight
        if weights == 0:
            raise CannotTell("the picture shows too little of the prints, by the UV map")
        structure = kept / weights
        if self._reader is None:
            return structure
        return (1 - TEXT_PART) * structure + TEXT_PART * self.text_read(self._reader)

    def _print_kept(self, one: PrintAt) -> float | None:
        """Structure kept of one print, 0 where it is not found, None where the map shows too little of it."""
        if not self._search:
            shown = self._print_pixels(self.picture, one.window)
            if self._seen_part(one.window) < prints.MIN_SEEN:
                return None
            return prints.structure_kept(self._expected, self.picture, shown)
        places = self._searched(one)
        if places is None:
            return 0.0
        picture = Sight(self.picture.rgb, self.picture.alpha, places)
        try:
            want = expected.expect(self.subject.photo, picture)
        except CannotTell:
            return 0.0
        return prints.structure_kept(want, picture, self._print_pixels(picture, one.window))

    def _searched(self, one: PrintAt) -> Places | None:
        if one.window not in self._found:
            self._found[one.window] = registration.print_places(
                self.subject.photo, one.window, self.picture, self._features, self._cancel
            )
        return self._found[one.window]

    def _print_pixels(self, picture: Sight, window: Window) -> npt.NDArray[np.bool_]:
        assert picture.places is not None
        left, top, right, bottom = window
        x, y = picture.places[..., 0], picture.places[..., 1]
        # NaN compares as false.
        return np.asarray((x >= left) & (x < right) & (y >= top) & (y < bottom) & picture.inside)

    def _seen_part(self, window: Window) -> float:
        """Part of a print's box that the map shows, told on cells of 2 pixels."""
        assert self.picture.places is not None
        left, top, right, bottom = window
        at = self.picture.places[self._print_pixels(self.picture, window)]
        columns, rows = max(1, (right - left + 1) // 2), max(1, (bottom - top + 1) // 2)
        cell_x = np.clip((at[:, 0] - left) / 2, 0, columns - 1).astype(np.intp)
        cell_y = np.clip((at[:, 1] - top) / 2, 0, rows - 1).astype(np.intp)
        return len(np.unique(cell_y * columns + cell_x)) / (columns * rows)

    def _print_crop(self, one: PrintAt) -> Image | None:
        """The part of the picture that shows a print, enlarged for reading."""
        picture = self.picture
        if self._search:
            places = self._searched(one)
            if places is None:
                return None
            picture = Sight(picture.rgb, picture.alpha, places)
        rows, columns = np.nonzero(self._print_pixels(picture, one.window))
        if not len(rows):
            return None
        crop = picture.rgb[max(0, rows.min() - 3) : rows.max() + 4, max(0, columns.min() - 3) : columns.max() + 4]
        scale = min(MAX_ENLARGED, max(1.0, READ_PX / max(crop.shape[:2])))
        return np.asarray(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def prints_at(passport: Passport, photo: Sight, windows: Sequence[Window]) -> tuple[PrintAt, ...]:
    """The passport's prints that still show at the sight's size; `windows` are their boxes there."""
    found = []
    for one, window in zip(passport.prints, windows, strict=True):
        left, top, right, bottom = window
        large = min(right - left, bottom - top) >= registration.MIN_PRINT_PX
        if one.confidence >= MIN_PRINT and large and prints.has_structure(photo, window):
            found.append(PrintAt(window, one.share, tuple(line.text for line in one.lines if line.text.strip())))
    return tuple(found)
