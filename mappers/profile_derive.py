"""What a profile puts into an event where no field of the record fills the element: decision
tables, then constants. All of it is derived, and marked so."""

from typing import NamedTuple

from mappers.profile_conditions import Condition, View, make_condition
from mappers.profile_fields import FieldMapping
from mappers.profile_filling import Key
from mappers.profile_model import Profile, find_spec
from mappers.profile_parts import Case, FieldRule
from mappers.profile_tables import make_reader
from schemas.event import Value
from schemas.taxonomy import get_taxonomy


class Derivation(NamedTuple):
    """One element and its cases; the first that holds counts. A case without a condition always
    holds: a constant is one such case."""

    key: Key
    cases: tuple[tuple[Condition | None, Value], ...]
    repeats: bool

    def find_case(self, view: View) -> tuple[str, Value] | None:
        """(the field that decided, value)"""
        for condition, value in self.cases:
            reason = "" if condition is None else condition.find_reason(view)
            if reason is not None:
                return reason, value
        return None


def make_derivations(profile: Profile, version: str) -> tuple[Derivation, ...]:
    """The decision tables, then the constants, of the elements this version has."""
    tables = [(target, cases) for target, cases in profile.derive.items()]
    tables += [(target, [Case(value=value)]) for target, value in profile.constants.items()]
    made = (_make_derivation(profile, version, target, cases) for target, cases in tables)
    return tuple(one for one in made if one is not None)


def _make_derivation(
    profile: Profile, version: str, target: str, cases: list[Case]
) -> Derivation | None:
    spec = find_spec(target, (version,))
    if spec is None:
        return None
    read = make_reader(profile, FieldRule.model_validate(target), spec)
    group, _, element = target.partition(".")
    compiled: list[tuple[Condition | None, Value]] = []
    for case in cases:
        texts = case.value if isinstance(case.value, list) else [case.value]
        values = [value for value in map(read, texts) if value is not None and value != ""]
        if spec.many:
            whole: Value | None = sorted(set(values)) if spec.type == "code" else values  # type: ignore[assignment]
        else:
            whole = values[0] if values else None
        # A case with no value: nothing is derived there, whatever the cases behind it.
        compiled.append((make_condition(case.when), "" if whole is None else whole))
    repeats = get_taxonomy(version).by_name[group].repeats
    return Derivation(Key(group, element), tuple(compiled), repeats)


def derive(derivations: tuple[Derivation, ...], fields: FieldMapping) -> None:
    """Fills what is still empty; each occurrence of a repeated group by itself."""
    for one in derivations:
        if not one.repeats:
            _fill(one, one.key, fields.get_view(), fields)
            continue
        for slot, there in fields.filling.repeats.get(one.key.group, {}).items():
            if there:
                view = fields.views.get((one.key.group, slot)) or fields.get_view(slot)
                _fill(one, one.key._replace(slot=slot), view, fields)


def _fill(one: Derivation, key: Key, view: View, fields: FieldMapping) -> None:
    filling, rules = fields.filling, fields.get_rules()
    if filling.find(key) is not None or key in rules.names:
        return
    found = one.find_case(view)
    if found is None or found[1] in ("", []):
        return
    reason, value = found
    filling.target(key.group, key.slot)[key.element] = value
    rules.derived[key] = None
    if reason:
        rules.sources[key] = reason
