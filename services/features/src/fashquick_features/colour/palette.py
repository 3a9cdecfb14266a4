"""The garment's colours: what they are, how much of it each covers and what each does."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Colour, ColourRole, Light, PaletteColour
from fashquick_common.image.spaces import (
    Floats,
    lab_of_linear,
    linear_of_oklab,
    linear_of_srgb,
    oklab_of_linear,
    srgb_of_linear,
)
from fashquick_features.colour import density, roles
from fashquick_features.colour.density import Cluster
from fashquick_features.colour.light import corrected
from fashquick_features.colour.names import name_of
from fashquick_features.shape.outline import OPAQUE, Plane

MAX_COLOURS = 8
SAMPLE_PX = 20_000  # pixels looked at; shares are then good to about 0.4 %
RIM_SHARE = 0.008  # of the garment's extent: rim whose pixels mix with the background
MIN_SHARE = 0.012  # smaller areas are buttons, labels and mask errors
NOISE_BLUR_PX = 0.6  # sigma of the blur of evenly coloured places
NEXT: Final = np.ones((3, 3), np.uint8)
EDGE = 4.0  # times the usual change from pixel to pixel: half the doubt whether a pixel shows one colour
EDGE_FLOOR = 0.05  # weight of a pixel on a strong edge, where camera and JPEG mix two colours
NOISE_CHANGE = 24.0  # 8-bit steps between neighbours from which on there is more than noise
SENSOR_CHANGE = 4.0  # 8-bit steps between neighbours that are sensor noise
BLURRED = 0.9  # part of a colour on edges from which on it may be but the blur between two others
OFF_LINE = 0.04  # OKLab: distance from the line between two colours up to which a colour is a mixture of them
STEP_PX = 3.0  # pixels of the photo over which a printed edge is crossed, camera blur included
SOFT = 0.4  # part of the way from one colour to another that shading covers in `STEP_PX` at most
DEEP_SHADE, SHADE_TINGE = 0.45, 0.06  # least lightness ratio and most drift of a/L and b/L of a soft shade
SHADING = 0.07  # deviation of OKLab's length in light and shade, as a part of it: a quarter of a stop
TINGE = 0.04  # deviation of OKLab across the direction of shading: noise, melange, JPEG
LEAST_SHADING = 0.04  # OKLab: noise of dark cloth

APART = 10.0  # CIEDE2000 at which two thirds of the doubt whether two colours are two is gone
UNEVEN = 0.03  # OKLab across the direction of shading: half the doubt whether a cluster is one colour
SURE_SHARE = 0.05  # smaller colours are seen on too few pixels to be sure of


@dataclass(frozen=True, slots=True)
class _Samples:
    """A garment's inner pixels: cores, which show one colour each, and an even grid, which shows how much of each.

    Attributes:
        cores: Mx3 float64, OKLab where the picture changes least for a pixel or two around.
        core_weight: M float64, 0 to 1: how even it is there.
        oklab: Nx3 float64, OKLab on the grid.
        cover: N float64, alpha 0 to 1.
        edge: N bool: on the way from one colour to another.
        cells: N row and N column numbers on `inside`.
        step: Pixels of the photo from one place of the grid to the next.
        inside: hxw bool, the garment at the grid's spacing.
    """

    cores: Floats
    core_weight: Floats
    oklab: Floats
    cover: Floats
    edge: npt.NDArray[np.bool_]
    cells: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
    step: int
    inside: npt.NDArray[np.bool_]


def extract(photo: npt.NDArray[np.uint8], alpha: Plane, light: Light, cancel: CancelFlag) -> tuple[PaletteColour, ...]:
    """Find the garment's palette.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, garment where >= `outline.OPAQUE`, not empty.
        light: The photo's light; colours are corrected by it where it could be told.
        cancel: Checked between the steps.

    Returns:
        One to eight colours, largest share first; shares add up to 1.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    samples = _sampled(photo, alpha)
    cancel.check()
    clusters = density.cluster(samples.cores, samples.core_weight)
    cancel.check()
    clusters, nearest = _seen(samples, _without_soft_shades(samples, clusters))
    mass = np.bincount(nearest, samples.cover, minlength=len(clusters))
    cancel.check()
    label = np.full(samples.inside.shape, -1, np.intp)
    label[samples.cells] = nearest
    return _described(clusters, mass / mass.sum(), roles.of_colours(label, len(clusters), samples.inside), light)


