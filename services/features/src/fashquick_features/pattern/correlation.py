"""How alike the cloth is to itself a step away: autocorrelation averaged over windows.

Folds bend a pattern, so that far apart it is out of step; within a window of some periods it is not. Power spectra of
windows are averaged (Welch 1967) and turned into an autocorrelation (Wiener-Khinchin); each is divided by that of its
own window and mask, so that the garment's edge does not count (Padfield, "Masked object registration in the Fourier
domain", 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy import fft

from fashquick_features.pattern.flatten import Flat

Floats = npt.NDArray[np.float32]

WINDOW = 64  # pixels of a level; seen periods are up to half of it
REACH = WINDOW // 2
LEVELS = (1, 2, 4)  # shrink factors: windows of 64, 128 and 256 pixels of the view
MOST_WINDOWS = (14, 10, 7)  # a level; more change little and cost time
LEAST_INSIDE = (0.8, 0.6, 0.4)  # part of a window that must be cloth
RADIUS_STEP = 0.5  # pixels
ANGLE_STEP = 3  # degrees
ANGLES = 180 // ANGLE_STEP
RADII = round(REACH / RADIUS_STEP)
LOUD = 2.0  # windows more than this many times as varied as the median weigh no more than that


@dataclass(frozen=True, slots=True)
class Likeness:
    """Autocorrelation of one level.

    Attributes:
        polar: ANGLES x RADII float32, about -1 to 1: row i is the step's direction, i * ANGLE_STEP degrees clockwise
            from the horizontal; column j its length, j * RADIUS_STEP pixels of the level.
        shrink: View pixels a pixel of the level.
        contrast: Standard deviation of the signal, in units of L*.
    """

    polar: Floats
    shrink: int
    contrast: float


def likeness(flat: Flat) -> tuple[Likeness, ...]:
    """Autocorrelation of a garment's strongest colour change, one a level."""
    signal = main_signal(flat)
    weight = flat.inside.astype(np.float32)
    return tuple(_level(signal, weight, index) for index in range(len(LEVELS)))


def main_signal(flat: Flat) -> Floats:
    """Project evened colours on the direction in which they differ most; hxw, 0 outside."""
    values = flat.even[flat.inside]
    if len(values) < 2:
        return np.zeros(flat.inside.shape, np.float32)
    _, axes = np.linalg.eigh(np.cov(values.T.astype(np.float64)))
    axis = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    return np.asarray(flat.even @ axis.astype(np.float32), np.float32)


def _level(signal: Floats, weight: Floats, index: int) -> Likeness:
    shrink = LEVELS[index]
    if shrink > 1:
        small = (max(1, signal.shape[1] // shrink), max(1, signal.shape[0] // shrink))
        mass = np.asarray(cv2.resize(weight, small, interpolation=cv2.INTER_AREA), np.float32)
        total = np.asarray(cv2.resize(signal * weight, small, interpolation=cv2.INTER_AREA), np.float32)
        signal = np.asarray(total / np.maximum(mass, 1e-3), np.float32)
        weight = (mass > 0.5).astype(np.float32)
    short = [max(0, WINDOW - side) for side in signal.shape]
    if any(short):
        room = ((0, short[0]), (0, short[1]))
        signal, weight = np.pad(signal, room), np.pad(weight, room)
    places = _places(weight, LEAST_INSIDE[index], MOST_WINDOWS[index])
    rise = np.hanning(WINDOW + 2)[1:-1]
    bell = np.outer(rise, rise).astype(np.float32)
    seen, masks, spread = [], [], []
    for top, left in places:
        window = (slice(top, top + WINDOW), slice(left, left + WINDOW))
        mask = bell * weight[window]
        values = signal[window]
        mean = float((mask * values).sum() / max(float(mask.sum()), 1e-6))
        values = mask * (values - mean)
        seen.append(values)
        masks.append(mask)
        spread.append(float((values**2).sum() / max(float((mask**2).sum()), 1e-6)))
    size = 2 * WINDOW
    variances = np.array(spread)
    # A window that differs much from the others holds a print's edge or a seam.
    loudness = LOUD * max(float(np.median(variances)), 1e-6)
    share = (np.minimum(variances, loudness) / np.maximum(variances, 1e-6)).astype(np.float32)
    power = (np.abs(fft.rfft2(np.stack(seen), (size, size))) ** 2 * share[:, None, None]).sum(axis=0)
    window_power = np.zeros_like(power)
    scale = (share * variances).astype(np.float32)
    whole = np.array([bool((mask == bell).all()) for mask in masks])
    if whole.any():  # most windows are all cloth and share one spectrum
        window_power += scale[whole].sum() * np.abs(fft.rfft2(bell, (size, size))) ** 2
    if not whole.all():
        cut = np.stack([mask for mask, all_cloth in zip(masks, whole, strict=True) if not all_cloth])
        window_power += (np.abs(fft.rfft2(cut, (size, size))) ** 2 * scale[~whole][:, None, None]).sum(axis=0)
    raw, norm = fft.irfft2(power, (size, size)), fft.irfft2(window_power, (size, size))
    floor = 1e-3 * max(float(norm[0, 0]), 1e-6)
    plane = np.clip(fft.fftshift(raw / np.maximum(norm, floor)), -1, 1).astype(np.float32)
    return Likeness(_polar(plane), shrink, float(np.sqrt(np.minimum(variances, loudness).mean())))


def _places(weight: Floats, least: float, most: int) -> list[tuple[int, int]]:
    """Top left corners of the windows that hold most cloth, spread evenly; at least one."""
    rows, columns = weight.shape
    tops = range(0, rows - WINDOW + 1, WINDOW // 2)
    lefts = range(0, columns - WINDOW + 1, WINDOW // 2)
    total = cv2.integral(weight)

    def held(top: int, left: int) -> float:
        low, right = top + WINDOW, left + WINDOW
        return float(total[low, right] - total[top, right] - total[low, left] + total[top, left]) / WINDOW**2

    found = sorted(((held(top, left), top, left) for top in tops for left in lefts), key=lambda item: -item[0])
    good = sorted((top, left) for share, top, left in found if share >= least)
    if not good:
        return [(found[0][1], found[0][2])]
    picks = np.unique(np.linspace(0, len(good) - 1, min(most, len(good))).round().astype(int))
    return [good[index] for index in picks]


def _polar(plane: Floats) -> Floats:
    """Resample an autocorrelation whose zero step stands at (WINDOW, WINDOW)."""
    turn = np.deg2rad(np.arange(ANGLES) * ANGLE_STEP)[:, None]
    radius = (np.arange(RADII) * RADIUS_STEP)[None]
    x = (WINDOW + radius * np.cos(turn)).astype(np.float32)
    y = (WINDOW + radius * np.sin(turn)).astype(np.float32)
    return np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR), np.float32)
