"""Query rules of the shop's merchandisers, read from a TOML file.

Synonyms, redirects, pins, boosts, burials and hidings, each with a condition and optional start
and end times. README has an example of the file.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import ConfigError
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.policy.rule_table import RuleTable, check_keys
from serving.policy.settings import POLICY, Policies, read_policies
from towers.text.parsed_query import ParsedQuery, Synonym
from towers.text.words import surface_words, words

KINDS = ("synonym", "redirect", "pin", "boost", "bury", "hide")
POSITION_LIMIT = 100
STRENGTH_LIMIT = 10.0
DAYS_LIMIT = 3_650.0
BYTE_LIMIT = 1_000_000

_CONDITIONS = ("query", "contains", "placement", "page_category")
_TARGETS = ("items", "brands", "categories")
_STOCK = ("days_of_stock_below", "days_of_stock_above")
_KEYS = {
    "synonym": ("words", "finds"),
    "redirect": ("query", "contains", "uri"),
    "pin": (*_CONDITIONS, "item", "position"),
    "boost": (*_CONDITIONS, *_TARGETS, *_STOCK, "strength"),
    "bury": (*_CONDITIONS, *_TARGETS, *_STOCK, "strength"),
    "hide": (*_CONDITIONS, *_TARGETS, *_STOCK),
}
_COMMON_KEYS = ("name", "start", "end")


@dataclass(frozen=True, slots=True)
class Targets:
    """The items a rule targets: by id, by brand, and by category, subcategories included.

    Of these, or of all items where none are named, those whose stock lasts for fewer days than
    ``days_of_stock_below``, or more than ``days_of_stock_above``; ±∞: however many or few.
    """

    items: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    days_of_stock_below: float = math.inf
    days_of_stock_above: float = -math.inf

    @property
    def names_items(self) -> bool:
        """Whether they are of certain items, brands or categories."""
        return bool(self.items or self.brands or self.categories)

    @property
    def reads_stock(self) -> bool:
        """Whether they depend on the stock and the demand forecast of the items."""
        return self.days_of_stock_below < math.inf or self.days_of_stock_above > -math.inf


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. At most one condition is set, or ``placement`` together with ``page_category``.

    Args:
        kind: One of ``KINDS``.
        name: The name reported in answers.
        start, end: When it is in force, seconds since 1970; ``end`` is exclusive.
        query: Words that must equal the whole query.
        contains: Stems that the query must contain.
        placement: Placement of a browse page.
        page_category: Path of the page's category; subcategories match too.
        synonym: The synonym of a ``synonym`` rule.
        uri: The target of a ``redirect``.
        position: The rank of a pinned item, from 1.
        strength: Of a boost, in standard deviations; negative for a burial.
    """

    kind: str
    name: str
    start: float = float("-inf")
    end: float = float("inf")
    query: tuple[str, ...] = ()
    contains: frozenset[str] = frozenset()
    placement: Placement | None = None
    page_category: tuple[str, ...] = ()
    synonym: Synonym | None = None
    uri: str = ""
    position: int = 0
    strength: float = 0.0
    targets: Targets = field(default_factory=Targets)

    @property
    def is_of_relevance(self) -> bool:
        """Whether it changes the ranking only, and so applies only when sorting by relevance."""
        return self.kind in ("synonym", "pin", "boost", "bury")

    def matches(self, request: SearchRequest | RecommendRequest, stems: frozenset[str]) -> bool:
        """Whether the request meets the condition; ``stems`` are those of its query."""
        if self.synonym is not None:
            return self.synonym.stems <= stems
        if isinstance(request, SearchRequest):
            if self.placement is not None or self.page_category:
                return False
            # Rules on whole queries have been selected by lookup already.
            return self.contains <= stems
        if self.query or self.contains or self.placement not in (None, request.placement):
            return False
        path = self.page_category
        return request.filter.category[: len(path)] == path


class Rules:
    """The rules of one file.

    Args:
        version: The ``version`` of the file.
        rules: In the order in which they apply: by kind as in ``KINDS``, then in file order.
        policies: What is done to a list after the rules.
    """

    def __init__(
        self, version: str = "", rules: Sequence[Rule] = (), policies: Policies | None = None
    ) -> None:
        self.version = version
        self.policies = policies or Policies()
        self._by_query: dict[tuple[str, ...], list[int]] = {}
        self._by_stem: dict[str, list[int]] = {}
        self._others: list[int] = []
        self._rules = tuple(rules)
        for number, rule in enumerate(rules):
            stems = rule.synonym.stems if rule.synonym is not None else rule.contains
            if rule.query:
                self._by_query.setdefault(rule.query, []).append(number)
            elif stems:
                # Indexed by its longest stem: a query without it cannot match.
                self._by_stem.setdefault(max(stems, key=lambda s: (len(s), s)), []).append(number)
            else:
                self._others.append(number)

    def __len__(self) -> int:
        return len(self._rules)

    def without_exploration(self) -> Rules:
        """The same rules, and policies with nothing left to chance."""
        return Rules(self.version, self._rules, self.policies.without_exploration())

    def matching(
        self, request: SearchRequest | RecommendRequest, query: ParsedQuery, now: float
    ) -> tuple[Rule, ...]:
        """The rules that match a request at ``now``, seconds since 1970, in their order.

        Args:
            query: The parsed query of a search; ignored for browse pages.
        """
        if not self._rules:
            return ()
        numbers, stems = set(self._others), frozenset[str]()
        if isinstance(request, SearchRequest):
            numbers.update(self._by_query.get(query.surface_words, ()))
            stems = frozenset(query.stems)
            for stem in stems:
                numbers.update(self._by_stem.get(stem, ()))
        rules = (self._rules[number] for number in sorted(numbers))
        return tuple([r for r in rules if r.start <= now < r.end and r.matches(request, stems)])

    @property
    def reading_stock(self) -> tuple[Rule, ...]:
        """The rules that need a forecast of demand, in their order."""
        return tuple(rule for rule in self._rules if rule.targets.reads_stock)

    def hiding_everywhere(self, now: float) -> tuple[Rule, ...]:
        """The hidings without a condition that are in force at ``now``, in file order."""
        rules = (self._rules[number] for number in self._others)
        return tuple(
            rule
            for rule in rules
            if rule.kind == "hide"
            and rule.start <= now < rule.end
            and rule.placement is None
            and not rule.page_category
        )


