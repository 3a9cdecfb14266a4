"""Shapes of body by name, and what a clothes size changes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from fashquick_common.errors import BadField
from fashquick_generation.engine import Figure, Phenotype

PRESETS: Mapping[str, Phenotype] = MappingProxyType(
    {
        "woman": Phenotype(gender=1.0, age=0.0, height=0.62, weight=0.42, muscle=0.55, proportions=0.05),
        "man": Phenotype(gender=0.0, age=0.0, height=0.60, weight=0.48, muscle=0.68, proportions=0.05),
        "curvy": Phenotype(gender=1.0, age=0.0, height=0.55, weight=0.85, muscle=0.50, proportions=0.30),
    }
)
"""Bodies by name."""


def phenotype_of(figure: Figure) -> Phenotype:
    """The shape of a figure's body.

    Raises:
        BadField: There is no such preset or size, or a phenotype is not from 0 to 1.
    """
    if figure.phenotype is not None:
        return _checked(figure.phenotype)
    if figure.body not in PRESETS:
        raise BadField(f"body {figure.body!r} is unknown; choose one of {', '.join(PRESETS)}", field="body")
    return PRESETS[figure.body]


def _checked(phenotype: Phenotype) -> Phenotype:
    for field in fields(phenotype):
        value = getattr(phenotype, field.name)
        if not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise BadField(
                f"phenotype.{field.name} is {value}; give a number from 0 to 1", field=f"phenotype.{field.name}"
            )
    return phenotype
