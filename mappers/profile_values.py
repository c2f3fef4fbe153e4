"""Text of a feed → value of the element's type, as a profile says. One function for each field,
made once; it gives the value, None for "says nothing", or raises Unreadable."""

import re
from collections.abc import Callable, Mapping

from mappers.profile_parts import Booleans
from schemas.catalogue import mapping
from schemas.finding import FindingCode
from schemas.values import clean_text

Scalar = str | int | bool
ReadOne = Callable[[str], Scalar | None]

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_MAX_ACCEPTED = 12


class Unreadable(ValueError):  # noqa: N818 - a signal between these modules, never an error of ours
    """This text has no value of the field's type. ``accepted`` names what would have;
    ``shows``: whether a finding may show the text, if it is short and plain."""

    def __init__(self, code: FindingCode, accepted: str = "", *, shows: bool = True) -> None:
        super().__init__(code.code)
        self.code = code
        self.accepted = accepted
        self.shows = shows


def make_code_reader(codes: Mapping[str, str] | None) -> ReadOne:
    """A code as it stands, or by their code map: exactly, else whatever its case and the blanks
    around it where that is unambiguous. An unknown code is never a default."""
    if codes is None:
        return str.strip
    exact = dict(codes)
    folded: dict[str, str] = {}
    ambiguous = set()
    for theirs, national in codes.items():
        fold = theirs.strip().casefold()
        if folded.setdefault(fold, national) != national:
            ambiguous.add(fold)
    for fold in ambiguous:
        del folded[fold]
    accepted = _list_accepted(list(codes))

    def read(text: str) -> str | None:
        found = exact.get(text)
        if found is not None:
            return found
        text = text.strip()
        found = exact.get(text)
        if found is None:
            found = folded.get(text.casefold())
        if found is None and text:
            raise Unreadable(mapping.UNKNOWN_LOCAL_CODE, accepted)
        return found

    return read


def make_name_reader(codes: Mapping[str, str] | None) -> ReadOne:
    """The name of an organisation as it stands, or the ODS code that the profile has for it: an
    unknown name is the register's to find."""
    known = {_fold_name(name): code for name, code in (codes or {}).items()}

    def read(text: str) -> str:
        return known.get(_fold_name(text), clean_text(text))

    return read


def _fold_name(text: str) -> str:
    return " ".join(text.casefold().split())


def make_boolean_reader(booleans: Booleans) -> ReadOne:
    words = {word.casefold(): False for word in booleans.false}
    words |= {word.casefold(): True for word in booleans.true}
    accepted = _list_accepted([*booleans.true, *booleans.false])

    def read(text: str) -> bool | None:
        text = text.strip()
        found = words.get(text.casefold())
        if found is None and text:
            raise Unreadable(mapping.NOT_TRUE_OR_FALSE, accepted)
        return found

    return read


def read_integer(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not _WHOLE_NUMBER.fullmatch(text):
        raise Unreadable(mapping.NOT_A_NUMBER)
    return int(text)


def make_splitter(separator: str | None, escape: str | None) -> Callable[[str], list[str]]:
    """One cell → its values. With an escape, the character behind it is meant literally, so a
    value may hold the separator; blanks around values do not count."""
    if separator is None:
        return lambda text: [text]
    if escape is None:
        return lambda text: text.split(separator)
    token = re.compile(f"{re.escape(escape)}(.)|{re.escape(separator)}", re.DOTALL)

    def split(text: str) -> list[str]:
        if escape not in text:
            return text.split(separator)
        values, value, place = [], "", 0
        for match in token.finditer(text):
            value += text[place : match.start()]
            place = match.end()
            if match.group(1) is None:
                values.append(value)
                value = ""
            else:
                value += match.group(1)
        return [*values, value + text[place:]]

    return split


def _list_accepted(words: list[str]) -> str:
    shown = ", ".join(words[:_MAX_ACCEPTED])
    return f"{shown} …" if len(words) > _MAX_ACCEPTED else shown
