"""Page tokens: the offset of the next page, bound to the request by a digest."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import Any

from data.errors import RequestError

OFFSET_LIMIT = 10_000
_LAYOUT = struct.Struct(">I8s")


def page_token(request: Any, offset: int) -> str:
    """The token of the page of ``request`` (a search or recommend message) that starts at offset.

    It holds the offset and a digest of all fields but ``page_size`` and ``page_token``, so a token
    of another query is refused. It is not signed: a forged token can only request another page.

    Raises:
        RequestError: The offset is out of range.
    """
    if not 0 <= offset <= OFFSET_LIMIT:
        raise RequestError("offset", f"0 to {OFFSET_LIMIT:,}", offset)
    packed = _LAYOUT.pack(offset, _digest(request))
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def page_offset(request: Any, token: str) -> int:
    """The offset in ``token``, checked against ``request``; 0 without a token.

    Raises:
        RequestError: The token is malformed, or belongs to another request.
    """
    if not token:
        return 0
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        offset, digest = _LAYOUT.unpack(packed)
    except (binascii.Error, ValueError, struct.error) as error:
        raise RequestError("page_token", "a next_page_token of this service", token[:64]) from error
    if digest != _digest(request):
        raise RequestError("page_token", "the token of the same request", token)
    if offset > OFFSET_LIMIT:
        raise RequestError("page_token", f"an offset of 0 to {OFFSET_LIMIT:,}", offset)
    return int(offset)


def _digest(request: Any) -> bytes:
    rest = type(request)()
    rest.CopyFrom(request)
    rest.ClearField("page_size")
    rest.ClearField("page_token")
    name = request.DESCRIPTOR.full_name.encode()
    content = rest.SerializeToString(deterministic=True)
    return hashlib.blake2b(name + b"\0" + content, digest_size=8).digest()
