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
        "woman": Phenotype(gender=1.0, age=0.0, height=0.62, weight=0.36, muscle=0.52, proportions=0.85),
        "man": Phenotype(gender=0.0, age=0.0, height=0.56, weight=0.45, muscle=0.62, proportions=0.70),
        "curvy": Phenotype(gender=1.0, age=0.0, height=0.50, weight=0.82, muscle=0.48, proportions=0.80),
    }
)
"""Bodies by name."""


def phenotype_of(figure: Figure) -> Phenotype:
    """The shape of a figure's body, complete.

    Raises:
        BadField: There is no such preset or size, or a phenotype is not from 0 to 1.
    """
    if figure.body not in PRESETS:
        raise BadField(f"body {figure.body!r} is unknown; choose one of {', '.join(PRESETS)}", field="body")
    return replace(PRESETS[figure.body], **_given(figure.phenotype))


def _given(phenotype: Phenotype) -> dict[str, float]:
    given = {name: value for name, value in asdict(phenotype).items() if value is not None}
    for name, value in given.items():
        if not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise BadField(f"phenotype.{name} is {value}; give a number from 0 to 1", field=f"phenotype.{name}")
    return given
