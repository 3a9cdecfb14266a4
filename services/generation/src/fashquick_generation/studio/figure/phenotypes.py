"""Shapes of body by name, and what a clothes size changes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType

from fashquick_common.errors import BadField
from fashquick_generation.engine import Figure, Phenotype

PRESETS: Mapping[str, Phenotype] = MappingProxyType(
    {
        "woman": Phenotype(gender=1.0, age=0.0, height=0.62, weight=0.34, muscle=0.50, proportions=0.75),
        "man": Phenotype(gender=0.0, age=0.0, height=0.56, weight=0.36, muscle=0.42, proportions=0.55),
        "curvy": Phenotype(gender=1.0, age=0.0, height=0.50, weight=0.75, muscle=0.15, proportions=0.90),
    }
)
"""Bodies by name: a woman of 1.77 m, a man of 1.87 m, a woman of 1.71 m with full hips and chest."""

Girth = tuple[float, float]
_WOMEN: Mapping[str, Girth] = MappingProxyType(
    {
        "XS": (0.10, 0.25),
        "S": (0.26, 0.38),
        "M": (0.40, 0.42),
        "L": (0.62, 0.30),
        "XL": (0.76, 0.16),
        "XXL": (0.88, 0.06),
        "3XL": (1.00, 0.00),
    }
)
_MEN: Mapping[str, Girth] = MappingProxyType(
    {
        "XS": (0.10, 0.05),
        "S": (0.18, 0.16),
        "M": (0.28, 0.26),
        "L": (0.42, 0.30),
        "XL": (0.60, 0.25),
        "XXL": (0.76, 0.14),
        "3XL": (0.94, 0.05),
    }
)
SIZES: Mapping[str, Mapping[str, Girth]] = MappingProxyType({"woman": _WOMEN, "man": _MEN, "curvy": _WOMEN})
"""Weight and muscle of each clothes size, by preset: chests of 0.88 to 1.16 m, of men 0.92 to 1.29 m, in even steps.

Fuller bodies are softer ones: anny's weight alone adds little to an athletic body.
"""


def phenotype_of(figure: Figure) -> Phenotype:
    """The shape of a figure's body, complete.

    Raises:
        BadField: There is no such preset or size, or a phenotype is not from 0 to 1.
    """
    if figure.body not in PRESETS:
        raise BadField(f"body {figure.body!r} is unknown; choose one of {', '.join(PRESETS)}", field="body")
    return replace(_sized(figure.body, figure.size), **_given(figure.phenotype))


def _sized(body: str, size: str) -> Phenotype:
    if not size:
        return PRESETS[body]
    if size not in SIZES[body]:
        raise BadField(f"size {size!r} is unknown; choose one of {', '.join(SIZES[body])}", field="size")
    weight, muscle = SIZES[body][size]
    return replace(PRESETS[body], weight=weight, muscle=muscle)


def _given(phenotype: Phenotype) -> dict[str, float]:
    given = {name: value for name, value in asdict(phenotype).items() if value is not None}
    for name, value in given.items():
        if not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise BadField(f"{name} is {value}; give a number from 0 to 1", field=f"phenotype.{name}")
    return given
