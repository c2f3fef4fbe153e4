"""Values that have no national code, counted at their fields by the profile's own code maps."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from gateway.profiles.field_uses import Use
from gateway.profiles.spots import Spot
from mappers.profile_model import Profile, find_spec
from mappers.profile_parts import FieldRule
from mappers.profile_values import make_splitter
from schemas.taxonomy import EVENT_TYPES, TAXONOMY_VERSIONS, get_taxonomy

_MAX_VALUES: Final = 10_000
_KEPT_LENGTH: Final = 100
Cut = Callable[[str], list[str]]
Known = Callable[[str], bool]


class Uncoded:
    """Asked only of a field in which the mapping or the taxonomy has found such a value."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._counts: dict[str, Counter[str]] = {}
        self._has_more: set[str] = set()
        self._known: dict[tuple[str, str], list[tuple[Cut, Known]]] = {}

    def add(self, spot: Spot, use: Use, version: str) -> None:
        for text in spot.texts:
            for piece in self._find_pieces(text, use, version):
                self._count(spot.name, piece)

    def iterate(self) -> Iterator[tuple[str, Counter[str], bool]]:
        """(field, value → how often, whether there were more than could be counted)."""
        for name, counts in self._counts.items():
            yield name, counts, name in self._has_more

    def _count(self, name: str, piece: str) -> None:
        counts = self._counts.setdefault(name, Counter())
        piece = piece[:_KEPT_LENGTH]  # longer ones are never shown
        if piece in counts or len(counts) < _MAX_VALUES:
            counts[piece] += 1
        else:
            self._has_more.add(name)

    def _find_pieces(self, text: str, use: Use, version: str) -> list[str]:
        key = use.name, version
        if key not in self._known:
            self._known[key] = list(self._make_known(use, version))
        found: dict[str, None] = {}
        for cut, is_known in self._known[key]:
            for piece in cut(text):
                if piece and not is_known(piece):
                    found[piece] = None
        return list(found)

    def _make_known(self, use: Use, version: str) -> Iterator[tuple[Cut, Known]]:
        profile = self._profile
        for part in use.targets:
            head = profile.heads.get(part)
            if head is not None and part in ("event_type", "taxonomy_version"):
                accepted = EVENT_TYPES if part == "event_type" else TAXONOMY_VERSIONS
                yield _whole, _make_known(profile.codes_of(head), frozenset(accepted))
        for rule in use.rules:
            spec = find_spec(rule.to, (version,) if version else profile.versions)
            if spec is None:
                continue
            cut = _make_cut(rule, profile.separator_of(rule) if spec.many else None, profile.escape)
            if rule.by_name:
                # The register did not know it; what the profile says for it, it would have taken.
                yield cut, _make_known(profile.codes_of(rule) or {}, None)
            elif spec.type == "code":
                codes = get_taxonomy(version).codes_of(spec) if version else None
                accepted_codes = None if codes is None else frozenset(codes)
                yield cut, _make_known(profile.codes_of(rule), accepted_codes)
            elif spec.type == "boolean":
                booleans = rule.booleans or profile.booleans
                words = dict.fromkeys([*booleans.true, *booleans.false], "")
                yield cut, _make_known(words, None)


def _make_known(codes: dict[str, str] | None, accepted: frozenset[str] | None) -> Known:
    """Whether a value has a national code: by their code map where there is one."""
    folded = {theirs.strip().casefold(): national for theirs, national in (codes or {}).items()}

    def is_known(piece: str) -> bool:
        national: str | None = piece if codes is None else folded.get(piece.casefold())
        if national is None:
            return False
        return not national or accepted is None or national in accepted

    return is_known


def _whole(text: str) -> list[str]:
    return [text.strip()]


def _make_cut(rule: FieldRule, separator: str | None, escape: str | None) -> Cut:
    """Text of a field → the values that its rule sees in it."""
    split, take = make_splitter(separator, escape), rule.take

    def cut(text: str) -> list[str]:
        if take is not None:
            parts = text.split(take.separator)
            place = take.part - 1 if take.part > 0 else take.part
            text = parts[place] if -len(parts) <= place < len(parts) else ""
        return [piece.strip() for piece in split(text)]

    return cut
