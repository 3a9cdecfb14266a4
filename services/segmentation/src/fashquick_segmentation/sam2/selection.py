"""Which of many candidate masks shows the garment: scores, one weighing of them, duplicates merged.

SAM answers every prompt with several masks, "whole", "part" and "subpart", and a guess at how good each is
(Kirillov et al., "Segment anything", ICCV 2023). A print on a shirt is as good an object to it as the shirt, so its
own guess is only one of six scores here; all of them are from 0 to 1, more is better. They are taken on a picture
of `SCORE_SIDE_PX`, where a candidate costs a millisecond or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_segmentation.refinement.quality import expected_iou

SCORE_SIDE_PX = 256  # long side at which candidates are scored: the size of SAM's own mask logits
STABILITY_OFFSET = 1.0  # logits to either side of 0, as in SAM's automatic mask generator
SAME_IOU = 0.9  # from here on two candidates are one; SAM's three masks of a prompt differ by more
EDGE_SIGMA_PX = 1.0  # of the smoothing before gradients: JPEG's blocks and the grain of cloth
ACROSS_SIGMA_PX = 1.5  # of the mask's smoothing, from which the direction across its outline is taken
AWAY_PX = 5  # an edge that the outline follows is stronger on it than between 2 and so many pixels beside it
BORDER_CONTACT_WORST = 0.5  # of the photo's border; a mask that touches more of it scores no better than 0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each score counts; all are at least 0, and together 1.

    `scripts/tune_selection.py` made the defaults and says what they are worth: `predicted_iou` and `stability` were
    set by hand, the other four fitted on candidates that are not SAM's.

    Attributes:
        predicted_iou: Of the intersection over union that the model expects of its own mask.
        stability: Of how little the mask hangs on its threshold.
        prior: Of the agreement with the embedded network.
        edges: Of edges in the photo along the outline.
        solidity: Of being one compact piece.
        border: Of keeping off the photo's border.
    """

    predicted_iou: float = 0.25
    stability: float = 0.10
    prior: float = 0.25
    edges: float = 0.15
    solidity: float = 0.16
    border: float = 0.09


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Scores:
    """What speaks for one candidate; each from 0 to 1, more is better.

    Attributes:
        predicted_iou: What the model said, cut to that range.
        stability: Intersection over union of the masks at logits above and below 0 by `STABILITY_OFFSET`.
        prior: Soft intersection over union with the embedded network's probability.
        edges: How much stronger the photo's gradient across the outline is on it than beside it; 0 when it is not.
        solidity: Area of the largest piece over that of its convex hull, times its share of the mask.
        border: 1 for a mask that stands free, 0 for one that takes `BORDER_CONTACT_WORST` of the photo's border.
    """

    predicted_iou: float
    stability: float
    prior: float
    edges: float
    solidity: float
    border: float

    def total(self, weights: Weights = WEIGHTS) -> float:
        """The weighted mean, 0 to 1."""
        return float(np.dot(astuple(self), astuple(weights)))


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A mask that a model proposes.

    Attributes:
        logits: hxw float32 of the whole photo at any size and any side ratio; above 0 is garment.
        predicted_iou: What the model expects of it, about 0 to 1.
        source: Where it comes from, such as "box points 2": the prompt set and the number of the output.
    """

    logits: NDArray[np.float32]
    predicted_iou: float
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A candidate that was kept.

    Attributes:
        proposal: The best of those that show the same.
        scores: What speaks for it.
        total: The weighted mean of the scores, 0 to 1.
        sources: Its source first, then those of the candidates that were merged into it, best first.
    """

    proposal: Proposal
    scores: Scores
    total: float
    sources: tuple[str, ...]


class Scene:
    """What of a photo the scoring of its candidates needs, taken once."""

    def __init__(self, photo: NDArray[np.uint8], probability: NDArray[np.float32]) -> None:
        """Take it.

        Args:
            photo: HxWx3 uint8, sRGB.
            probability: hxw float32, 0 to 1: the embedded network's answer on the whole photo, at any size.
        """
        height, width = photo.shape[:2]
        scale = SCORE_SIDE_PX / max(height, width)
        self._size = max(8, round(width * scale)), max(8, round(height * scale))
        small = np.asarray(cv2.resize(photo, self._size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
        lab = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), (0, 0), EDGE_SIGMA_PX)
        self._right = np.asarray(cv2.Scharr(lab, cv2.CV_32F, 1, 0), np.float32)
        self._down = np.asarray(cv2.Scharr(lab, cv2.CV_32F, 0, 1), np.float32)
        self._probability = self.fit(probability)

    def fit(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring a plane of the whole photo to the size at which candidates are scored."""
        how = cv2.INTER_AREA if plane.shape[0] * plane.shape[1] > self._size[0] * self._size[1] else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(plane, self._size, interpolation=how), np.float32)

    def score(self, logits: NDArray[np.float32], predicted_iou: float) -> Scores:
        """Score one candidate.

        Args:
            logits: What `fit` made of a proposal's logits; neither all above 0 nor all below.
            predicted_iou: What the model said.
        """
        mask = logits > 0
        return Scores(
            predicted_iou=min(1.0, max(0.0, predicted_iou)),
            stability=stability(logits),
            prior=expected_iou(mask, self._probability),
            edges=self._edges(mask),
            solidity=solidity(mask),
            border=border_freedom(mask),
        )

    def _edges(self, mask: NDArray[np.bool_]) -> float:
        """Contrast of the gradient across the outline, on it against beside it: (on - beside) / (on + beside).

        The gradient is that of Lab along the outline's normal, as in geodesic active contours (Caselles, Kimmel
        and Sapiro, IJCV 22(1), 1997). The comparison with what lies beside makes a plain ground and a patterned
        one score alike.
        """
        solid = mask.astype(np.uint8)
        kernel = np.ones((3, 3), np.uint8)
        outline = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, kernel)) > 0
        outline[[0, -1]] = outline[:, [0, -1]] = False
        if not outline.any():
            return 0.0
        away = np.asarray(cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 3))
        beside = (away > 2) & (away <= AWAY_PX)
        if not beside.any():
            return 0.0
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), ACROSS_SIGMA_PX)
        right = np.asarray(cv2.Scharr(soft, cv2.CV_32F, 1, 0), np.float32)
        down = np.asarray(cv2.Scharr(soft, cv2.CV_32F, 0, 1), np.float32)
        on = self._across(outline, right, down)
        off = self._across(beside, right, down)
        return max(0.0, (on - off) / (on + off)) if on > 0 else 0.0

    def _across(self, where: NDArray[np.bool_], right: NDArray[np.float32], down: NDArray[np.float32]) -> float:
        """Mean size of the photo's gradient along the direction (right, down), over the pixels of `where`."""
        x, y = right[where], down[where]
        length = np.maximum(np.hypot(x, y), np.float32(1e-6))
        along = self._right[where] * (x / length)[:, np.newaxis] + self._down[where] * (y / length)[:, np.newaxis]
        return float(np.linalg.norm(along, axis=1).mean(dtype=np.float64))


