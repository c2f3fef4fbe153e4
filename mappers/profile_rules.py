"""The fields of a record that do not simply fill one element: several rules, conditions, pieces of
a text, ages, names of organisations, texts under headings.

What one rule alone fills goes into the event at once. What several rules may fill is settled when
the whole record has been seen: they agree, or it is a finding and the element stays empty.
"""

from typing import Any, NamedTuple

from mappers.profile_ages import BRACKET_BESIDE, NEWBORN
from mappers.profile_conditions import View
from mappers.profile_filling import Filling, Key
from mappers.profile_places import Field, Outside, Rule, RuleSet
from mappers.profile_values import Scalar
from schemas.catalogue import mapping


class Claim(NamedTuple):
    """A value for an element that others may fill too."""

    rank: int
    source: str
    value: Scalar
    heading: str | None
    is_derived: bool
    is_age: bool


class RuleMapping:
    """Follows rules, into ``filling``. ``sources``: where the elements so filled came from;
    ``derived``: those the feed did not say itself; ``names``: organisations by name."""

    __slots__ = (
        "_claims",
        "_event_date",
        "_filling",
        "_newborn",
        "_version",
        "derived",
        "names",
        "sources",
    )

    def __init__(self, filling: Filling, version: str, event_date: str | None) -> None:
        self._filling = filling
        self._version = version
        self._event_date = event_date
        self._claims: dict[Key, list[Claim]] = {}
        self._newborn: dict[Key, str] = {}
        self.sources: dict[Key, str] = {}
        self.derived: dict[Key, None] = {}
        self.names: dict[Key, list[str]] = {}

    def follow(self, rules: RuleSet, source: str, cell: Any, slot: int, view: View) -> None:
        """``source``: the field's place in the record; ``slot``: the occurrence it is of."""
        texts = [cell] if isinstance(cell, str) else self._list_texts(cell, source)
        if not texts:
            return
        outside, is_used = None, False
        for rule in rules.rules:
            if rule.whens and not all(when.holds(view) for when in rule.whens):
                continue
            if isinstance(rule.way, Outside):
                outside = outside or rule.way.element
            else:
                is_used = True
                self._fill(rule, rule.way, source, texts, slot)
        if outside and not is_used:
            self._filling.troubles.add_outside(source, outside, self._version)

    def _list_texts(self, cell: Any, source: str) -> list[str]:
        texts = cell if isinstance(cell, list) else [cell]
        if not all(isinstance(text, str) for text in texts):
            self._filling.troubles.add_unmapped(source)
        return [text for text in texts if isinstance(text, str) and text.strip()]

    def _fill(self, rule: Rule, field: Field, source: str, texts: list[str], slot: int) -> None:
        if rule.take is not None:
            texts = [piece for piece in map(rule.take, texts) if piece]
        if rule.read_age is not None:
            read_age, event_date = rule.read_age, self._event_date
            field = field._replace(read=lambda text: read_age(text, event_date))
        value = self._filling.read(field, source, texts, slot)
        if value is None or value == []:
            return
        key = Key(field.group, field.element, slot)
        if rule.by_name:
            self._add_names(rule, key, source, value if isinstance(value, list) else [str(value)])
        elif isinstance(value, list):
            if rule.heading is not None:
                value = [f"{rule.heading}: {text}" for text in value]
            self._put(field, key, value, source)
            if rule.is_derived:
                self.derived[key] = None
        else:
            is_age = rule.read_age is not None and field.element in BRACKET_BESIDE
            claim = Claim(rule.rank or 0, source, value, rule.heading, rule.is_derived, is_age)
            if rule.rank is None:
                self._grant(key, claim)
            else:
                self._claims.setdefault(key, []).append(claim)

    def _add_names(self, rule: Rule, key: Key, source: str, names: list[str]) -> None:
        there = self.names.setdefault(key, [])
        there += [name for name in dict.fromkeys(names) if name not in there]
        self.sources.setdefault(key, source)
        if rule.is_derived:
            self.derived[key] = None

    def _put(self, field: Field, key: Key, value: Any, source: str) -> None:
        self._filling.put(field, value, source, key.slot)
        self.sources.setdefault(key, source)

    def settle(self) -> None:
        """To be called once, when all fields have been seen."""
        for key, claims in self._claims.items():
            self._settle(key, sorted(claims, key=lambda claim: claim.rank))
        # The encoding has no value for the day of birth; the bracket has.
        for key, source in self._newborn.items():
            if self._filling.find(key) is None:
                self._filling.target(key.group, key.slot)[key.element] = NEWBORN
                self.sources[key] = source
                self.derived[key] = None

    def _settle(self, key: Key, claims: list[Claim]) -> None:
        plain = [claim for claim in claims if claim.heading is None]
        if len({claim.value for claim in plain}) > 1:
            fields = ", ".join(claim.source for claim in plain)
            spot = key.spot(plain[-1].source)
            element = f"{key.group}.{key.element}"
            troubles = self._filling.troubles
            troubles.add(mapping.FIELDS_DISAGREE, spot, fields=fields, element=element)
            return
        texts = [str(claim.value) for claim in plain[:1]]
        texts += [f"{claim.heading}: {claim.value}" for claim in claims if claim not in plain]
        value = "\n\n".join(texts) if len(texts) > len(plain[:1]) else plain[0].value
        is_derived = all(claim.is_derived for claim in claims)
        self._grant(key, claims[0]._replace(value=value, is_derived=is_derived))

    def _grant(self, key: Key, claim: Claim) -> None:
        if claim.is_age and claim.value == 0:
            self._newborn[key._replace(element=BRACKET_BESIDE[key.element])] = claim.source
            return
        self._filling.target(key.group, key.slot)[key.element] = claim.value
        self.sources[key] = claim.source
        if claim.is_derived:
            self.derived[key] = None
