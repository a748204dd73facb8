"""The understood parts of a query to and from protobuf messages."""

from __future__ import annotations

from typing import Any

from serving.api.answers import Understood, UnderstoodKind, UnderstoodUse


def read_understood(message: Any) -> Understood:
    """An ``Understood`` message as a part of a query."""
    return Understood(
        UnderstoodKind(message.kind),
        message.text,
        message.value,
        UnderstoodUse(message.use),
        message.attribute,
        tuple(message.category),
        message.min_price if message.HasField("min_price") else None,
        message.max_price if message.HasField("max_price") else None,
    )


def add_understood(parts: Any, part: Understood) -> None:
    """Adds a part of a query to the ``understood`` of a message."""
    parts.add(
        kind=int(part.kind),
        text=part.text,
        value=part.value,
        use=int(part.use),
        attribute=part.attribute,
        category=part.category,
        min_price=part.min_price,
        max_price=part.max_price,
    )
