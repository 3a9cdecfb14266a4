"""Where a picture shows the photo's cloth, told from local features where no UV map says so."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.image.spaces import Floats
from fashquick_features.fidelity.sights import Floats32, Image, Places, Sight
from fashquick_features.shape.outline import OPAQUE, Plane

Affine = npt.NDArray[np.float64]
Window = tuple[int, int, int, int]  # left, top, right, bottom
Features = tuple[Floats, Floats32]  # positions (Nx2, OpenCV's pixel centres) and SIFT descriptors (Nx128)

FEATURES = 1200  # SIFT features an image; a garment of 320 pixels seldom has more
RATIO = 0.8  # Lowe's ratio test (Lowe, "Distinctive image features from scale-invariant keypoints", 2004, 7.1)
OFF_SHARE = 0.03  # of the garment's size: how far matches may stray from one affine map; folds move cloth as much
MIN_MATCHES = 10  # matches on one affine map from which on it is no accident
MIN_PRINT_MATCHES = 6
MIN_PRINT_PX = 8  # sides of a print below which nothing of it can be recognised
STRETCH = (0.6, 1.6)  # what cloth and camera may stretch a garment by along any direction
SEARCH_SCALES = (0.75, 0.87, 1.0, 1.15, 1.3)  # of a print that is searched for as a picture
BESIDE_PX = 8  # pixels around a print that its features may look at
MIN_CORRELATION = 0.5  # of a print with the place it is found at
RANSAC_SEED = 5


def garment_places(photo: Sight, picture: Sight, seen: Features, cancel: CancelFlag) -> Places | None:
    """Estimate a map of places for a picture without one: an affine map by features, bent by dense optical flow.

    Args:
        photo: The garment's photo.
        picture: The picture.
        seen: The picture's features.
        cancel: Checked between the steps.

    Returns:
        HxWx2 float32 as `Sight.places`, NaN outside the garment; None where the features do not match.
    """
    known = features(photo.rgb, photo.alpha)
    cancel.check()
    affine = _by_features(known, seen, OFF_SHARE * picture.size, MIN_MATCHES)
    if affine is None:
        return None
    return _bent(photo.rgb, affine, picture, cancel)


def print_places(photo: Sight, window: Window, picture: Sight, seen: Features, cancel: CancelFlag) -> Places | None:
    """Find a print in a picture without a map: by features, else as a picture; bent by dense optical flow.

    Args:
        photo: The garment's photo.
        window: The print on it.
        picture: Where to look.
        seen: The picture's features.
        cancel: Checked between the steps.

    Returns:
        HxWx2 float32 as `Sight.places`; None where the print is not found.
    """
    left, top, right, bottom = window
    if min(right - left, bottom - top) < MIN_PRINT_PX:
        return None
    mask = np.zeros_like(photo.alpha)
    mask[top:bottom, left:right] = photo.alpha[top:bottom, left:right]
    known = features(photo.rgb, mask)
    cancel.check()
    affine = _by_features(known, seen, OFF_SHARE * picture.size, MIN_PRINT_MATCHES)
    if affine is None:
        affine = _by_search(photo, window, picture, cancel)
    return None if affine is None else _bent(photo.rgb, affine, picture, cancel)


def _by_features(known: Features, seen: Features, off: float, least: int) -> Affine | None:
    """2x3 affine map from picture to photo, OpenCV's pixel centres (integers); `off`: pixels matches may stray."""
    (to_all, words), (at_all, seen_words) = known, seen
    if min(len(words), len(seen_words)) < max(least, 2):
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(words, seen_words, k=2)
    good = [two[0] for two in pairs if len(two) == 2 and two[0].distance < RATIO * two[1].distance]
    if len(good) < least:
        return None
    to, at = to_all[[match.queryIdx for match in good]], at_all[[match.trainIdx for match in good]]
    cv2.setRNGSeed(RANSAC_SEED)
    fitted, kept = cv2.estimateAffine2D(at, to, method=cv2.RANSAC, ransacReprojThreshold=off)
    if fitted is None or np.count_nonzero(kept) < least:
        return None
    affine = np.asarray(fitted, np.float64)
    if not _is_cloth(affine):
        return None
    # Matches that all lie on one spot hold no map of a garment.
    spread = np.ptp(at[kept.ravel() > 0], axis=0)
    return affine if spread.min() > off else None


