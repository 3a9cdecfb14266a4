"""The light a photo was taken in, and colours without it.

Cameras balance white themselves, so most photos are nearly neutral, and most coloured grounds are coloured cloth,
wood or walls: to take those for a cast turns a right colour wrong. The estimate therefore looks at whole surfaces
(after Finlayson, Hordley, Hubel, "Color by correlation", 2001) and believes

- a ground that is nearly neutral, its tinge only in part where nothing else shows it;
- a stronger cast only where two things of different brightness show the same one, it lies on the locus of daylight
  and lamps, and nothing in the photo is nearly neutral.

How bright the photo is follows from a ground that is near white and among the brightest things in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import UNKNOWN_LIGHT, Light, LightEvidence
from fashquick_common.image.spaces import Floats, linear_of_daylight
from fashquick_features.colour.surfaces import Scene, Surface, survey
from fashquick_features.shape.outline import Plane

NEUTRAL_AB = 7.0  # chroma up to which a surface may be a white, grey or black under a camera's own white balance
SURE_AB = 3.0  # chroma up to which a lone ground is believed as it is
ALONE = 0.3  # part of a lone ground's chroma beyond `SURE_AB` that is put down to the light
AGREE_AB = 3.0  # distance within which two nearly neutral surfaces show the same light
TONES = 1.6  # brightness ratio from which on two surfaces are two things
STRONG_TONES = 2.0  # likewise where they are to prove a strong cast: clothes and floors share tinges by chance
TWO_TONES = 8.0  # brightness ratio within one surface that folds do not reach: it is black and white, say

STRONG_AGREE = 0.09  # log ratio within which two surfaces show the same strong cast
STRONGEST_AB = 55.0  # chroma of a mid grey under a 2,400 K lamp seen by a camera set to daylight
OFF_LOCUS = 0.14  # log ratio: distance from the locus up to which light is daylight or a lamp
LOCUS: Final = np.log(linear_of_daylight(1e6 / np.arange(95.0, 420.0, 5.0))[:, [0, 2]])  # 10,500 to 2,400 K
CONTRARY_SHARE = 0.03  # of the photo: this much of something nearly neutral speaks against a strong cast

WHITE = 0.85  # reflectance of white cotton, paper and wall paint (0.8 to 0.9)
DARKEST_WHITE = 0.41  # luminance of a white 1.05 stops too dark; a darker ground may as well be grey
NEAR_BRIGHTEST = 0.75  # a white ground is at least this part of the brightest twentieth of the photo
DYED_AB, DYED_LEAST = 5.0, 0.9  # chroma of dyed cloth beside a white ground, and brightness that it does not reach
BURNT_SHARE = 0.5  # of the ground: a ground cut out to pure white, or burnt out, is white but not how white


@dataclass(frozen=True, slots=True)
class _Cast:
    """A cast and what it was told by: `ab` is CIE a*, b* of a mid grey, `ground` the surface that shows it, if any."""

    ab: Floats
    ground: Surface | None
    confidence: float


def estimate(photo: npt.NDArray[np.uint8], alpha: Plane, cancel: CancelFlag) -> Light:
    """Tell the light from the ground and from what is nearly neutral.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, garment where >= `outline.OPAQUE`.
        cancel: Checked between the steps.

    Returns:
        The light; `UNKNOWN_LIGHT` where the photo does not tell.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    scene = survey(photo, alpha)
    cancel.check()
    cast = _strong(scene) or _shared(_weak(scene), scene)
    if cast is None and scene.burnt >= BURNT_SHARE:
        return Light(LightEvidence.GROUND, (0.0, 0.0), 0.0, 0.4)
    if cast is None:
        return UNKNOWN_LIGHT
    evidence = LightEvidence.NEUTRALS if cast.ground is None else LightEvidence.GROUND
    return Light(evidence, (float(cast.ab[0]), float(cast.ab[1])), _exposure(scene, cast.ground), cast.confidence)


def corrected(linear: Floats, light: Light) -> Floats:
    """Show colours as they would be under neutral light of usual brightness.

    One gain a channel (von Kries) in linear sRGB, the space in which cameras' white balance is seen after the fact.

    Args:
        linear: (..., 3) linear sRGB.
        light: The photo's light.

    Returns:
        (..., 3) linear sRGB, not clipped.
    """
    return np.asarray(linear * np.array(light.gains))


