from __future__ import annotations

import numpy as np
import pytest

from fashquick_generation.diffusion.hints import hints_for
from fashquick_generation.diffusion.weights.networks import Condition
from tests.support.diffusion import small_profile

POSE, DEPTH = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 8, 11, 20, 100])
def test_where_one_looks_at_a_time_every_step_has_one_and_the_pose_is_first(steps: int) -> None:
    hints = hints_for(POSE, DEPTH, small_profile(controls_together=1), 1.0, steps)
    looking = [[kind for kind in Condition if hints[kind].seen_at(step, steps)] for step in range(steps)]
    assert all(len(kinds) == 1 for kinds in looking)
    led_by_pose = sum(kinds == [Condition.POSE] for kinds in looking)
    assert looking == [[Condition.POSE]] * led_by_pose + [[Condition.DEPTH]] * (steps - led_by_pose)
    assert led_by_pose == pytest.approx(0.4 * steps, abs=1)


def test_where_both_look_they_see_every_step() -> None:
    hints = hints_for(POSE, DEPTH, small_profile(controls_together=2), 0.5, 5)
    assert all(hints[kind].seen_at(step, 5) for kind in Condition for step in range(5))


def test_without_effect_none_looks() -> None:
    assert hints_for(POSE, DEPTH, small_profile(), 0.0, 5) == {}
