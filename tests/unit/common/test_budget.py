from __future__ import annotations

import pytest

from fashquick_common import errors
from fashquick_common.server.budget import ByteBudget


def test_bytes_come_back_however_the_call_ends() -> None:
    budget = ByteBudget(100, "tests")

    def fail_while_holding() -> None:
        with budget.reserve(60):
            with pytest.raises(errors.BytesExhausted, match="40"), budget.reserve(41):
                pass
            with budget.reserve(40):
                assert budget.taken == 100
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail_while_holding()
    assert budget.taken == 0
