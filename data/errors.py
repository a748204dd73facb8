"""The exceptions that callers see.

    NextclickError
    ├── InputError      a file or row of the shop's data is malformed
    ├── ConfigError     a setting is unknown or out of range
    ├── BundleError     a bundle is damaged, incomplete or of another version
    ├── RequestError    a field of a request or of an event is invalid
    ├── OverloadError   the service is overloaded or shutting down; a retry may succeed
    ├── AbandonedError  nobody waits for the answer any more
    └── UnsupportedError  the service lacks an extra or a model that the call needs
        and MissingExtraError, one of its kind: optional packages that are not installed

Every message names the expected and the received value: ``k: expected 1 to 200, received 0``.
"""

from __future__ import annotations


class NextclickError(Exception):
    """Base class of all errors that this package raises on purpose."""


class InputError(NextclickError):
    """A file, row or field of the shop's data that is malformed."""

    @classmethod
    def at(
        cls, file_name: str, row: int, field: str, expected: str, received: object
    ) -> InputError:
        """``items.csv, row 7, price: expected a number, received 'cheap'``; rows count from 1."""
        return cls(f"{file_name}, row {row:,}, {field}: expected {expected}, received {received!r}")


class ConfigError(NextclickError):
    """A setting that is unknown, of the wrong type or out of range."""


class BundleError(NextclickError):
    """A bundle that cannot be served: damaged, incomplete or of another version."""


class RequestError(NextclickError):
    """An invalid field of a request; ``field`` is its protobuf name."""

    def __init__(self, field: str, expected: str, received: object) -> None:
        self.field = field
        super().__init__(f"{field}: expected {expected}, received {received!r}")

    @classmethod
    def of_message(cls, field: str, message: str) -> RequestError:
        """The error with a whole message that was made before, as by a server."""
        error = cls(field, "", "")
        error.args = (message,)
        return error


class OverloadError(NextclickError):
    """The service cannot take this call now; a later retry may succeed."""


class AbandonedError(NextclickError):
    """Work was given up since its caller has gone or no longer waits."""


class UnsupportedError(NextclickError):
    """The service lacks an extra or a model that the call needs; a retry will not succeed."""


class MissingExtraError(UnsupportedError):
    """A feature whose optional packages are not installed."""

    def __init__(self, feature: str, extra: str, absent: str) -> None:
        super().__init__(
            f"{feature}: expected the extra {extra} (pip install 'nextclick[{extra}]'),"
            f" received none: {absent} is not installed"
        )
