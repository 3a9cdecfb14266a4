"""What cloth a garment is made of, as physics sees it: denim hangs in few stiff folds, jersey in many soft ones.

The table's values are of the size that each kind of cloth has, set by looking at pictures, not measured. What counts
for the look of folds is the bending length c = (B / (w g))^(1/3), where B is the bending rigidity and w the weight: how
far a strip hangs over an edge (F. T. Peirce, "The handle of cloth as a measurable quantity", 1930).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fashquick_common.garment import Category, Passport
from fashquick_common.garment.cloth import TextureClass

GRAVITY = 9.81
"""Metres per second squared."""
SURE = 0.5
"""Confidence from which the passport's texture is believed; else a garment is of what is usual for its category."""
FOLD_RADIUS_M = 0.012
"""Radius of the folds at which the mesh bends as the cloth does; distance constraints give way to sharper folds less
and to wider ones more than cloth, whose stiffness does not depend on the radius."""


@dataclass(frozen=True, slots=True)
class Fabric:
    """A kind of cloth.

    Attributes:
        weight_kg_m2: Of a square metre.
        tension_n_m: Newtons that stretch a metre's width to double length, if it stayed linear.
        bending_length_m: Peirce's; 1 cm drapes like silk, 4 cm stands like leather.
        thickness_m: Of all its layers.
        friction: Coefficient on skin and on other cloth.
    """

    weight_kg_m2: float
    tension_n_m: float
    bending_length_m: float
    thickness_m: float
    friction: float

    def stretch_compliance(self, edge_m: float) -> float:
        """Inverse stiffness of an edge of a mesh whose vertices weigh 1.

        In an equilateral mesh of springs an edge's stiffness is sqrt(3)/2 of the membrane's Young modulus times its
        thickness (A. Van Gelder, "Approximate simulation of elastic membranes by triangulated spring meshes", 1998).

        Args:
            edge_m: Length of the mesh's edges.
        """
        return float(self.weight_kg_m2 * _vertex_area(edge_m) / (np.sqrt(3) / 2 * self.tension_n_m))

    def bend_compliance(self, edge_m: float) -> float:
        """Inverse stiffness of the distance between two vertices opposite of each other over an edge.

        Folded around a cylinder of radius R the distance sqrt(3) h shortens by sqrt(3) h (h / (sqrt(3) R))^2 / 8,
        and a third of a vertex's area bends with it; both energies are the same at `FOLD_RADIUS_M`.

        Args:
            edge_m: Length h of the mesh's edges.
        """
        shortened = np.sqrt(3) * edge_m * (edge_m / (np.sqrt(3) * FOLD_RADIUS_M)) ** 2 / 8
        rigidity_over_weight = GRAVITY * self.bending_length_m**3
        return float(3 * shortened**2 * FOLD_RADIUS_M**2 / rigidity_over_weight)


def _vertex_area(edge_m: float) -> float:
    return float(np.sqrt(3) / 2 * edge_m**2)


JERSEY = Fabric(0.16, 150, 0.014, 0.001, 0.4)
POPLIN = Fabric(0.12, 1500, 0.020, 0.0005, 0.3)
CREPE = Fabric(0.12, 500, 0.012, 0.0005, 0.2)
TWILL = Fabric(0.26, 2000, 0.024, 0.001, 0.4)
SUITING = Fabric(0.35, 1500, 0.028, 0.002, 0.4)
COATING = Fabric(0.55, 1500, 0.034, 0.004, 0.45)
KNIT = Fabric(0.35, 80, 0.016, 0.003, 0.5)
RIBBED = Fabric(0.24, 60, 0.014, 0.0015, 0.45)
DENIM = Fabric(0.42, 3000, 0.033, 0.0015, 0.45)
QUILTED = Fabric(0.30, 1500, 0.045, 0.014, 0.3)
LEATHER = Fabric(0.65, 4000, 0.040, 0.002, 0.5)
FLEECE = Fabric(0.32, 200, 0.024, 0.003, 0.5)
LACE = Fabric(0.10, 300, 0.011, 0.0005, 0.3)
CORDUROY = Fabric(0.34, 2000, 0.028, 0.002, 0.45)

BY_TEXTURE: Mapping[TextureClass, Fabric] = MappingProxyType(
    {
        TextureClass.KNIT: KNIT,
        TextureClass.RIBBED: RIBBED,
        TextureClass.DENIM: DENIM,
        TextureClass.QUILTED: QUILTED,
        TextureClass.LEATHER: LEATHER,
        TextureClass.FLEECE: FLEECE,
        TextureClass.LACE: LACE,
        TextureClass.CORDUROY: CORDUROY,
    }
)
"""Fabrics that show in a photo."""
BY_CATEGORY: Mapping[Category, Fabric] = MappingProxyType(
    {
        Category.T_SHIRT: JERSEY,
        Category.LONG_SLEEVE: JERSEY,
        Category.SLEEVELESS_TOP: JERSEY,
        Category.SHIRT: POPLIN,
        Category.SWEATER: KNIT,
        Category.JACKET: SUITING,
        Category.COAT: COATING,
        Category.VEST: SUITING,
        Category.DRESS: CREPE,
        Category.SKIRT: TWILL,
        Category.TROUSERS: TWILL,
        Category.SHORTS: TWILL,
    }
)
"""What garments are usually made of, for smooth cloth and for what cannot be told."""


def fabric_of(passport: Passport) -> Fabric:
    """What a garment is made of: its texture where that is plain to see, else what is usual for its category."""
    texture = passport.texture.guesses[0] if passport.texture and passport.texture.guesses else None
    if texture is not None and texture.confidence >= SURE and texture.texture_class in BY_TEXTURE:
        return BY_TEXTURE[texture.texture_class]
    return JERSEY if passport.category is None else BY_CATEGORY[passport.category]
