"""What a caller's wishes and the profile come to."""

from __future__ import annotations

from dataclasses import dataclass

from fashquick_common.models.profiles import Profile
from fashquick_generation.wishes import DiffusionWishes

PREVIEW_EVERY = 3
"""Steps between early looks, where they are wanted."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How a picture is denoised.

    Attributes:
        steps: Of a whole run from noise.
        strength: Of the first pass, 0 to 1.
        guidance: Scale of classifier-free guidance.
        control: Scale of the ControlNets.
        colour_guidance: How strongly the garment's colours pull, 0 to 1.
        preview_every: Steps between early looks; 0: none.
    """

    steps: int
    strength: float
    guidance: float
    control: float
    colour_guidance: float = 0.0
    preview_every: int = 0

    def steps_at(self, strength: float) -> int:
        """Return how many steps a pass of some strength takes."""
        return max(int(self.steps * strength), 1) if strength else 0


def choices_of(wishes: DiffusionWishes, profile: Profile) -> Choices:
    """Fill in what is not wished from the profile.

    Args:
        wishes: Checked.
        profile: The job's.
    """
    return Choices(
        steps=profile.steps if wishes.steps is None else wishes.steps,
        strength=profile.strengths["initial"] if wishes.strength is None else wishes.strength,
        guidance=profile.guidance if wishes.guidance is None else wishes.guidance,
        control=profile.control if wishes.control is None else wishes.control,
        colour_guidance=wishes.colour_guidance,
        preview_every=PREVIEW_EVERY if wishes.previews else 0,
    )
