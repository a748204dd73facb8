"""Near-copies stand in one group, and a held-out part takes whole groups."""

from __future__ import annotations

import tracemalloc

import numpy as np

from tests.towers.training.images.shelves import shelves
from towers.training.images.near_copies import (
    LEARNT,
    held_out_parts,
    near_copies,
    with_equal_contents,
)


def test_photographs_of_one_shelf_are_one_group() -> None:
    levels = shelves(12, 4)
    shelf = np.repeat(np.arange(12), 4)
    groups = near_copies(levels, np.zeros(48, np.int32))
    same = groups[:, None] == groups[None, :]
    assert np.array_equal(same, shelf[:, None] == shelf[None, :])


def test_near_copies_of_another_class_are_apart() -> None:
    levels = np.repeat(shelves(1, 1), 6, axis=0)
    classes = np.array([0, 0, 1, 1, -1, -1], np.int32)
    groups = near_copies(levels, classes)
    assert groups[::2].tolist() == groups[1::2].tolist() and len(set(groups.tolist())) == 3


def test_parts_are_of_whole_groups_and_leave_each_class_its_largest() -> None:
    rng = np.random.default_rng(1)
    # Of each of 10 classes a group of 9 and eight of 2 pictures.
    groups = np.concatenate(
        [9 * kind + np.repeat(np.arange(9), [9, *[2] * 8]) for kind in range(10)]
    )
    classes = np.repeat(np.arange(10), 25)
    parts = held_out_parts(groups, classes, [30, 20, 20], rng)
    assert [int((parts == part).sum()) for part in range(3)] == [30, 20, 20]
    for group in range(90):
        assert len(set(parts[groups == group].tolist())) == 1
    assert (parts[groups % 9 == 0] == LEARNT).all()


def test_a_part_of_too_few_pictures_is_left_empty() -> None:
    rng = np.random.default_rng(1)
    one_each = np.arange(60)
    parts = held_out_parts(one_each, np.zeros(60, np.int32), [7, 10], rng)
    assert (parts == 0).sum() == 0 and (parts == 1).sum() == 10
    # All are near-copies of each other.
    parts = held_out_parts(one_each * 0, np.zeros(60, np.int32), [10, 10], rng)
    assert (parts == LEARNT).all()


def test_a_white_background_makes_no_near_copies() -> None:
    # A coloured square of a tenth of each picture, else white: red, red, blue, and nothing at all.
    levels = np.full((4, 20, 20, 3), 255, np.uint8)
    for row, colour in enumerate([(200, 0, 0), (200, 0, 0), (0, 0, 200)]):
        levels[row, :6, :6] = colour
    groups = near_copies(levels, np.zeros(4, np.int32))
    assert groups[0] == groups[1] and len(set(groups.tolist())) == 3


def test_a_file_that_several_items_share_is_in_one_group() -> None:
    levels = np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2, 1)
    # Items 1 and 4 have one file, whatever groups they are in; so 0, of the group of 1, comes along.
    levels[4] = levels[1]
    groups = with_equal_contents(np.array([0, 0, 1, 2, 3, 3]), levels)
    assert groups[0] == groups[1] == groups[4] == groups[5]
    assert len({groups[0], groups[2], groups[3]}) == 3
    assert with_equal_contents(np.zeros(0, np.int64), levels[:0]).tolist() == []


def test_large_pictures_are_compared_in_the_memory_of_a_few() -> None:
    levels = np.repeat(shelves(5, 4), 10, axis=1).repeat(10, axis=2)
    tracemalloc.start()
    groups = near_copies(levels, np.zeros(20, np.int32))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(set(groups.tolist())) == 5
    assert peak < levels.nbytes / 2
