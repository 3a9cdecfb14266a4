"""Stage 5, detail enhancement and preservation: the generated light on the draped garment's own pixels.

What a network is good at is light: folds, contact shadows, how cloth turns. What it ruins is print: the VAE alone
makes small letters unreadable, and colours drift. So inside the garment the studio's pixels stay, with their colours,
print and weave, and only how much lighter or darker the generated picture is, in large, is put on them as a factor of
linear light: that is what light does to cloth, and it leaves hue and saturation alone. Light is compared in CIE L*,
where a shadow counts as much as it is seen, and for each of the garment's colours by itself, so that a print that the
network has drawn otherwise, or not at all, is no shading.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.image.spaces import ciede2000, lab_of_srgb, linear_of_srgb, srgb_of_linear
from fashquick_generation.diffusion.stages.conditions import Conditions

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
Labels = NDArray[np.intp]

SHADING = 0.007
"""Of the picture's longer side: sigma of the finest shading that is taken over; letters and weave are finer."""
COARSE = 4.0
"""Times that: where there is no even cloth nearby."""
RIM = 0.0018
"""Of the picture's longer side: width of the rim in which the garment's own pixels fade in."""
LEAST_RIM_PX = 1.0
MARGIN = 0.006
"""Likewise, that counts for no shading: a generated outline is blurred, and lies elsewhere by a few pixels."""
MOST_SHADING = 0.12
"""Largest change of ln(L* + 16), by which light cloth becomes some 12 L* lighter or darker."""
OUTLIER = 0.3
"""Likewise of a single pixel: what differs more is no light but something drawn."""
LETTERS = 8.0
"""L* by which a pixel stands out from around it where print is as likely as a fold."""
CLOTH_STEP, CLOTH_RADIUS = 8.0, 18.0
"""Edge of the cells in which colours are counted, and how far shades of one colour reach, in CIE L*a*b*."""
MOST_CLOTHS, LEAST_CLOTH = 8, 0.01
"""Colours of a garment that are told apart, and share that the last one has at least."""
LEAST_COLOUR = 0.02
"""Share from which a colour counts in `palette_error`."""
ENOUGH_PIXELS = 100_000
"""Pixels that `palette_error` looks at, evenly spread."""
CELLS = 48
"""Cells along each axis of L*a*b*, which reaches to 128 on either side."""
LEAST_SIGMA = 2.0
"""Pixels of the smallest image that is blurred instead of a larger one."""
TRACE = 0.05
"""Weight of the coarser shading against a full neighbourhood of even cloth."""


def enhanced(generated: UInt8, conditions: Conditions, cancel: CancelFlag) -> UInt8:
    """Put the garment's own detail and colours into a generated picture.

    Args:
        generated: HxWx3 uint8, sRGB, of the conditions' size; any picture at all.
        conditions: The studio's picture and where its garments are.
        cancel: Checked between steps.

    Returns:
        HxWx3 uint8: outside the garments the generated picture, bit for bit.
    """
    inside, out = conditions.garment > 127, generated.copy()
    if not inside.any():
        return out
    box = _bounds(inside)
    inside, index, base = inside[box], conditions.index[box], conditions.base[box]
    longer = max(conditions.size)
    rim = max(RIM * longer, LEAST_RIM_PX)
    # The picture's border is no rim: the garment goes on beyond it.
    away = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 0.5
    lab, base_lab = _lab(generated[box]), _lab(base)
    shading = np.zeros(inside.shape, np.float32)
    for number in np.unique(index[inside]):
        cancel.check()
        garment = inside & (index == number)
        found = _shading(lab[..., 0], base_lab, garment, garment & (away > MARGIN * longer), SHADING * longer)
        shading[garment] = found[garment]
    cancel.check()
    share = np.clip(away[inside] / rim, 0, 1)[:, None]
    own = srgb_of_linear(linear_of_srgb(base[inside]) * np.exp(3 * shading[inside])[:, None])
    out[box][inside] = np.round(share * own + (1 - share) * generated[box][inside]).astype(np.uint8)
    return out


