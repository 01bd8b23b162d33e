"""What waits for better times in a process of Waybill, and in one of the tests for nothing: waited for, but not as long."""

from __future__ import annotations

import dagster as dg

TIMES = 20


def hurry_retries() -> None:
    """Has Dagster wait a twentieth of the seconds before it tries a step again.

    A step of Waybill's is tried three times more, after 2, 6 and 14 s: a fault that stays would keep a test for 22 s. Policies
    say what they said; runs in processes of their own wait as long as ever.
    """
    calculate = dg.RetryPolicy.calculate_delay

    def calculate_delay(policy: dg.RetryPolicy, attempt_num: int) -> float:
        return calculate(policy, attempt_num) / TIMES

    dg.RetryPolicy.calculate_delay = calculate_delay  # type: ignore[method-assign] - a step asks the policy itself
