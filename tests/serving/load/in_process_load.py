"""Load steps run in the test's own process."""

from __future__ import annotations

from collections.abc import Sequence

from serving.load.calls import CallSource
from serving.load.load_step import LoadStep
from serving.load.load_test import CALL_LIMIT, LoadSettings, run_step, step_plans


def run_open_loop(
    address: str,
    source: CallSource,
    rates: Sequence[float],
    seconds: float,
    settings: LoadSettings | None = None,
) -> list[LoadStep]:
    """Runs each of ``rates`` (calls per second) for ``seconds``, one after another.

    Each step makes exactly rate times seconds calls, at uniformly random times, as calls of
    independent shoppers arrive.

    Raises:
        ConfigError: A setting is out of range.
    """
    settings = settings or LoadSettings()
    plans = step_plans(rates, (), seconds, CALL_LIMIT)
    return [
        run_step(address, source, plan, settings).step(offered_rate=plan.rate) for plan in plans
    ]


def run_closed_loop(
    address: str,
    source: CallSource,
    caller_count: int,
    seconds: float,
    settings: LoadSettings | None = None,
    *,
    call_limit: int = CALL_LIMIT,
) -> LoadStep:
    """Runs ``caller_count`` callers without pause, for ``seconds`` or ``call_limit`` calls.

    Raises:
        ConfigError: A setting is out of range.
    """
    (plan,) = step_plans((), (caller_count,), seconds, call_limit)
    meter = run_step(address, source, plan, settings or LoadSettings())
    return meter.step(caller_count=caller_count)