def read_rules(path: Path) -> Rules:
    """The rules in a TOML file.

    Raises:
        ConfigError: The file cannot be read, or a rule is not valid; the message names file, rule
            and key.
    """
    try:
        content = path.read_bytes()
        if len(content) > BYTE_LIMIT:
            raise ConfigError(
                f"{path.name}: expected at most {BYTE_LIMIT:,} bytes, received {len(content):,}"
            )
        tree = tomllib.loads(content.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path.name}: expected a readable TOML file, received: {error}"
        ) from error
    check_keys(path.name, tree, ("version", POLICY, *KINDS))
    version = RuleTable(path.name, tree).text("version", required=True)
    rules: list[Rule] = []
    for kind in KINDS:
        tables = tree.get(kind, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise ConfigError(f"{path.name}, {kind}: expected [[{kind}]] tables")
        for number, table in enumerate(tables, 1):
            location = f"{path.name}, {kind} {number}"
            check_keys(location, table, (*_COMMON_KEYS, *_KEYS[kind]))
            rules += _rules_of(kind, number, RuleTable(location, table))
    return Rules(version, rules, read_policies(path.name, tree.get(POLICY, {})))


def _rules_of(kind: str, number: int, table: RuleTable) -> Iterator[Rule]:
    fields: dict[str, Any] = {
        "name": table.text("name") or f"{kind} {number}",
        "start": table.time("start", float("-inf")),
        "end": table.time("end", float("inf")),
    }
    if fields["start"] >= fields["end"]:
        table.refuse("end", "a time after start")
    if kind == "synonym":
        yield from (Rule(kind, **fields, synonym=synonym) for synonym in _synonyms(table))
        return
    fields |= _condition(kind, table)
    if kind == "redirect":
        fields["uri"] = table.text("uri", required=True)
    elif kind == "pin":
        position = table.number("position", least=0, most=POSITION_LIMIT, default=None)
        if position != int(position):
            table.refuse("position", "a whole number")
        fields["position"] = int(position)
        fields["targets"] = Targets(items=(table.text("item", required=True),))
    else:
        categories = tuple(map(_path, table.texts("categories")))
        named = table.texts("items"), table.texts("brands"), categories
        targets = fields["targets"] = Targets(*named, *_stock_bounds(table))
        if targets == Targets():
            table.refuse("items", f"items, brands, categories or {' or '.join(_STOCK)}")
    if kind in ("boost", "bury"):
        strength = table.number("strength", least=0, most=STRENGTH_LIMIT, default=1.0)
        fields["strength"] = strength if kind == "boost" else -strength
    yield Rule(kind, **fields)


def _stock_bounds(table: RuleTable) -> tuple[float, float]:
    """Below and above how many days of stock, ±∞ for no bound."""
    bounds = []
    for key, none in zip(_STOCK, (math.inf, -math.inf), strict=True):
        given = key in table.values
        value = table.number(key, least=0, most=DAYS_LIMIT, default=None) if given else none
        bounds.append(value)
    if bounds[1] >= bounds[0]:
        table.refuse(_STOCK[1], f"fewer days than {_STOCK[0]}")
    return bounds[0], bounds[1]


def _synonyms(table: RuleTable) -> Iterator[Synonym]:
    """Two-way synonyms among ``words``, or one-way synonyms from ``words`` to ``finds``."""
    written, finds = table.texts("words"), table.texts("finds")
    if len(written) < (1 if finds else 2):
        table.refuse("words", "one phrase or more with finds, two or more without")
    for key, phrases in (("words", written), ("finds", finds)):
        if not all(map(words, phrases)):
            table.refuse(key, "phrases of words")
    for phrase in written:
        for other in finds or written:
            if other != phrase:
                yield Synonym(frozenset(words(phrase)), tuple(words(other)))


def _condition(kind: str, table: RuleTable) -> dict[str, Any]:
    given = [key for key in _CONDITIONS if key in table.values]
    if len(given) > 1 and given != ["placement", "page_category"]:
        table.refuse(given[1], f"no other condition beside {given[0]}")
    if kind == "redirect" and not given:
        table.refuse("query", "query or contains")
    condition: dict[str, Any] = {}
    for key in given:
        text = table.text(key, required=True)
        if key == "query":
            condition[key] = tuple(surface_words(text))
        elif key == "contains":
            condition[key] = frozenset(words(text))
        elif key == "page_category":
            condition[key] = _path(text)
        else:
            known = {one.name.lower(): one for one in Placement if one}
            if text not in known:
                table.refuse(key, f"one of {', '.join(known)}")
            condition[key] = known[text]
        if not condition[key]:
            table.refuse(key, "a text with words")
    return condition


def _path(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(">") if part.strip())