def features(rgb: Image, mask: Plane) -> Features:
    """Find the SIFT features of an image (HxWx3 uint8) within a mask (HxW uint8)."""
    inside = mask >= OPAQUE
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    if not len(rows):
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    top, left = max(0, int(rows[0]) - BESIDE_PX), max(0, int(columns[0]) - BESIDE_PX)
    cut = slice(top, int(rows[-1]) + 1 + BESIDE_PX), slice(left, int(columns[-1]) + 1 + BESIDE_PX)
    sift = cv2.SIFT.create(nfeatures=FEATURES, contrastThreshold=0.02)
    points, words = sift.detectAndCompute(_grey(rgb[cut]), inside[cut].astype(np.uint8))
    if words is None or not len(points):
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in points], np.float64) + np.array([left, top]), np.asarray(words, np.float32)


def _is_cloth(affine: Affine) -> bool:
    stretch = np.linalg.svd(affine[:, :2], compute_uv=False)
    mirrored = float(np.linalg.det(affine[:, :2])) <= 0
    return not mirrored and bool(STRETCH[0] < stretch[1] and stretch[0] < STRETCH[1])


def _by_search(photo: Sight, window: Window, picture: Sight, cancel: CancelFlag) -> Affine | None:
    """Slide the print over the picture at several sizes; the best normalised correlation wins."""
    left, top, right, bottom = window
    patch = photo.rgb[top:bottom, left:right]
    best, found = MIN_CORRELATION, None
    outside = ~picture.inside
    for scale in SEARCH_SCALES:
        cancel.check()
        size = (max(MIN_PRINT_PX, round(scale * (right - left))), max(MIN_PRINT_PX, round(scale * (bottom - top))))
        if size[0] > picture.rgb.shape[1] or size[1] > picture.rgb.shape[0]:
            continue
        small = cv2.resize(patch, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        match = cv2.matchTemplate(picture.rgb, small, cv2.TM_CCOEFF_NORMED)
        # Even patches correlate with nothing: OpenCV answers what it likes.
        match = np.where(np.isfinite(match) & (np.abs(match) <= 1), match, 0.0)
        half_x, half_y = size[0] // 2, size[1] // 2
        match[outside[half_y : half_y + match.shape[0], half_x : half_x + match.shape[1]]] = 0.0
        y, x = (int(i) for i in np.unravel_index(int(match.argmax()), match.shape))
        if match[y, x] > best:
            best = float(match[y, x])
            zoom_x, zoom_y = (right - left) / size[0], (bottom - top) / size[1]
            shift = [left + zoom_x * (0.5 - x) - 0.5, top + zoom_y * (0.5 - y) - 0.5]
            found = np.array([[zoom_x, 0.0, shift[0]], [0.0, zoom_y, shift[1]]])
    return found


def _bent(rgb: Image, affine: Affine, picture: Sight, cancel: CancelFlag) -> Places:
    """Bend an affine map to the picture by dense inverse search flow (Kroeger and others, 2016)."""
    height, width = picture.alpha.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    guess = np.asarray(
        cv2.warpAffine(rgb, affine, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    if min(height, width) >= 32:  # below, the flow's pyramid has no level
        cancel.check()
        flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        grid = grid + flow.calc(_grey(picture.rgb), _grey(guess), np.zeros_like(grid))
    places = grid @ affine[:, :2].T.astype(np.float32) + affine[:, 2].astype(np.float32) + np.float32(0.5)
    places[~picture.inside] = np.nan
    return np.asarray(places, np.float32)


def _grey(rgb: Image) -> Plane:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