def _sampled(photo: npt.NDArray[np.uint8], alpha: Plane) -> _Samples:
    rows, columns = (np.nonzero((alpha >= OPAQUE).any(axis=axis))[0] for axis in (1, 0))
    window = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    photo, alpha = np.ascontiguousarray(photo[window]), alpha[window]
    rim = 2 * max(1, round(RIM_SHARE * max(alpha.shape))) + 1
    solid = (alpha >= OPAQUE).astype(np.uint8)
    inner = cv2.erode(solid, np.ones((rim, rim), np.uint8))
    seen = inner if np.count_nonzero(inner) > 0.2 * np.count_nonzero(solid) else solid
    smooth = np.asarray(cv2.GaussianBlur(photo, (0, 0), NOISE_BLUR_PX), np.uint8)
    change = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, NEXT)
    change = np.asarray(cv2.max(cv2.max(change[..., 0], change[..., 1]), change[..., 2]), np.uint8)
    core = np.nonzero((change == cv2.erode(change, NEXT)) & (seen > 0))
    every = max(1, len(core[0]) // SAMPLE_PX)
    core = (core[0][::every], core[1][::every])
    step = max(1, round(float(np.sqrt(np.count_nonzero(seen) / SAMPLE_PX))))
    if not seen[::step, ::step].any():
        step = 1
    cells = np.nonzero(seen[::step, ::step])
    grid = (cells[0] * step, cells[1] * step)
    usual = max(float(np.median(change[core])), SENSOR_CHANGE)

    def flat(at: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]) -> Floats:
        return np.asarray(1 / (1 + (change[at].astype(np.float64) / (EDGE * usual)) ** 2))

    def oklab(at: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]) -> Floats:
        # Blurred where there is but noise, as it is where there is more: fine stripes must not mix.
        even = 1 / (1 + (change[at].astype(np.float64)[:, None] / NOISE_CHANGE) ** 4)
        return oklab_of_linear(even * linear_of_srgb(smooth[at]) + (1 - even) * linear_of_srgb(photo[at]))

    core_flat, grid_flat = flat(core), flat(grid)
    return _Samples(
        oklab(core),
        np.maximum(core_flat, EDGE_FLOOR) * alpha[core] / 255.0,
        oklab(grid),
        alpha[grid] / 255.0,
        grid_flat < 0.5,
        (cells[0], cells[1]),
        step,
        solid[::step, ::step].astype(np.bool_),
    )


def _without_soft_shades(samples: _Samples, clusters: list[Cluster]) -> list[Cluster]:
    """Join colours that pass into each other gradually, as light into shade: what is dyed or printed has edges."""
    place = np.full(samples.inside.shape, -1, np.intp)
    place[samples.cells] = np.arange(len(samples.oklab))
    lag = max(1, round(STEP_PX / samples.step))
    pairs = [(place[:, :-lag].ravel(), place[:, lag:].ravel()), (place[:-lag].ravel(), place[lag:].ravel())]
    one, two = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    both = (one >= 0) & (two >= 0)
    one, two = one[both], two[both]
    step = np.linalg.norm(samples.oklab[one] - samples.oklab[two], axis=1)
    joined = True
    while joined and len(clusters) > 1:
        joined = False
        nearest = _nearest(samples.oklab, clusters)
        at_one, at_two = nearest[one], nearest[two]
        for low, high in combinations(range(len(clusters)), 2):
            light, dark = sorted((clusters[low], clusters[high]), key=lambda found: -float(found.colour[0]))
            if not density.is_shade(dark.colour, light.colour, DEEP_SHADE, SHADE_TINGE):
                continue
            meeting = ((at_one == low) & (at_two == high)) | ((at_one == high) & (at_two == low))
            apart = float(np.linalg.norm(light.colour - dark.colour))
            if np.count_nonzero(meeting) and float(np.median(step[meeting])) < SOFT * apart:
                rest = [found for index, found in enumerate(clusters) if index not in (low, high)]
                clusters, joined = [*rest, light.joined(dark)], True
                break
    return clusters