def palette_error(picture: UInt8, base: UInt8, inside: Bool) -> float:
    """How far the colours of a picture are from the studio's, light and shade left out.

    Args:
        picture: HxWx3 uint8, sRGB.
        base: Likewise, the studio's.
        inside: HxW bool: the garment, some of it.

    Returns:
        The largest CIEDE2000 between the mean colours of one of the garment's cloths; 0 where nothing is inside.
        Colours of less than 2 % of it are edges.
    """
    if not inside.any():
        return 0.0
    places = np.flatnonzero(inside)
    places = places[:: len(places) // ENOUGH_PIXELS + 1]
    lab, base_lab = (lab_of_srgb(image.reshape(-1, 3)[places]) for image in (picture, base))
    labels = _cloths(base_lab.astype(np.float32))
    cloths = [labels == cloth for cloth in np.unique(labels)]
    return max(
        float(ciede2000(lab[cloth].mean(axis=0), base_lab[cloth].mean(axis=0)))
        for cloth in cloths
        if cloth.mean() >= LEAST_COLOUR
    )


def _bounds(inside: Bool) -> tuple[slice, slice]:
    """Rows and columns that hold all of a mask."""
    rows, columns = (np.flatnonzero(np.asarray(inside.any(axis=axis))) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _lab(rgb: UInt8) -> Float32:
    """HxWx3 float32, CIE L*a*b*."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _shading(light: Float32, base: Float32, garment: Bool, even: Bool, sigma: float) -> Float32:
    """How much lighter a garment is than the studio's, in large.

    Args:
        light: HxW float32, L* of the generated picture.
        base: HxWx3 float32, CIE L*a*b* of the studio's.
        garment: HxW bool.
        even: HxW bool, the part of it that is not near its outline.
        sigma: Pixels.

    Returns:
        HxW float32 to add to ln(L* + 16), on average 0. A factor of linear light only shifts that, by a third of its
        logarithm: L* + 16 is 116 times the cube root of luminance.
    """
    change = np.log((light + 16) / (base[..., 0] + 16))
    labels = _cloths(base[garment])
    of_garment, told = change[garment], even[garment]
    for cloth in np.unique(labels):
        of_cloth = labels == cloth
        known = of_cloth & told
        of_garment[of_cloth] -= np.median(of_garment[known if known.any() else of_cloth])
    change[garment] = np.clip(of_garment, -OUTLIER, OUTLIER)
    detail = _blurred(np.abs(base[..., 0] - _blurred(base[..., 0], sigma)), sigma / 2)
    weight = np.where(even, 1 / (1 + (detail / LETTERS) ** 2), np.float32(0)).astype(np.float32)
    coarse = _averaged(change, weight, COARSE * sigma, 0.0)
    fine = _averaged(change, weight, sigma, coarse)
    fine -= fine[garment].mean()
    return np.asarray(MOST_SHADING * np.tanh(fine / MOST_SHADING), np.float32)


def _averaged(values: Float32, weight: Float32, sigma: float, otherwise: Float32 | float) -> Float32:
    """Normalised convolution (Knutsson and Westin, 1993): the mean of what is known around, else something else."""
    known = _blurred(weight, sigma)
    return np.asarray((_blurred(values * weight, sigma) + TRACE * otherwise) / (known + TRACE), np.float32)


def _blurred(image: Float32, sigma: float) -> Float32:
    """Gaussian blur, of a smaller image where so wide a one leaves nothing finer."""
    height, width = image.shape
    step = max(int(sigma / LEAST_SIGMA), 1)
    small = (max(width // step, 1), max(height // step, 1))
    if step > 1:
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), sigma / step, borderType=cv2.BORDER_REFLECT)
    if step > 1:
        blurred = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(blurred, np.float32)


def _cloths(lab: Float32) -> Labels:
    """Tell a garment's colours apart: each the commonest of what the ones before it do not reach.

    Args:
        lab: Nx3 float32, CIE L*a*b*.

    Returns:
        N labels, from 0.
    """
    cells = np.round(lab / CLOTH_STEP).astype(np.int64) + CELLS // 2
    codes = (cells[:, 0] * CELLS + cells[:, 1]) * CELLS + cells[:, 2]
    counts = np.bincount(codes, minlength=CELLS**3)
    used = np.flatnonzero(counts)
    centres = (np.stack(np.unravel_index(used, (CELLS,) * 3), axis=1) - CELLS // 2) * CLOTH_STEP
    left, leaders = counts[used].copy(), list[Float64]()
    while len(leaders) < MOST_CLOTHS and left.sum() > LEAST_CLOTH * len(lab):
        leader = centres[int(left.argmax())]
        leaders.append(leader)
        left[np.linalg.norm(centres - leader, axis=1) <= CLOTH_RADIUS] = 0
    nearest = np.zeros(CELLS**3, np.intp)
    nearest[used] = np.linalg.norm(centres[:, None] - np.array(leaders)[None], axis=2).argmin(axis=1)
    labels: Labels = nearest[codes]
    return labels
