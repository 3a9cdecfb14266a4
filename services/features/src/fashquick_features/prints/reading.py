"""What prints say: a reader of text, where the optional libraries are installed."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Box, Print, TextLine
from fashquick_features.shape.upright import Upright

if TYPE_CHECKING:
    from rapidocr import RapidOCR

MAX_TEXT = 256  # characters of a line, as `fashquick.garment.v1.TextLine` states
MAX_READ = 2  # prints a garment that are read one by one: each takes some tenths of a second, as the whole does
MIN_LETTERS = 2  # letters and digits of a line outside of any print
SAME_PLACE = 0.3  # of the smaller of two boxes: a line that shares so much with a print belongs to it
NEAR_SHARE = 0.05  # of the garment's length: lines closer than this are one print
MAX_LINES = 32  # a print
MIN_SCORE = 0.6  # surer lines are kept; pictures are read as letters with less
MARGIN = 0.12  # of a box, left free around it: letters at its edge are read worse
READ_PX = 576  # long side that a print is brought to; larger is slower, smaller loses small letters
MAX_ENLARGED = 3.0  # enlarging more adds nothing to read
THREADS = 2
DETECTOR: Final = "PP-OCRv6_det_small.onnx"
RECOGNISER: Final = "PP-OCRv6_rec_small.onnx"

Pixels = npt.NDArray[np.uint8]


class Reader(Protocol):
    """Reads text.

    Attributes:
        name: The reader and its version.
        digest: SHA-256 of its models in hex.
    """

    name: str
    digest: str

    def warm_up(self) -> None:
        """Load the models, so that no first reading waits for them."""

    def read(self, rgb: Pixels, cancel: CancelFlag) -> tuple[TextLine, ...]:
        """Read a picture.

        Args:
            rgb: HxWx3 uint8, sRGB, upright.
            cancel: Checked before and after; a reading that has begun takes some tenths of a second.

        Returns:
            Lines, top to bottom, boxes in pixels of the picture; text as `normalised`, never empty.

        Raises:
            Cancelled: `cancel` was raised.
            DeadlinePassed: Its deadline passed.
        """


def find_reader() -> Reader | None:
    """Return the installed reader, or None where the extra `ocr` is not installed."""
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None or find_spec("onnxruntime") is None:
        return None
    models = Path(spec.origin).parent / "models"
    paths = models / DETECTOR, models / RECOGNISER
    return RapidReader(*paths) if all(path.is_file() for path in paths) else None


class RapidReader:
    """RapidOCR with the PP-OCR models that come in its wheel; loads them at warm-up, downloads nothing."""

    def __init__(self, detector: Path, recogniser: Path) -> None:
        """Take the model files; nothing is loaded yet."""
        self._paths = detector, recogniser
        self._engine: RapidOCR | None = None
        self._lock = Lock()
        self.name = f"rapidocr {detector.stem} {recogniser.stem}"
        digest = hashlib.sha256()
        for path in self._paths:
            digest.update(path.read_bytes())
        self.digest = digest.hexdigest()

    def warm_up(self) -> None:
        """Load the models and read an empty picture."""
        self.read(np.full((64, 64, 3), 255, np.uint8), CancelFlag())

    def read(self, rgb: Pixels, cancel: CancelFlag) -> tuple[TextLine, ...]:
        """Read a picture; see `Reader.read`."""
        cancel.check()
        with self._lock:  # one reading at a time: two would only wait for the same cores, with twice the memory
            engine = self._engine or self._load()
            self._engine = engine
            result = engine(np.ascontiguousarray(rgb[..., ::-1]))
        cancel.check()
        boxes, texts, scores = (getattr(result, name, None) for name in ("boxes", "txts", "scores"))
        if boxes is None or texts is None or scores is None:
            return ()
        lines = []
        for corners, raw, score in zip(np.asarray(boxes, np.float64), texts, scores, strict=True):
            text = normalised(str(raw))
            if not text or not score >= MIN_SCORE:
                continue
            (left, top), (width, height) = corners.min(axis=0), np.ptp(corners, axis=0)
            box = Box(float(left), float(top), float(width), float(height))
            lines.append(TextLine(text, box, min(1.0, float(score))))
        return tuple(sorted(lines, key=lambda line: (line.box.y, line.box.x)))[:MAX_LINES]

    def _load(self) -> RapidOCR:
        # Imported late: it takes most of a second, and services without the extra do not have it.
        from rapidocr import RapidOCR  # noqa: PLC0415 - late, see above

        return RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,  # prints are read upright
                "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "Det.model_path": str(self._paths[0]),
                "Rec.model_path": str(self._paths[1]),
                "Det.limit_type": "max",
                "Det.limit_side_len": READ_PX,
            }
        )


def normalised(text: str) -> str:
    """Text as it is passed on: NFC, without control characters, spaces folded, at most `MAX_TEXT` characters."""
    kept = "".join(" " if char.isspace() else char for char in text)
    kept = "".join(char for char in kept if unicodedata.category(char)[0] != "C")
    return unicodedata.normalize("NFC", " ".join(kept.split()))[:MAX_TEXT].strip()


def read_prints(view: Upright, prints: tuple[Print, ...], reader: Reader, cancel: CancelFlag) -> tuple[Print, ...]:
    """Read a garment: its largest prints one by one, and the whole once, for words where no print was found.

    Args:
        view: The garment upright.
        prints: As found on it; the first `MAX_READ` are read.
        reader: Reads.
        cancel: Checked between the readings.

    Returns:
        The prints with what they say, and one more for each place where words stand outside of them, largest box
        first; all boxes are in pixels of the photo.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    read = [replace(item, lines=_read_box(view, item.box, reader, cancel)) for item in prints[:MAX_READ]]
    read += prints[MAX_READ:]
    rows, columns = np.nonzero(view.inside.any(axis=1))[0], np.nonzero(view.inside.any(axis=0))[0]
    silent = {place for place, item in enumerate(read) if not item.lines}
    loose: list[TextLine] = []
    if len(rows):
        window = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        for line in _read_window(view, window, reader, cancel):
            owner = next((place for place, item in enumerate(read) if _shared(line.box, item.box) > SAME_PLACE), None)
            if owner is None:
                # Single letters are what folds and ornaments are taken for.
                loose += [line] if sum(char.isalnum() for char in line.text) >= MIN_LETTERS else []
            elif owner in silent:
                read[owner] = replace(read[owner], lines=(*read[owner].lines, line))
    found = [*read, *_lettered(view, loose)]
    return tuple(sorted(found, key=lambda item: -item.box.width * item.box.height))


