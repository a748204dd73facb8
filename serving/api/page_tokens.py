"""Page tokens: where the next page starts, in which kept order, bound to the request by a digest."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import Any, NamedTuple

from data.errors import RequestError

OFFSET_LIMIT = 10_000
_LAYOUT = struct.Struct(">I8s")
_KEYED_LAYOUT = struct.Struct(">I8s16s")


class PageStart(NamedTuple):
    """Where a page starts: an offset in the order of this key, or in the order as of now without."""

    offset: int = 0
    order_key: str = ""


def page_token(request: Any, start: PageStart) -> str:
    """The token of the page of ``request`` (a search or recommend message) that starts there.

    It holds the offset, a digest of all fields but ``page_size`` and ``page_token``, so that a token
    of another query is refused, and the key of the kept order. It is not signed: a forged token can
    only request another page, and nobody can guess the key of another visitor's order.

    Raises:
        RequestError: The offset is out of range, or the key is not one of this service.
    """
    offset, order_key = start
    if not 0 <= offset <= OFFSET_LIMIT:
        raise RequestError("offset", f"0 to {OFFSET_LIMIT:,}", offset)
    if order_key:
        try:
            packed = _KEYED_LAYOUT.pack(offset, _digest(request), _key_bytes(order_key))
        except ValueError as error:
            raise RequestError("order_key", "32 hexadecimal digits", order_key[:64]) from error
    else:
        packed = _LAYOUT.pack(offset, _digest(request))
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def page_start(request: Any, token: str) -> PageStart:
    """Where the page of ``token`` starts, checked against ``request``; the beginning without one.

    Raises:
        RequestError: The token is malformed, or belongs to another request.
    """
    if not token:
        return PageStart()
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        key = b""
        if len(packed) == _KEYED_LAYOUT.size:
            offset, digest, key = _KEYED_LAYOUT.unpack(packed)
        else:
            offset, digest = _LAYOUT.unpack(packed)
    except (binascii.Error, ValueError, struct.error) as error:
        raise RequestError("page_token", "a next_page_token of this service", token[:64]) from error
    if digest != _digest(request):
        raise RequestError("page_token", "the token of the same request", token)
    if offset > OFFSET_LIMIT:
        raise RequestError("page_token", f"an offset of 0 to {OFFSET_LIMIT:,}", offset)
    return PageStart(int(offset), key.hex())


def _key_bytes(order_key: str) -> bytes:
    key = bytes.fromhex(order_key)
    if len(key) != 16:
        raise ValueError(order_key)
    return key


def _digest(request: Any) -> bytes:
    rest = request
    if request.page_size or request.page_token:
        rest = type(request)()
        rest.CopyFrom(request)
        rest.ClearField("page_size")
        rest.ClearField("page_token")
    name = request.DESCRIPTOR.full_name.encode()
    content = rest.SerializeToString(deterministic=True)
    return hashlib.blake2b(name + b"\0" + content, digest_size=8).digest()
