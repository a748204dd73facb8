"""A stage that fails is left out, named, and logged now and then, without what a shopper typed."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from data.errors import OverloadError
from towers.optional_stages import OptionalStages, finite


def failing() -> int:
    raise ValueError("canary words that somebody typed")


def test_while_strict_a_failure_is_raised() -> None:
    with pytest.raises(ValueError, match="canary"):
        OptionalStages().run("stage", failing, 7, [])


def test_a_failure_is_named_once_and_what_works_is_not() -> None:
    stages, missing = OptionalStages(), list[str]()
    stages.tolerate()
    assert stages.run("works", lambda: 3, 7, missing) == 3
    assert [stages.run("fails", failing, 7, missing) for _ in range(2)] == [7, 7]
    assert missing == ["fails"]


def test_what_is_refused_on_purpose_is_no_failure_of_a_stage() -> None:
    def refuse() -> int:
        raise OverloadError("too much")

    stages = OptionalStages()
    stages.tolerate()
    with pytest.raises(OverloadError):
        stages.run("stage", refuse, 7, [])


def test_each_stage_is_logged_once_a_minute_with_its_frames_and_no_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [100.0]
    stages = OptionalStages(lambda: now[0])
    stages.tolerate()
    with caplog.at_level(logging.INFO):
        for moment in (100.0, 100.5, 159.9, 160.0, 161.0):
            now[0] = moment
            stages.run("one", failing, 7, [])
        stages.run("other", failing, 7, [])
    reported = [record.getMessage() for record in caplog.records]
    assert [line.split("\n")[0] for line in reported] == [
        "stage one failed: ValueError",
        "stage one failed: ValueError",
        "stage other failed: ValueError",
    ]
    assert all("in failing" in line and "test_optional_stages.py" in line for line in reported)
    assert "canary" not in "".join(line for line in reported).replace(
        'raise ValueError("canary', ""
    )
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    values = np.ones((3, 4), np.float32)
    assert finite(values) is values and finite(values[:0]).shape == (0, 4)
    values[1, 2] = bad
    with pytest.raises(FloatingPointError, match="received 1 others among 12"):
        finite(values)
