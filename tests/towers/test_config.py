"""One tree of settings: TOML overrides defaults, and what it does not know it refuses."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.errors import ConfigError
from towers.config import Config, config_from, default_config, read_config


def refused(tree: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        config_from(tree)
    return str(caught.value)


def test_without_a_file_all_is_as_the_code_says() -> None:
    assert read_config(None) == Config()


def test_a_file_overrides_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text("seed = 3\n[towers]\ndim = 16\n[rerank]\nhidden_dims = [8, 4]\n")
    config = read_config(path)
    assert (config.seed, config.towers.dim, config.rerank.hidden_dims) == (3, 16, (8, 4))
    changed_back = dataclasses.replace(
        config, seed=Config().seed, towers=Config().towers, rerank=Config().rerank
    )
    assert changed_back == Config()


def test_a_config_survives_the_way_through_plain_data() -> None:
    config = config_from({"retrieval": {"temperature": 1}, "index": {"recall_target": 0.5}})
    assert config.retrieval.temperature == 1.0 and isinstance(config.retrieval.temperature, float)
    assert config_from(dataclasses.asdict(config)) == config


def test_every_setting_can_be_set_to_its_own_default() -> None:
    assert config_from(dataclasses.asdict(Config())) == Config()


def test_an_unknown_key_is_refused_with_the_known_ones_and_the_closest() -> None:
    message = refused({"towers": {"dims": 3}})
    assert re.match(r"^towers\.dims: expected one of dim, dropout, .*, received 'dims'", message)
    assert message.endswith("(did you mean towers.dim?)")


def test_a_key_like_no_other_gets_no_proposal() -> None:
    message = refused({"zzz": 1})
    assert re.match(
        r"^zzz: expected one of attributes, .*, text, towers, variants, received 'zzz'$", message
    )


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"seed": "7"}, "seed: expected int, received '7'"),
        ({"seed": True}, "seed: expected int, received True"),
        ({"seed": 1.0}, "seed: expected int, received 1.0"),
        ({"towers": {"dropout": "low"}}, "towers.dropout: expected float, received 'low'"),
        ({"towers": {"dropout": False}}, "towers.dropout: expected float, received False"),
        ({"towers": 5}, "towers: expected a table, received 5"),
        ({"rerank": {"hidden_dims": 64}}, "rerank.hidden_dims: expected a list, received 64"),
        ({"rerank": {"hidden_dims": [1.5]}}, "rerank.hidden_dims: expected int, received 1.5"),
    ],
)
def test_a_value_of_another_type_is_refused(tree: dict[str, Any], message: str) -> None:
    assert refused(tree) == message


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"retrieval": {"batch_size": -5}}, "retrieval.batch_size: expected 1 to 1,000,000, r"),
        ({"rerank": {"hidden_dims": [64, 0]}}, "rerank.hidden_dims: expected 1 to 65,536, rec"),
        ({"towers": {"dropout": 1.0}}, "towers.dropout: expected 0 to 0.99, received 1.0"),
        ({"towers": {"dropout": float("nan")}}, "towers.dropout: expected 0 to 0.99, received nan"),
        ({"retrieval": {"temperature": 10**400}}, "retrieval.temperature: expected 0.001 to 10, r"),
        ({"retrieval": {"learning_rate": 0}}, "retrieval.learning_rate: expected 1e-08 to 10, r"),
        ({"seed": -1}, "seed: expected 0 to 2,147,483,647, received -1"),
        ({"completion": {"visitor_minimum": 0}}, "completion.visitor_minimum: expected 1 to 32, r"),
        (
            {"towers": {"dim": 16, "head_count": 32}},
            "towers.head_count: expected at most 16 (dim), received 32",
        ),
    ],
)
def test_a_number_out_of_its_range_is_refused(tree: dict[str, Any], message: str) -> None:
    assert refused(tree).startswith(message)


def numbers(tree: dict[str, Any], position: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from numbers(value, (*position, key))
        elif not isinstance(value, str | bool):
            yield (*position, key)


NUMBERS = list(numbers(dataclasses.asdict(Config())))


@pytest.mark.parametrize("path", NUMBERS, ids=".".join)
def test_every_number_has_a_range(path: tuple[str, ...]) -> None:
    for wild in (-5, 10**18, -(10**400)):
        value: Any = [wild] if path[-1] == "hidden_dims" else wild
        tree = {path[-1]: value}
        for key in reversed(path[:-1]):
            tree = {key: tree}
        assert refused(tree).startswith(f"{'.'.join(path)}: expected ")


def test_a_bad_value_of_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text("[retrieval]\nbatch_size=-5\n")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    expected = "model.toml, retrieval.batch_size: expected 1 to 1,000,000, received -5"
    assert str(caught.value) == expected


@pytest.mark.parametrize("content", [b"seed = \n", b"\xff\xfe", None])
def test_a_file_that_is_not_toml_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^model\.toml: expected a readable TOML file, received"):
        read_config(path)


def test_a_file_overrides_the_defaults_of_a_shop_of_bare_ids_too(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text("[towers]\nhead_count = 4\n")
    bare = default_config(has_words=False)
    config = read_config(path, bare)
    assert config.towers == dataclasses.replace(bare.towers, head_count=4)
    assert config.retrieval == bare.retrieval != Config().retrieval
