"""What the ControlNets are shown, and when."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fashquick_common.models.profiles import Profile
from fashquick_generation.diffusion.denoising.rows import Hint
from fashquick_generation.diffusion.weights.networks import Condition
from fashquick_generation.engine import UInt8Array

POSE_SHARE = 0.4
"""Share of the steps that the pose's ControlNet leads where only one looks at a time: where limbs are is settled in the
first steps, their shape in those after (Balaji et al., "eDiff-I", 2022, section 4)."""


def hints_for(
    pose: UInt8Array, depth: UInt8Array, profile: Profile, scale: float, steps: int
) -> Mapping[Condition, Hint]:
    """Return what each ControlNet is shown; with any effect, one at least looks at every step.

    Args:
        pose: HxWx3 uint8, OpenPose's drawing.
        depth: HxW uint8, 255 nearest.
        profile: Says how many ControlNets look at a time.
        scale: Of their effect; 0: none looks.
        steps: That the row takes.
    """
    if scale == 0 or steps == 0:
        return {}
    shown = np.repeat(depth[..., None], 3, axis=2)
    if profile.controls_together > 1:
        return {Condition.POSE: Hint(pose, scale), Condition.DEPTH: Hint(shown, scale)}
    # Between two steps: what a step straddles, neither of them would lead.
    turn = int(POSE_SHARE * steps) / steps
    return {Condition.POSE: Hint(pose, scale, end=turn), Condition.DEPTH: Hint(shown, scale, begin=turn)}
