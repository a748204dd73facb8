"""Lists that let more urgent work pass between one element and the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def no_pause() -> None:
    """A ``give_way`` that lets nothing pass."""


class Paced(list[T]):
    """A list whose loops call ``give_way`` before each element.

    Whatever takes in a batch of changes goes over its items again and again, in many rooms; so each of
    these loops hands over without knowing of it.

    Args:
        elements: Of the list.
        give_way: May wait; called on the thread of the loop.
    """

    def __init__(self, elements: Iterable[T], give_way: Callable[[], object]) -> None:
        super().__init__(elements)
        self.give_way = give_way

    def __iter__(self) -> Iterator[T]:
        for element in super().__iter__():
            self.give_way()
            yield element
