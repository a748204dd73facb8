"""The exception tree is the one in its module's docstring; messages name the received value."""

from __future__ import annotations

import inspect
import re

import pytest

from data import errors
from data.errors import InputError, NextclickError, RequestError


def test_the_tree_is_the_one_in_the_docstring() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    defined = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__mro__[1] is NextclickError
    }
    assert set(drawn) == defined
    assert len(drawn) == 7


def test_an_input_error_names_file_row_and_field() -> None:
    error = InputError.at("items.csv", 1_207, "price", "a number", "cheap")
    assert str(error) == "items.csv, row 1,207, price: expected a number, received 'cheap'"
    with pytest.raises(NextclickError, match="智能手机"):
        raise InputError.at("items.csv", 1, "price", "a number", "智能手机")


def test_a_request_error_carries_its_field() -> None:
    error = RequestError("page_size", "1 to 200", 0)
    assert error.field == "page_size"
    assert str(error) == "page_size: expected 1 to 200, received 0"