def _seen(samples: _Samples, clusters: list[Cluster]) -> tuple[list[Cluster], npt.NDArray[np.intp]]:
    """Leave out clusters that are too small or but the blur between two others; give every pixel to one of the rest."""
    while True:
        nearest = _nearest(samples.oklab, clusters)
        mass = np.bincount(nearest, samples.cover, minlength=len(clusters))
        blurred = np.bincount(nearest, samples.cover * samples.edge, minlength=len(clusters)) / np.maximum(mass, 1e-9)
        order = [int(index) for index in np.argsort(mass, kind="stable")]
        drop = order[0]
        if len(clusters) == 1:
            return clusters, nearest
        if mass[drop] >= MIN_SHARE * mass.sum() and len(clusters) <= MAX_COLOURS:
            mixed = [index for index in order if blurred[index] > BLURRED and _is_between(index, clusters)]
            if not mixed:
                return clusters, nearest
            drop = max(mixed, key=lambda index: blurred[index])
        clusters = [found for index, found in enumerate(clusters) if index != drop]


def _is_between(index: int, clusters: list[Cluster]) -> bool:
    """Whether a colour lies on the line from one colour to another."""
    colours = np.array([found.colour for found in clusters])
    others = [other for other in range(len(clusters)) if other != index]
    for place, one in enumerate(others):
        for two in others[place + 1 :]:
            way = colours[two] - colours[one]
            part = float((colours[index] - colours[one]) @ way / max(float(way @ way), 1e-12))
            off = float(np.linalg.norm(colours[index] - colours[one] - part * way))
            if 0.1 < part < 0.9 and off < OFF_LINE:
                return True
    return False


def _nearest(oklab: Floats, clusters: list[Cluster]) -> npt.NDArray[np.intp]:
    """Cluster that each pixel shows: differences along the direction of shading count less than across it.

    Shading multiplies linear light and therefore scales L, a and b of OKLab alike.
    """
    distance = np.empty((len(clusters), len(oklab)))
    for row, found in zip(distance, clusters, strict=True):
        along, across = _from(oklab, found.colour)
        spread = max(SHADING * float(np.linalg.norm(found.colour)), LEAST_SHADING)
        row[:] = (along / spread) ** 2 + (across / TINGE) ** 2
    return np.asarray(distance.argmin(axis=0))


def _from(oklab: Floats, colour: Floats) -> tuple[Floats, Floats]:
    """Distance of pixels from a colour along and across the direction in which shading moves it."""
    length = float(np.linalg.norm(colour))
    direction = colour / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    away = oklab - colour
    along = away @ direction
    across = np.sqrt(np.maximum((away * away).sum(axis=1) - along**2, 0.0))
    return along, across


def _described(
    clusters: list[Cluster], shares: Floats, what: list[ColourRole], light: Light
) -> tuple[PaletteColour, ...]:
    linear = np.clip(linear_of_oklab(np.array([found.colour for found in clusters])), 0, 1)
    measured = _colours(linear)
    neutral = _colours(np.clip(corrected(linear, light), 0, 1)) if light.evidence is not None else None
    nearest = density.apart(clusters).min(axis=1)
    made = []
    for index in np.argsort(-shares, kind="stable"):
        seen = measured[index]
        true = neutral[index] if neutral is not None else None
        found = clusters[index]
        _, across = _from(found.oklab, found.colour)
        uneven = float(np.average(across, weights=found.weight))
        sure = (1 - np.exp(-nearest[index] / APART)) / (1 + (uneven / UNEVEN) ** 2)
        sure *= min(1.0, float(shares[index]) / SURE_SHARE) ** 0.5
        name = name_of((true or seen).lab)
        made.append(PaletteColour(seen.srgb, seen.lab, float(shares[index]), name, what[index], true, float(sure)))
    return tuple(made)


def _colours(linear: Floats) -> list[Colour]:
    """Kx3 linear sRGB as values."""
    return [
        Colour((int(srgb[0]), int(srgb[1]), int(srgb[2])), (float(lab[0]), float(lab[1]), float(lab[2])))
        for srgb, lab in zip(srgb_of_linear(linear), lab_of_linear(linear), strict=True)
    ]
