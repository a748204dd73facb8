"""Waiting for something that another thread does, for a limited time."""

from __future__ import annotations

import time
from typing import Any

import grpc


def wait_for(condition: Any, patience: float = 5.0) -> None:
    """Returns once ``condition()`` holds; calls that were refused count as not yet."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if condition():
                return
        except grpc.RpcError:
            pass
        time.sleep(0.01)
    raise AssertionError("expected the condition to hold in time")