def _strong(scene: Scene) -> _Cast | None:
    """A cast that two surfaces of different brightness share and nothing contradicts."""
    neutral = [surface for surface in scene.surfaces if surface.chroma <= NEUTRAL_AB]
    if sum(surface.share for surface in neutral) >= CONTRARY_SHARE:
        return None
    for ground in scene.surfaces:
        bright = ground.luminance >= NEAR_BRIGHTEST * scene.brightest
        lamp = float(np.hypot(*(LOCUS - ground.at).T).min()) <= OFF_LOCUS
        if not (ground.ground and ground.even and bright and lamp and ground.chroma <= STRONGEST_AB):
            continue
        for other in scene.surfaces:
            same = float(np.hypot(*(other.at - ground.at))) <= STRONG_AGREE
            tones = max(other.luminance, ground.luminance) / min(other.luminance, ground.luminance)
            if other.even and same and tones >= STRONG_TONES:
                return _Cast(ground.ab, ground, 0.6)
    return None


def _weak(scene: Scene) -> _Cast | None:
    """The tinge of what is nearly neutral."""
    near = [surface for surface in scene.surfaces if surface.chroma <= NEUTRAL_AB]
    grounds = [surface for surface in near if surface.ground]
    groups = [[two for two in near if np.hypot(*(two.ab - one.ab)) <= AGREE_AB] for one in near]
    agreed = [group for group in groups if _two_things(group)]
    if agreed:
        best = max(agreed, key=lambda group: sum(surface.share for surface in group))
        shown = [surface for surface in best if surface.ground] or best
        ab = np.average([surface.ab for surface in shown], axis=0, weights=[surface.share for surface in shown])
        return _Cast(ab, shown[0] if shown[0].ground else None, 0.8 if shown[0].ground else 0.5)
    if not grounds:
        return None
    ground = grounds[0]
    if ground.chroma <= SURE_AB:
        return _Cast(ground.ab, ground, 0.7)
    # The ground's own tinge or the light's: a garment less tinged than the ground pulls towards neutral.
    others = [surface for surface in near if not surface.ground and surface.chroma < ground.chroma]
    ab = np.mean([ground.ab, others[0].ab], axis=0) if others else ground.ab
    chroma = float(np.hypot(*ab))
    kept = SURE_AB + ALONE * (chroma - SURE_AB) if chroma > SURE_AB else chroma
    return _Cast(ab * kept / max(chroma, 1e-9), ground, 0.4)


def _shared(cast: _Cast | None, scene: Scene) -> _Cast | None:
    """The part of a faint cast that a nearly neutral garment shows too.

    White, grey and black are commoner than their tinges: a ground that would make a garment less neutral than the
    photo shows it is tinged itself.
    """
    garment = next((one for one in scene.surfaces if not one.ground and one.chroma <= NEUTRAL_AB), None)
    if cast is None or garment is None:
        return cast
    part = float(garment.ab @ cast.ab) / max(float(cast.ab @ cast.ab), 1e-9)
    return replace(cast, ab=cast.ab * float(np.clip(part, 0, 1)))


def _two_things(surfaces: Sequence[Surface]) -> bool:
    """Whether surfaces differ so much in brightness that they cannot be one thing in light and shade."""
    levels = [surface.luminance for surface in surfaces]
    return max(levels) >= TONES * min(levels) or any(
        not surface.ground and surface.tones >= TWO_TONES for surface in surfaces
    )


def _exposure(scene: Scene, ground: Surface | None) -> float:
    """Stops by which the photo is too bright, by a white ground; 0 where the ground does not tell."""
    if ground is None or scene.burnt >= BURNT_SHARE or ground.luminance < DARKEST_WHITE:
        return 0.0
    if ground.luminance < NEAR_BRIGHTEST * scene.brightest:
        return 0.0
    dyed = [one for one in scene.surfaces if not one.ground and np.hypot(*(one.ab - ground.ab)) > DYED_AB]
    if any(one.luminance > DYED_LEAST * ground.luminance for one in dyed):
        return 0.0
    return float(np.log2(ground.luminance / WHITE))
