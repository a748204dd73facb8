"""The policy of a surface and a segment, read from the ``[policy]`` table of the rules file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from data.errors import ConfigError
from serving.api.requests import Placement, group_names
from serving.api.validation import one_of
from serving.policy.rule_table import RuleTable, check_keys
from towers.catalog.attributes import Attributes
from towers.sessions.segments import Segment

EXPLORATION_LIMIT = 0.2
CAP_LIMIT = 100
NEW_DAYS_LIMIT = 3_650.0

POLICY = "policy"
"""Table of the rules file."""
SEARCH = "search"
SURFACES = (SEARCH, *(placement.name.lower() for placement in Placement if placement))
"""Where answers are shown: searches, and each placement of a browse page."""
SEGMENTS = tuple(segment.label for segment in Segment if segment)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done to a ranked list after the shop's rules; by default nothing.

    Args:
        diversity: Weight of novelty against relevance, 0 to 1 (see ``diversity``); 0: off.
        brand_cap, category_cap, variant_cap: Most items of one brand, narrowest category or product
            on a page; 0: no cap.
        variant_attribute: Attribute whose equal values make items variants of one product; empty: titles
            that differ in sizes and colours only do.
        exploration: Share of the answers in which one slot goes to a new item, 0 to 0.2.
        new_days: An item listed for fewer days is new.
        group_by: Groups of results that are shown once, in any order, where a request does not say:
            ``variant`` or an attribute; empty or ``none``: results are single items.
    """

    diversity: float = 0.0
    brand_cap: int = 0
    category_cap: int = 0
    variant_cap: int = 0
    variant_attribute: str = ""
    exploration: float = 0.0
    new_days: float = 30.0
    group_by: str = ""

    @property
    def has_caps(self) -> bool:
        """Whether anything is capped."""
        return bool(self.brand_cap or self.category_cap or self.variant_cap)

    @property
    def is_off(self) -> bool:
        """Whether it leaves every list as it is."""
        return not (self.diversity or self.has_caps or self.exploration)


_OFF = Policy()
_KEYS = tuple(one.name for one in fields(Policy))
_OVERRIDES = {"surface": SURFACES, "segment": SEGMENTS}


@dataclass(frozen=True)
class Policies:
    """The policy by surface and segment; what a segment's table says wins over a surface's.

    Args:
        everywhere: Keys and values that apply where no other table says otherwise.
        surface, segment: Those of one surface or segment, by its name.
    """

    everywhere: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    surface: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    segment: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, surface: str, segment: Segment) -> Policy:
        """The policy of an answer on ``surface``, one of ``SURFACES``, to a visitor of ``segment``."""
        if not (self.everywhere or self.surface or self.segment):
            return _OFF
        found = {
            **self.everywhere,
            **self.surface.get(surface, {}),
            **self.segment.get(segment.label, {}),
        }
        return replace(_OFF, **found)

    def fault(self, attributes: Attributes, has_variants: bool) -> str:
        """Which table names groups that a catalogue does not have; empty if none does.

        Args:
            has_variants: Whether the bundle holds groups of variants.
        """
        known = {
            "group_by": group_names(attributes.names.names, has_variants),
            "variant_attribute": attributes.names.names,
        }
        for location, settings in self._tables():
            for key, names in known.items():
                name = settings.get(key)
                if name and name not in names:
                    return f"{location}, {key}: expected {one_of(names, name)}, received {name!r}"
        return ""

    def _tables(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield POLICY, self.everywhere
        for kind, tables in (("surface", self.surface), ("segment", self.segment)):
            for name, settings in tables.items():
                yield f"{POLICY}.{kind}.{name}", settings

    def without_exploration(self) -> Policies:
        """The policies with nothing left to chance."""

        def kept(settings: Mapping[str, Any]) -> Mapping[str, Any]:
            return {key: value for key, value in settings.items() if key != "exploration"}

        return Policies(
            kept(self.everywhere),
            {name: kept(settings) for name, settings in self.surface.items()},
            {name: kept(settings) for name, settings in self.segment.items()},
        )


def read_policies(file_name: str, tree: Any) -> Policies:
    """The policies of the ``[policy]`` table of a rules file.

    Raises:
        ConfigError: A key or value is not valid; the message names file, table and key.
    """
    everywhere = _settings_of(f"{file_name}, {POLICY}", tree, (*_KEYS, *_OVERRIDES))
    overrides: dict[str, Mapping[str, Mapping[str, Any]]] = {}
    for kind, names in _OVERRIDES.items():
        location = f"{file_name}, {POLICY}.{kind}"
        tables = tree.get(kind, {})
        if not isinstance(tables, dict):
            raise ConfigError(f"{location}: expected [{POLICY}.{kind}.{names[0]}] tables")
        check_keys(location, tables, names)
        overrides[kind] = MappingProxyType(
            {
                name: _settings_of(f"{location}.{name}", table, _KEYS)
                for name, table in tables.items()
            }
        )
    return Policies(everywhere, **overrides)


def _settings_of(location: str, values: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    """The settings that a table states, checked."""
    if not isinstance(values, dict):
        raise ConfigError(f"{location}: expected a table, received {values!r}")
    check_keys(location, values, known)
    table = RuleTable(location, values)
    checked = Policy(
        diversity=table.between("diversity", 0.0, 1.0, 0.0),
        brand_cap=table.whole("brand_cap", 0, CAP_LIMIT, 0),
        category_cap=table.whole("category_cap", 0, CAP_LIMIT, 0),
        variant_cap=table.whole("variant_cap", 0, CAP_LIMIT, 0),
        variant_attribute=table.text("variant_attribute"),
        exploration=table.between("exploration", 0.0, EXPLORATION_LIMIT, 0.0),
        group_by=table.text("group_by"),
        new_days=table.between("new_days", 0.0, NEW_DAYS_LIMIT, _OFF.new_days),
    )
    return MappingProxyType({key: getattr(checked, key) for key in _KEYS if key in values})
