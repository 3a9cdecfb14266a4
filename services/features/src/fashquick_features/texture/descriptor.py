"""A garment's texture as numbers: co-occurrences, local binary patterns and Gabor energies of the flattened cloth."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

from fashquick_common.cancel import CancelFlag
from fashquick_features.shape.upright import Upright
from fashquick_features.texture.cloth import Cloth, Floats, Mask, cloth_of

# Co-occurrences (Haralick, Shanmugam, Dinstein, "Textural features for image classification", 1973).
LEVELS = 16  # of grey; finer ones only count noise
LEVEL_RANGE = (0.7, 1.3)  # of the flattened lightness; cloth strays little from 1, prints saturate
DISTANCES = (1, 3, 8)  # pixels: threads, stitches, ribs at the working size
ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
PROPERTIES = ("contrast", "homogeneity", "energy", "correlation")
# Uniform, rotation-invariant local binary patterns (Ojala, Pietikäinen, Mäenpää, 2002), at half and quarter size:
# at full size they see the camera's noise and sharpening.
NEIGHBOURS = 8
BINS = NEIGHBOURS + 2
LBP_OCTAVES = 2
LBP_STEP = 1 / 255  # neighbours that differ by less are alike
# Gabor bank: one period on a pyramid, so that every octave costs a quarter of the one before.
PERIOD_PX = 4.0
OCTAVES = 4  # periods of 4, 8, 16 and 32 pixels
ORIENTATIONS = 4
STATISTICS_PX = 12_000  # pixels that means and quantiles are taken over: good to one per cent
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

PER_OCTAVE = 6
STRUCTURE_LENGTH: Final = 2 * len(DISTANCES) * len(PROPERTIES) + LBP_OCTAVES * BINS + OCTAVES * PER_OCTAVE + 8
COLOUR_LENGTH: Final = 11
LENGTH: Final = STRUCTURE_LENGTH + COLOUR_LENGTH
STRUCTURE: Final = slice(0, STRUCTURE_LENGTH)  # what does not change when the cloth is dyed
COLOUR: Final = slice(STRUCTURE_LENGTH, LENGTH)  # how the colour varies, which tells denim and leather


def describe(view: Upright, cancel: CancelFlag) -> Floats:
    """Describe a garment's texture.

    Args:
        view: The garment upright, of any size.
        cancel: Checked between the steps.

    Returns:
        `LENGTH` float32, finite; `STRUCTURE` and `COLOUR` say what stands where.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    return describe_cloth(cloth_of(view), cancel)