def select(
    proposals: Sequence[Proposal],
    photo: NDArray[np.uint8],
    probability: NDArray[np.float32],
    weights: Weights = WEIGHTS,
) -> tuple[Choice, ...]:
    """Rank candidates and merge those that show the same.

    Greedy non-maximum suppression by the masks' intersection over union, as in SAM's automatic mask generator, which
    uses boxes. The same input always gives the same ranking; of equal totals the earlier proposal goes first.

    Args:
        proposals: The candidates, in any order. Those that are empty or cover the whole photo are left out, as are
            those with a value that is not a number.
        photo: HxWx3 uint8, sRGB.
        probability: hxw float32, 0 to 1: the embedded network's answer on the whole photo, at any size.
        weights: How much each score counts.

    Returns:
        The candidates that are left, best first; empty when none is.
    """
    scene = Scene(photo, probability)
    fitted = [scene.fit(proposal.logits) for proposal in proposals]
    usable = [
        index
        for index, logits in enumerate(fitted)
        if np.isfinite(logits).all() and np.isfinite(proposals[index].predicted_iou) and 0 < (logits > 0).mean() < 1
    ]
    scores = {index: scene.score(fitted[index], proposals[index].predicted_iou) for index in usable}
    totals = {index: scores[index].total(weights) for index in usable}
    ranked = sorted(usable, key=lambda index: -totals[index])
    return tuple(
        Choice(
            proposals[group[0]],
            scores[group[0]],
            totals[group[0]],
            tuple(proposals[index].source for index in group),
        )
        for group in _merged(ranked, [logits > 0 for logits in fitted])
    )


def _merged(ranked: Sequence[int], masks: Sequence[NDArray[np.bool_]]) -> list[list[int]]:
    """Group candidates by the best one that shows the same, in the order of `ranked`."""
    if not ranked:
        return []
    flat = np.stack([masks[index].ravel() for index in ranked]).astype(np.float32)
    common = flat @ flat.T
    areas = np.diag(common)
    same = common / (areas[:, np.newaxis] + areas - common) >= SAME_IOU
    groups: list[list[int]] = []
    left = np.ones(len(ranked), np.bool_)
    for first in range(len(ranked)):
        if left[first]:
            group = same[first] & left
            left &= ~group
            groups.append([ranked[member] for member in np.flatnonzero(group).tolist()])
    return groups


def stability(logits: NDArray[np.float32]) -> float:
    """Intersection over union of the masks at thresholds `STABILITY_OFFSET` above and below 0.

    Args:
        logits: HxW float32.

    Returns:
        0 to 1; 0 when nothing is above the upper threshold.
    """
    below = np.count_nonzero(logits > -STABILITY_OFFSET)
    return float(np.count_nonzero(logits > STABILITY_OFFSET) / below) if below else 0.0


def solidity(mask: NDArray[np.bool_]) -> float:
    """Area of the largest piece over that of its convex hull, times the piece's share of the mask.

    Args:
        mask: HxW bool.

    Returns:
        0 to 1; 0 for an empty mask.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return 0.0
    # Drawn, not computed: OpenCV's areas leave out half of the outline's own pixels.
    piece, hull = np.zeros(mask.shape, np.uint8), np.zeros(mask.shape, np.uint8)
    largest = max(contours, key=cv2.contourArea)
    cv2.drawContours(piece, [largest], -1, 1, cv2.FILLED)
    cv2.fillConvexPoly(hull, cv2.convexHull(largest), 1)
    inside = float(np.count_nonzero((piece > 0) & mask))
    return inside / np.count_nonzero(hull) * inside / np.count_nonzero(mask)


def border_freedom(mask: NDArray[np.bool_]) -> float:
    """How little of the photo's border a mask takes.

    Args:
        mask: HxW bool.

    Returns:
        1 for none, 0 for `BORDER_CONTACT_WORST` or more.
    """
    contact = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()
    return max(0.0, 1.0 - float(contact) / BORDER_CONTACT_WORST)
