"""What the stages say to each other about a garment, as plain values.

The wire form is `fashquick.garment.v1`; `fashquick_common.garment_codec` turns one into the other. Left and
right are the wearer's: with the front towards the camera, the wearer's left is the right side of the photo.
"""

from fashquick_common.garment.cloth import (
    Box,
    Pattern,
    PatternGuess,
    PatternKind,
    Print,
    Repeat,
    TextLine,
    TextReading,
    Texture,
    TextureClass,
    TextureGuess,
)
from fashquick_common.garment.colour import UNKNOWN_LIGHT, Colour, ColourRole, Light, LightEvidence, PaletteColour
from fashquick_common.garment.fidelity import (
    FidelityControl,
    FidelityControlResult,
    FidelityGrade,
    FidelityMeasure,
    FidelityMeasurement,
    FidelityReport,
)
from fashquick_common.garment.passport import Area, FeatureVector, Passport, VectorBlock
from fashquick_common.garment.shape import (
    Answer,
    Category,
    CategoryGuess,
    Front,
    Geometry,
    KnownLength,
    Landmark,
    LandmarkName,
    LegLength,
    Measurement,
    MeasurementName,
    Neckline,
    SleeveLength,
)

__all__ = [
    "UNKNOWN_LIGHT",
    "Answer",
    "Area",
    "Box",
    "Category",
    "CategoryGuess",
    "Colour",
    "ColourRole",
    "FeatureVector",
    "FidelityControl",
    "FidelityControlResult",
    "FidelityGrade",
    "FidelityMeasure",
    "FidelityMeasurement",
    "FidelityReport",
    "Front",
    "Geometry",
    "KnownLength",
    "Landmark",
    "LandmarkName",
    "LegLength",
    "Light",
    "LightEvidence",
    "Measurement",
    "MeasurementName",
    "Neckline",
    "PaletteColour",
    "Passport",
    "Pattern",
    "PatternGuess",
    "PatternKind",
    "Print",
    "Repeat",
    "SleeveLength",
    "TextLine",
    "TextReading",
    "Texture",
    "TextureClass",
    "TextureGuess",
    "VectorBlock",
]
