"""What SAM 2 is asked when nobody says where the garment is: prompts made from the embedded network's answer.

Coordinates are pixels from the left and from the top edge of the photo, as in the contract: the middle of the first
pixel is 0.5. SAM counts from that middle, so that whoever hands them to it takes 0.5 away after scaling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.errors import NoGarment
from fashquick_segmentation.engine import Presentation
from fashquick_segmentation.refinement.person import has_skin_colour

PLACING_SIDE_PX = 256  # long side at which points are placed: a pixel there is less than a point's reach
BOX_MARGIN = 0.03  # of the box's sides; in training SAM's boxes are off by 10 % of a side (one sigma), 20 px at most
ON_POINTS = 8  # both sleeves, both corners of the hem and the middle of a T-shirt get one
GROUND_POINTS = 4
HANGER_POINTS = 2
SURE_HANGER_POINTS = 4  # where the caller says that there is one: hook, bar and two clips
SKIN_POINTS = 2
WORN_SKIN_POINTS = 6  # face, neck, both arms and both legs
STRICT = 0.85  # probability of the strict reading
LIKELY_GROUND = 0.5  # probability; a mask may have lost a part that the network still takes for garment
SURE_GROUND = 0.2  # probability; points near the photo's border are put where the network is surer
AROUND_SHARE = 0.25  # of the greatest depth; a pixel's depth is compared with the greatest one so near to it
RIM_SHARE = 0.04  # of the long side: the photo's border, where most ground is
CLEAR_SHARE = 0.02  # of the long side: how far from the mask a point off the garment stays
HANGER_REACH = 0.25  # of the mask's height: how far above the neckline or waistband hooks and bars are looked for
HANGER_WIDTH = 1 / 3  # of the mask's width, in its middle
SKIN_REACH_SHARE = 0.15  # of the long side: hands that hold or arrange a garment are no farther from it
SKIN_AREA_SHARE = 0.002  # of the photo; less is a speck of that colour
SKIN_RIM_MAX = 0.1  # share of the rim that may have the colour of skin; where more has, the ground is wood or beige

ON, OFF = 1, 0  # labels, as SAM's


def _no_points() -> Points:
    return Points(np.zeros((0, 2), np.float32), np.zeros(0, np.int32))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Places on and off the garment.

    Attributes:
        at: Nx2 float32, x and y in pixels of the photo.
        labels: N int32: `ON` or `OFF`.
    """

    at: NDArray[np.float32]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels of the photo; right and bottom are greater than left and top."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, eq=False)
class PromptSet:
    """One question to SAM: all of it is asked at once.

    Attributes:
        name: What it is made of, such as "box points".
        points: May be none.
        box: May be missing.
        prior: HxW float32 of the whole photo, at any size: the probability of garment, 0 to 1; may be missing.
    """

    name: str
    points: Points = field(default_factory=_no_points)
    box: Box | None = None
    prior: NDArray[np.float32] | None = None

    def scaled(self, across: float, down: float) -> PromptSet:
        """The same question about the photo at another size; the prior is of the whole photo and stays.

        Args:
            across: New width over the present one.
            down: New height over the present one.
        """
        at = self.points.at * np.array([across, down], np.float32)
        box = self.box and Box(
            self.box.left * across, self.box.top * down, self.box.right * across, self.box.bottom * down
        )
        return replace(self, points=Points(at.astype(np.float32), self.points.labels), box=box)


def automatic_prompts(
    photo: NDArray[np.uint8],
    probability: NDArray[np.float32],
    mask: NDArray[np.bool_],
    presentation: Presentation = Presentation.UNKNOWN,
) -> tuple[PromptSet, ...]:
    """Ask about a garment that the embedded network has found, in several ways.

    SAM answers each of them differently: a box tends to the whole thing, points to what has their colour, a mask to
    its own outline. `selection` chooses between the answers.

    - "box": the mask's box, a little wider;
    - "box points": with points on the garment, and points off it: on the ground near the photo's border, above the
      neckline or waistband, where hangers are, and on skin near the mask;
    - "points": those points without the box;
    - "strict": points on the strict reading of the probability alone, and those off the garment;
    - "prior": the box and the probability itself.

    The same input always gives the same prompts.

    Args:
        photo: HxWx3 uint8, sRGB.
        probability: HxW float32, 0 to 1.
        mask: HxW bool, where the garment is taken to be.
        presentation: How it is presented. No points mark a hanger where the garment lies flat, and more where it
            hangs; more mark skin where it is worn, whatever colour the ground has.

    Returns:
        The prompt sets, in pixels of `photo`.

    Raises:
        NoGarment: The mask is empty.
    """
    if not mask.any():
        raise NoGarment("nothing in the photo looks like a garment, so there is nothing to ask SAM 2 about")
    height, width = mask.shape
    box = box_of(mask)
    scale = PLACING_SIDE_PX / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    to_photo = np.array([width / size[0], height / size[1]], np.float32)
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    likely = np.asarray(cv2.resize(probability, size, interpolation=cv2.INTER_AREA), np.float32)
    garment = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0.5
    on = inner_points(garment, ON_POINTS)
    strict = inner_points(garment & (likely > STRICT), ON_POINTS)
    off = np.concatenate(list(_off_garment(small, likely, garment, presentation)))
    sets = [PromptSet("box", box=box)]
    if len(on):
        sets.append(PromptSet("box points", _labelled(on * to_photo, off * to_photo), box))
        sets.append(PromptSet("points", _labelled(on * to_photo, off * to_photo)))
    if len(strict):
        sets.append(PromptSet("strict", _labelled(strict * to_photo, off * to_photo)))
    sets.append(PromptSet("prior", box=box, prior=probability))
    return tuple(sets)


