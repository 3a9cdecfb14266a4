"""Cloth printed all over: flowers, animal skins, camouflage, repeated motifs, paisley and dyed cloth."""

from __future__ import annotations

import numpy as np

from benchmarks.drawn.cloth import APART, Canvas, Cloth, Labels, phase, roles_of, scatter
from benchmarks.drawn.colours import Colour, colour, colour_apart
from benchmarks.drawn.motifs import FIGURES, blob, drop, fill, leaf, line, petals, placed


def floral(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Flowers and leaves: small and scattered, large and crowded, filled or drawn in outline."""
    base = colour(rng)
    green = (int(rng.integers(30, 110)), int(rng.integers(80, 150)), int(rng.integers(40, 100)))
    leaves = green if rng.random() < 0.65 else colour_apart(rng, [base], APART)
    blossoms = [colour_apart(rng, [base, leaves], APART + 8) for _ in range(int(rng.integers(1, 4)))]
    shades = [_deeper(blossom) for blossom in blossoms]
    heart = colour_apart(rng, [base, *blossoms], APART)
    picked = (base, leaves, heart, *blossoms, *shades)
    size = float(np.exp(rng.uniform(np.log(0.019), np.log(0.085))))
    spacing = size * float(rng.uniform(1.9, 3.4))
    outlined, stems, shaded = rng.random() < 0.2, rng.random() < 0.45, rng.random() < 0.5
    count, depth, tip = int(rng.choice([4, 5, 5, 6, 8])), float(rng.uniform(0.25, 0.6)), float(rng.uniform(0.4, 1.2))
    slim, leafed = float(rng.uniform(0.25, 0.5)), float(rng.uniform(0.3, 1.0))
    label = canvas.blank()
    unit = canvas.unit
    places = canvas.px(scatter(spacing, 0.36, rng))
    for place in places:
        for _ in range(int(rng.integers(1, 4)) if rng.random() < leafed else 0):
            turn = float(rng.uniform(0, 2 * np.pi))
            away = np.array([np.cos(turn), np.sin(turn)]) * size * unit * rng.uniform(1.0, 1.5)
            if stems:
                line(label, np.stack([place, place + away]), 1, 0.1 * size * unit, closed=False)
            shape = placed(leaf(slim), place + away, size * unit * float(rng.uniform(0.45, 0.8)), turn)
            fill(label, shape, 1)
    for place in places:
        kind = int(rng.integers(len(blossoms)))
        grown = size * unit * float(rng.uniform(0.7, 1.15))
        turn = float(rng.uniform(0, 2 * np.pi))
        squash = np.array([1.0, rng.uniform(0.65, 1.0)])
        shape = placed(petals(count, depth, tip) * squash, place, grown, turn)
        if outlined:
            line(label, shape, 3 + kind, max(1.0, 0.14 * grown), closed=True)
        else:
            fill(label, shape, 3 + kind)
            if shaded:
                inner = placed(petals(count, depth, tip) * squash, place, 0.58 * grown, turn)
                fill(label, inner, 3 + len(blossoms) + kind)
        fill(label, placed(petals(6, 0.1, 1.0), place, 0.24 * grown, turn), 2)
    return Cloth(label, picked, roles_of(len(picked)))


def _deeper(of: Colour) -> Colour:
    red, green, blue = (round(0.72 * value) for value in of)
    return red, green, blue


def allover(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """One of the prints below."""
    makers = (_leopard, _zebra, _camouflage, _motifs, _motifs, _paisley, _zigzag, _dyed, _splashes, _tiles)
    return makers[int(rng.integers(len(makers)))](canvas, rng)


def _leopard(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    natural = rng.random() < 0.7
    base: Colour = (208, 168, 112) if natural else colour(rng)
    inner: Colour = (160, 108, 60) if natural else colour_apart(rng, [base], 12)
    dark: Colour = (38, 28, 24) if natural else colour_apart(rng, [base, inner], APART, darkness=20)
    size = float(np.exp(rng.uniform(np.log(0.01), np.log(0.035))))
    label = canvas.blank()
    for place in canvas.px(scatter(size * 2.5, 0.3, rng)):
        shape = placed(blob(rng, 0.5), place, size * canvas.unit, 0.0)
        fill(label, shape, 2)
        if rng.random() < 0.8:
            gap = placed(
                blob(rng, 0.4), place + rng.normal(0, 0.18 * size * canvas.unit, 2), 0.58 * size * canvas.unit, 0.0
            )
            fill(label, gap, 1)
    return Cloth(label, (base, inner, dark), roles_of(3))


def _zebra(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    base: Colour = (238, 234, 226) if rng.random() < 0.6 else colour(rng)
    dark = colour_apart(rng, [base], APART, darkness=30)
    period = float(rng.uniform(0.03, 0.08))
    u, v = canvas.units
    bend = canvas.noise(0.12, rng) * 0.9 + canvas.noise(0.05, rng) * 0.3
    wave = np.sin(2 * np.pi * (v / period + 0.5 * u / period * np.sin(6 * u)) + 2.6 * bend)
    label = (wave + 0.35 * canvas.noise(0.04, rng) > 0.1).astype(np.uint8)
    return Cloth(label, (base, dark), roles_of(2))


def _camouflage(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    sets: tuple[tuple[Colour, ...], ...] = (
        ((110, 112, 74), (66, 74, 46), (150, 136, 98), (40, 38, 32)),
        ((140, 142, 144), (92, 94, 98), (196, 198, 200), (44, 46, 50)),
        ((190, 170, 130), (150, 122, 86), (112, 92, 66), (224, 208, 176)),
        ((78, 96, 130), (40, 52, 84), (130, 146, 170), (24, 28, 44)),
    )
    picked = sets[int(rng.integers(len(sets)))]
    cell = float(rng.uniform(0.03, 0.1))
    label = canvas.blank()
    for value in (1, 2, 3):
        label[canvas.noise(cell, rng) + 0.3 * canvas.noise(cell / 3, rng) > 0.55] = value
    return Cloth(label, picked, roles_of(4))


def _motifs(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Small figures, in rows or scattered."""
    base = colour(rng)
    picked = [base, *(colour_apart(rng, [base], APART + 6) for _ in range(int(rng.choice([1, 1, 2, 3]))))]
    spacing = float(np.exp(rng.uniform(np.log(0.05), np.log(0.16))))
    size = spacing * float(rng.uniform(0.26, 0.42))
    figures = [FIGURES[int(index)]() for index in rng.integers(0, len(FIGURES), int(rng.choice([1, 1, 2, 3])))]
    regular, turned = rng.random() < 0.5, rng.random() < 0.5
    outlined = rng.random() < 0.2
    label = canvas.blank()
    for place in canvas.px(scatter(spacing, 0.0 if regular else 0.25, rng)):
        shape = figures[int(rng.integers(len(figures)))]
        turn = float(rng.uniform(0, 2 * np.pi)) if turned else 0.0
        points = placed(shape, place, size * canvas.unit, turn)
        value = int(rng.integers(1, len(picked)))
        if outlined:
            line(label, points, value, max(1.0, 0.16 * size * canvas.unit), closed=True)
        else:
            fill(label, points, value)
    return Cloth(label, tuple(picked), roles_of(len(picked)))


def _paisley(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    base = colour(rng)
    picked = [base]
    for _ in range(3):
        picked.append(colour_apart(rng, picked, APART))
    size = float(rng.uniform(0.03, 0.08))
    label = canvas.blank()
    places = canvas.px(scatter(size * 2.3, 0.22, rng))
    for place in places:
        turn = float(rng.uniform(0, 2 * np.pi))
        for part, value in ((1.0, 1), (0.78, 2), (0.5, 3), (0.26, 0)):
            fill(label, placed(drop(), place, part * size * canvas.unit, turn), value)
        for step in range(8):
            bead = 2 * np.pi * step / 8
            away = placed(np.array([[0.85 * np.cos(bead), 1.25 * np.sin(bead)]]), place, size * canvas.unit, turn)[0]
            fill(label, placed(petals(5, 0.3, 1.0), away, 0.1 * size * canvas.unit, 0.0), 1 + step % 3)
    return Cloth(label, tuple(picked), roles_of(4))


def _zigzag(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Zigzags, waves or a trellis."""
    base = colour(rng)
    picked = [base, colour_apart(rng, [base], APART + 6)]
    picked.append(colour_apart(rng, picked, APART))
    period, width = float(rng.uniform(0.03, 0.1)), float(rng.uniform(0.04, 0.12))
    u, v = canvas.units
    tooth = np.abs(np.mod(u / np.float32(width), 1.0) - 0.5) * 2
    if rng.random() < 0.35:
        tooth = 0.5 + 0.5 * np.sin(2 * np.pi * u / np.float32(width))
    at = np.mod(v / np.float32(period) + tooth * rng.uniform(0.6, 1.4), 1.0)
    edges = np.array([0.4, 0.6]) if rng.random() < 0.5 else np.array([0.5, 1.0])
    return Cloth(np.searchsorted(edges, at).astype(np.uint8), tuple(picked), roles_of(3))


def _dyed(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Marble, clouds or tie-dye."""
    first = colour(rng)
    last = colour_apart(rng, [first], APART + 14)
    count = 9
    ramp = [
        tuple(round(a + (b - a) * step / (count - 1)) for a, b in zip(first, last, strict=True))
        for step in range(count)
    ]
    cell = float(rng.uniform(0.05, 0.16))
    wave = canvas.noise(cell, rng) + 0.5 * canvas.noise(cell / 2, rng) + 0.25 * canvas.noise(cell / 4, rng)
    style = rng.random()
    u, v = canvas.units
    if style < 0.35:
        radius = np.hypot(u - rng.uniform(-0.1, 0.1), v - rng.uniform(0.3, 0.6))
        wave = 1.2 * np.sin(2 * np.pi * radius / rng.uniform(0.1, 0.25) + 0.8 * wave) + 0.3 * wave
    elif style < 0.65:
        wave = 1.3 * (1 - 2 * np.abs(np.sin(1.6 * wave)))
    label = np.clip(np.round((wave + 1.4) / 2.8 * (count - 1)), 0, count - 1).astype(np.uint8)
    return Cloth(label, tuple((r, g, b) for r, g, b in ramp), roles_of(count))


def _splashes(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Brush strokes and splashes of several colours."""
    base = colour(rng)
    picked = [base, *(colour_apart(rng, [base], APART) for _ in range(int(rng.integers(2, 5))))]
    size = float(rng.uniform(0.02, 0.06))
    label = canvas.blank()
    for place in canvas.px(scatter(size * 2.2, 0.5, rng)):
        shape = blob(rng, 0.7) * (1.0, float(rng.uniform(0.3, 1.0)))
        turn = float(rng.uniform(0, 2 * np.pi))
        points = placed(shape, place, size * canvas.unit * float(rng.uniform(0.3, 1.3)), turn)
        fill(label, points, int(rng.integers(1, len(picked))))
    return Cloth(label, tuple(picked), roles_of(len(picked)))


def _tiles(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Folk bands: rows of zigzags, diamonds and bars one below the other."""
    base = colour(rng)
    picked = [base, colour_apart(rng, [base], APART + 6)]
    picked.append(colour_apart(rng, picked, APART))
    u, v = canvas.units
    row_height = float(rng.uniform(0.05, 0.12))
    label: Labels = canvas.blank()
    at = phase(canvas, 0.0, row_height, 0.0)
    for kind in range(4):
        width = float(rng.uniform(0.02, 0.07))
        tooth = np.abs(np.mod(u / np.float32(width), 1.0) - 0.5) * 2
        band = np.mod(np.floor(v / np.float32(row_height)), 4) == kind
        style = int(rng.integers(4))
        lit = (
            (
                np.abs(at - 0.5) * 2 < tooth,
                np.abs(at - 0.2 - 0.5 * tooth) < 0.12,
                (tooth > 0.5) & (at > 0.3),
                at + tooth < 0.8,
            )
        )[style]
        label[np.broadcast_to(band, canvas.shape) & lit] = 1 + kind % 2
    return Cloth(label, tuple(picked), roles_of(3))
