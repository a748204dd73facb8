"""The extra ``voice``, which a server may run without."""

from __future__ import annotations

from data.errors import MissingExtraError

FEATURE = "search by voice"


def missing_voice(absent: str) -> MissingExtraError:
    """The error that says what to install, where a package of the extra is absent."""
    return MissingExtraError(FEATURE, "voice", absent)