def box_of(mask: NDArray[np.bool_]) -> Box:
    """The box of a mask, `BOX_MARGIN` wider on each side, within the photo.

    Args:
        mask: HxW bool, not empty.
    """
    height, width = mask.shape
    left, top, across, down = cv2.boundingRect(mask.astype(np.uint8))
    x, y = BOX_MARGIN * across, BOX_MARGIN * down
    return Box(
        max(0.0, left - x),
        max(0.0, top - y),
        min(float(width), left + across + x),
        min(float(height), top + down + y),
    )


def inner_points(mask: NDArray[np.bool_], count: int) -> NDArray[np.float32]:
    """Spread points over a mask, away from each other and from its outline.

    Farthest-point sampling (Gonzalez, "Clustering to minimize the maximum intercluster distance", Theoretical Computer
    Science 38, 1985; Eldar et al., IEEE TIP 6(9), 1997): the first point is the deepest, each further one the pixel
    that is farthest from all before, its distance weighed by its depth over the greatest one near it. So the middle of
    a sleeve counts as much as that of the body, and an outline, where a point says nothing to SAM, counts little.

    Args:
        mask: HxW bool. Beyond the photo's border is no garment.
        count: Most points to place.

    Returns:
        Nx2 float32, x and y of pixel middles, N at most `count`, each in a pixel of its own; none for an empty mask.
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5), np.float32)[1:-1, 1:-1]
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return np.zeros((0, 2), np.float32)
    inside = depth[rows, columns]
    reach = 2 * max(1, round(AROUND_SHARE * float(inside.max()))) + 1
    weight = inside / np.asarray(cv2.dilate(depth, np.ones((reach, reach), np.uint8)))[rows, columns]
    places = np.column_stack([columns, rows]).astype(np.float32) + np.float32(0.5)
    nearest = np.full(len(places), np.inf, np.float32)
    chosen = [int(np.argmax(inside))]
    while len(chosen) < count:
        away = places - places[chosen[-1]]
        nearest = np.minimum(nearest, np.hypot(away[:, 0], away[:, 1]))
        worth = nearest * weight
        best = int(np.argmax(worth))
        if worth[best] <= 0:
            break
        chosen.append(best)
    return places[chosen]


def _off_garment(
    photo: NDArray[np.uint8],
    probability: NDArray[np.float32],
    garment: NDArray[np.bool_],
    presentation: Presentation,
) -> Iterator[NDArray[np.float32]]:
    """Points off the garment, kind by kind, at placing size; each Nx2."""
    ground = ~_grown(garment, CLEAR_SHARE) & (probability < LIKELY_GROUND)
    rim = np.ones_like(garment)
    edge = max(1, round(RIM_SHARE * max(garment.shape)))
    rim[edge:-edge, edge:-edge] = False
    yield inner_points(ground & rim & (probability < SURE_GROUND), GROUND_POINTS)
    if presentation is not Presentation.FLAT:
        count = SURE_HANGER_POINTS if presentation is Presentation.HANGER else HANGER_POINTS
        yield inner_points(ground & hanger_region(garment), count)
    worn = presentation is Presentation.WORN
    yield from (inner_points(part, 1) for part in _skin(photo, garment, ground, rim, worn=worn))


def hanger_region(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a hanger's hook, bar and clips are: above and in the neckline or waistband, in the middle.

    Args:
        mask: HxW bool, the garment.

    Returns:
        HxW bool: the pixels above the mask's first one of their column, in the mask's middle columns, not more than
        `HANGER_REACH` of its height above its top; nowhere in an empty mask.
    """
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    region = np.zeros_like(mask)
    middle, half = left + width / 2, HANGER_WIDTH * width / 2
    columns = slice(round(middle - half), max(round(middle - half), round(middle + half)))
    highest = max(0, round(top - HANGER_REACH * height))
    lowest = top + round(HANGER_REACH * height)
    region[highest:lowest, columns] = True
    return region & ~np.logical_or.accumulate(mask, axis=0)


def _skin(
    photo: NDArray[np.uint8],
    garment: NDArray[np.bool_],
    ground: NDArray[np.bool_],
    rim: NDArray[np.bool_],
    *,
    worn: bool,
) -> list[NDArray[np.bool_]]:
    """Areas near the garment that have the colour of skin, the largest first.

    None where the ground has that colour too, unless the garment is worn: then skin is there for certain.
    """
    skin = has_skin_colour(photo)
    rim_ground = rim & ground
    if not worn and rim_ground.any() and skin[rim_ground].mean() > SKIN_RIM_MAX:
        return []
    near = skin & ground & _grown(garment, SKIN_REACH_SHARE)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near.astype(np.uint8))
    areas = stats[1:count, cv2.CC_STAT_AREA]
    largest = np.argsort(-areas, kind="stable")[: WORN_SKIN_POINTS if worn else SKIN_POINTS]
    return [np.asarray(labels == part + 1) for part in largest if areas[part] > SKIN_AREA_SHARE * garment.size]


def _grown(mask: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """A mask grown by a share of the long side."""
    if not mask.any():
        return mask
    away = np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5))
    grown: NDArray[np.bool_] = away <= share * max(mask.shape)
    return grown


def _labelled(on: NDArray[np.float32], off: NDArray[np.float32]) -> Points:
    labels = np.repeat(np.array([ON, OFF], np.int32), [len(on), len(off)])
    return Points(np.concatenate([on, off]).astype(np.float32), labels)