def describe_cloth(cloth: Cloth, cancel: CancelFlag) -> Floats:
    """Describe flattened cloth; see `describe`."""
    parts = []
    for part in (_cooccurrences, _binary_patterns, _gabor_energies, _distribution, _colour):
        cancel.check()
        parts.append(part(cloth))
    vector = np.nan_to_num(np.concatenate(parts), nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(vector, np.float32)


def _cooccurrences(cloth: Cloth) -> Floats:
    """Mean and range over the directions of Haralick's measures, at each distance."""
    low, high = LEVEL_RANGE
    grey = np.clip((cloth.flat - low) / (high - low) * LEVELS, 0, LEVELS - 1).astype(np.uint8)
    grey[~cloth.inner] = LEVELS  # a level of its own, dropped below
    counts = graycomatrix(grey, DISTANCES, ANGLES, levels=LEVELS + 1)[:LEVELS, :LEVELS].astype(np.float64)  # type: ignore[no-untyped-call]  # scikit-image has no types
    shares = counts / np.maximum(counts.sum(axis=(0, 1), keepdims=True), 1)
    values = []
    for name in PROPERTIES:
        by_angle = graycoprops(shares, name)  # type: ignore[no-untyped-call]  # scikit-image has no types
        spread = np.ptp(by_angle, axis=1)
        mean = by_angle.mean(axis=1)
        values += [np.log(mean + 0.01), np.log(spread + 0.01)] if name == "contrast" else [mean, spread]
    return np.concatenate(values).astype(np.float32)


def _binary_patterns(cloth: Cloth) -> Floats:
    values = []
    flat, inner = cloth.flat, cloth.inner
    for _ in range(LBP_OCTAVES):
        flat, inner = _halved(flat, inner)
        codes = local_binary_pattern(np.round(flat / LBP_STEP).astype(np.uint16), NEIGHBOURS, 1, "uniform")  # type: ignore[no-untyped-call]  # scikit-image has no types
        counts = np.bincount(codes[inner].astype(np.intp), minlength=BINS)
        values.append(np.sqrt(counts / max(1, counts.sum())))  # square roots: rare patterns count too
    return np.concatenate(values).astype(np.float32)


def gabor_kernels() -> list[Floats]:
    """Even Gabor kernels of `PERIOD_PX`, without response to even cloth; the k-th has lines turned by k * 45 degrees.

    Bandwidth of one octave: sigma = 0.56 periods (Jain, Farrokhnia, "Unsupervised texture segmentation using Gabor
    filters", 1991).
    """
    kernels = []
    for k in range(ORIENTATIONS):
        # OpenCV's theta is the direction across the lines, y down; ours is that of the lines, y up.
        theta = np.pi / 2 - k * np.pi / ORIENTATIONS
        kernel = cv2.getGaborKernel((11, 11), 0.56 * PERIOD_PX, theta, PERIOD_PX, 1.0, 0.0, cv2.CV_32F)
        kernel -= kernel.mean()
        kernels.append(np.asarray(kernel / np.abs(kernel).sum(), np.float32))
    return kernels


_KERNELS: Final = gabor_kernels()


def _gabor_energies(cloth: Cloth) -> Floats:
    """Of each octave: mean, evenness and skew of the energy, how much of it lies across, along and in lines."""
    turn = 2 * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS  # twice the angle: lines have no sign
    values: list[float] = []
    flat, inner = cloth.flat, cloth.inner
    for octave in range(OCTAVES):
        if octave:
            flat, inner = _halved(flat, inner)
        places = _sample(inner)
        energies = np.stack([cv2.filter2D(flat, cv2.CV_32F, kernel)[places] ** 2 for kernel in _KERNELS])
        # The strongest twentieth are edges of prints and pockets.
        total = energies.sum(axis=0)
        limit = np.quantile(total, 0.95)
        mean = energies[:, total <= limit].mean(axis=1)
        whole = float(mean.sum()) + 1e-7
        values += [
            float(np.log(whole)),
            float(np.log(np.median(total) + 1e-7) - np.log(whole)),
            float(np.log(limit + 1e-7) - np.log(whole)),
            float(mean @ np.cos(turn)) / whole,
            abs(float(mean @ np.sin(turn))) / whole,
            float(mean.max() - mean.min()) / whole,
        ]
    return np.array(values, np.float32)


def _distribution(cloth: Cloth) -> Floats:
    """Quantiles of the flattened lightness, its deviation, skew and kurtosis."""
    values = cloth.flat[_sample(cloth.inner)].astype(np.float64)
    centred = values - values.mean()
    square = centred * centred
    sigma = float(np.sqrt(square.mean())) + 1e-3
    skew, kurtosis = (square * centred).mean() / sigma**3, (square * square).mean() / sigma**4
    shape = [np.log(sigma), np.clip(skew, -4, 4), np.log(kurtosis + 1)]
    return np.array([*(np.quantile(values, QUANTILES) - 1), *shape], np.float32)


def _colour(cloth: Cloth) -> Floats:
    """Lab mean and deviation, how the colour goes with the lightness, and how far light and dark lie apart."""
    lab = cloth.lab[_sample(cloth.inner)].astype(np.float64)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    light = lab[:, 0] - lab[:, 0].mean()
    power = float(light @ light) + len(light)  # plus the noise of one unit, so that even cloth has no slope
    slopes = [float(light @ (values - values.mean())) / power for values in (lab[:, 1], lab[:, 2], chroma)]
    quantiles = np.quantile(lab[:, 0], (0.1, 0.9))
    return np.array(
        [*lab.mean(axis=0) / 50, *lab.std(axis=0) / 20, chroma.mean() / 50, *slopes, np.ptp(quantiles) / 50], np.float32
    )


def _sample(inner: Mask) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of an even sample of a mask's pixels."""
    rows, columns = np.nonzero(inner)
    step = max(1, len(rows) // STATISTICS_PX) | 1  # odd: even steps fall into the columns of a regular crop
    return rows[::step], columns[::step]


def _halved(flat: Floats, inner: Mask) -> tuple[Floats, Mask]:
    height, width = flat.shape
    size = max(1, width // 2), max(1, height // 2)
    small = np.asarray(cv2.resize(flat, size, interpolation=cv2.INTER_AREA), np.float32)
    inside: npt.NDArray[np.uint8] = np.asarray(
        cv2.resize(inner.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST), np.uint8
    )
    # A part of a few pixels may fall between the samples.
    return small, np.asarray(inside > 0) if inside.any() else np.ones(small.shape, np.bool_)