def _lettered(view: Upright, lines: list[TextLine]) -> list[Print]:
    """Prints of lines that stand near one another."""
    gap = NEAR_SHARE * view.length_px * view.scale
    whole = max(1.0, float(np.count_nonzero(view.inside)) * view.scale**2)
    places: list[list[TextLine]] = []
    for line in lines:
        near = [place for place in places if any(_gap(line.box, other.box) < gap for other in place)]
        places = [place for place in places if place not in near] + [
            [*(item for place in near for item in place), line]
        ]
    found = []
    for place in places:
        ordered = tuple(sorted(place, key=lambda line: (line.box.y, line.box.x)))
        covered = sum(line.box.width * line.box.height for line in ordered)
        box = _hull([line.box for line in ordered])
        found.append(Print(box, min(1.0, covered / whole), max(line.confidence for line in ordered), ordered))
    return found


def _read_box(view: Upright, box: Box, reader: Reader, cancel: CancelFlag) -> tuple[TextLine, ...]:
    """Read a box of the photo, cut from the upright view."""
    turn, shift = view.to_photo[:, :2], view.to_photo[:, 2]
    corners = np.array([box.x, box.y]) + np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) * (box.width, box.height)
    placed = np.linalg.solve(turn, (corners - shift).T).T
    low, high = placed.min(axis=0), placed.max(axis=0)
    border = MARGIN * (high - low).max()
    size = np.array(view.alpha.shape[::-1])
    left, top = (int(value) for value in np.clip(np.floor(low - border), 0, size))
    right, bottom = (int(value) for value in np.clip(np.ceil(high + border), 0, size))
    return _read_window(view, (left, top, right, bottom), reader, cancel)


def _read_window(
    view: Upright, window: tuple[int, int, int, int], reader: Reader, cancel: CancelFlag
) -> tuple[TextLine, ...]:
    """Read the view between left, top, right and bottom; boxes are on the photo."""
    left, top, right, bottom = window
    if right <= left or bottom <= top:
        return ()
    crop = view.rgb[top:bottom, left:right]
    scale = min(MAX_ENLARGED, READ_PX / max(crop.shape[:2]))
    shown = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    lines = reader.read(np.asarray(cv2.resize(crop, shown, interpolation=how), np.uint8), cancel)
    factor = np.array([crop.shape[1] / shown[0], crop.shape[0] / shown[1]])
    found = []
    for line in lines:
        left_top, span = (line.box.x, line.box.y), (line.box.width, line.box.height)
        ends = np.array(left_top) + np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) * span
        on_photo = view.places(ends * factor + (left, top))
        (x, y), (width, height) = on_photo.min(axis=0), np.ptp(on_photo, axis=0)
        found.append(replace(line, box=Box(float(x), float(y), float(width), float(height))))
    return tuple(found)


def _hull(boxes: list[Box]) -> Box:
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _gap(one: Box, two: Box) -> float:
    """Pixels between two boxes, the larger of across and down; negative where they overlap."""
    across = max(one.x, two.x) - min(one.x + one.width, two.x + two.width)
    down = max(one.y, two.y) - min(one.y + one.height, two.y + two.height)
    return max(across, down)


def _shared(one: Box, two: Box) -> float:
    """Overlap of two boxes over the smaller one."""
    across = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
    down = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
    smaller = max(1e-9, min(one.width * one.height, two.width * two.height))
    return max(0.0, across) * max(0.0, down) / smaller
