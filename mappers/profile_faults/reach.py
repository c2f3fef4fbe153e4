"""Cases and rules that can never be reached, because an earlier one always holds where they do."""

from collections.abc import Iterator

from mappers.profile_faults.conditions import fold
from mappers.profile_faults.uses import Fault
from mappers.profile_model import Profile
from mappers.profile_parts import Case
from mappers.profile_terms import Asked, When


def find_faults(profile: Profile) -> Iterator[Fault]:
    for target, cases in profile.derive.items():
        if not cases:
            yield ("derive", target), "no case stands here"
        for place, case in enumerate(cases):
            earlier = _find_covering(case, cases[:place])
            if earlier is not None:
                reason = "has no condition" if cases[earlier].when is None else "holds there, too"
                message = f"never reached: case {earlier + 1} stands before it and {reason}"
                yield ("derive", target, place), message


def find_remarks(profile: Profile) -> Iterator[Fault]:
    for target in profile.constants.keys() & profile.derive.keys():
        if profile.derive[target][-1].when is None:
            message = "never used: the last case under derive holds always"
            yield ("constants", target), message


def _find_covering(case: Case, earlier: list[Case]) -> int | None:
    """The earlier case that holds wherever this one does, or the one where several together do."""
    seen: list[tuple[int, When]] = []
    for place, one in enumerate(earlier):
        if one.when is None:
            return place
        seen += [(place, alternative) for alternative in one.when]
    if case.when is None:
        return None
    last = -1
    for alternative in case.when:
        covering = [place for place, other in seen if _implies(alternative, other)]
        if not covering:
            return None
        last = max(last, covering[0])
    return last if last >= 0 else None


def _implies(this: When, other: When) -> bool:
    """Whether every record for which this holds is one for which the other does."""
    return all(field in this and _asked_implies(this[field], test) for field, test in other.items())


def _asked_implies(this: Asked, other: Asked) -> bool:
    """A field may hold several values: that one of them is in 'any' says nothing of the rest."""
    if other.any is not None and not (this.any and fold(this.any) <= fold(other.any)):
        return False
    if other.none is not None and not _implies_none(this, fold(other.none)):
        return False
    if other.contains is not None and not _implies_contains(this, fold(other.contains)):
        return False
    if other.given is None:
        return True
    return _is_given(this) if other.given else this.given is False


def _implies_none(this: Asked, words: frozenset[str]) -> bool:
    if this.given is False:
        return "" not in words  # a field that is not filled has the empty text
    return this.none is not None and words <= fold(this.none)


def _implies_contains(this: Asked, parts: frozenset[str]) -> bool:
    given = [words for words in (this.any, this.contains) if words]
    return any(all(any(part in word for part in parts) for word in fold(words)) for words in given)


def _is_given(this: Asked) -> bool:
    filled = [words for words in (this.any, this.contains) if words]
    return this.given is True or any("" not in fold(words) for words in filled)
