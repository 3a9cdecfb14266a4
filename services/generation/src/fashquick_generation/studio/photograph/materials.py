"""How surfaces return light, beside their colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from fashquick_common.garment import Texture, TextureClass


@dataclass(frozen=True, slots=True)
class Material:
    """What a surface adds to the light that its colour returns, in every direction alike.

    Attributes:
        fuzz: Linear light of the fibres that stand out, where the surface is seen edge on.
        gloss: Linear light of a highlight's middle.
        sharpness: Exponent of the highlight (J. F. Blinn, "Models of light reflection", 1977); larger is smaller.
    """

    fuzz: float
    gloss: float
    sharpness: float


COMPANION = Material(0.02, 0.0, 1.0)
JERSEY = Material(0.03, 0.010, 12.0)
"""A faint, broad highlight, without which black cloth shows no folds."""
CLOTH: Mapping[TextureClass, Material] = MappingProxyType(
    {
        TextureClass.SMOOTH: Material(0.02, 0.015, 14.0),
        TextureClass.DENIM: Material(0.02, 0.008, 12.0),
        TextureClass.LEATHER: Material(0.015, 0.10, 36.0),
        TextureClass.QUILTED: Material(0.02, 0.05, 20.0),
        TextureClass.FLEECE: Material(0.06, 0.0, 1.0),
        TextureClass.CORDUROY: Material(0.05, 0.0, 1.0),
    }
)
"""Of cloth whose class is known to differ from jersey."""
LEAST_GLOSS = 0.006
"""Highlight that any cloth keeps: even a photo in flat light leaves black cloth its folds."""


def cloth_of(texture: Texture | None) -> Material:
    """The material of a garment, by what is known of its cloth."""
    guesses = () if texture is None else texture.guesses
    return CLOTH.get(guesses[0].texture_class, JERSEY) if guesses else JERSEY


def as_shown(material: Material, sheen: float) -> Material:
    """A material with no more gloss than its photo shows: black quilting, say, is matt or patent.

    Args:
        material: The usual one of the cloth's class.
        sheen: From the cloth's `Texture`.
    """
    return replace(material, gloss=min(material.gloss, max(sheen, LEAST_GLOSS)))
