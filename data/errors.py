"""The one tree of errors that callers see.

    NextclickError
    ├── InputError      a file or row of the shop's data is not as the contract says
    ├── ConfigError     a setting is unknown or out of its range
    ├── BundleError     a bundle is damaged, incomplete or of another version
    ├── RequestError    a field of a request or of an event is not as the interface says
    └── OverloadError   the service is full or shutting down; the same call may succeed later

Every message says what was expected and what came: ``k: expected 1 to 200, received 0``.
"""

from __future__ import annotations


class NextclickError(Exception):
    """Root of the tree: whatever the product refuses on purpose."""


class InputError(NextclickError):
    """A file, row or field of the shop's own data that cannot be taken in."""

    @classmethod
    def at(cls, place: str, row: int, field: str, expected: str, received: object) -> InputError:
        """``items.csv, row 7, price: expected a number, received 'cheap'``; rows count from 1."""
        return cls(f"{place}, row {row:,}, {field}: expected {expected}, received {received!r}")


class ConfigError(NextclickError):
    """A setting that is not known, of the wrong type or out of range."""


class BundleError(NextclickError):
    """A bundle that must not be served."""


class RequestError(NextclickError):
    """A field of a request that is not as the interface says; ``field`` is its name on the wire."""

    def __init__(self, field: str, expected: str, received: object) -> None:
        self.field = field
        super().__init__(f"{field}: expected {expected}, received {received!r}")


class OverloadError(NextclickError):
    """The service cannot take this call now; trying again later is right."""
