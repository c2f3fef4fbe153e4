"""Identifiers: the event's number and reference, ODS codes, NHS numbers."""

import hashlib
import re
from functools import lru_cache

from stdnum import luhn
from stdnum.exceptions import ValidationError
from stdnum.gb import nhs

# Crockford's base 32: no I, L, O, U, so that a reference survives being read aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_AMBIGUOUS = str.maketrans({"I": "1", "L": "1", "O": "0"})
_ODS_CODE = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)
EVENT_ID_BITS = 60
# Each two digits of a reference, and what they add to Luhn's sum: tables, as a load makes millions.
_PAIRS = [one + two for one in _ALPHABET for two in _ALPHABET]
_PAIR_SUMS = [luhn.checksum(f"{pair}0", alphabet=_ALPHABET) for pair in _PAIRS]


def make_identity(local_id: str | None, content_hash: bytes) -> str:
    """What makes two records of a source the same event: the source's own id, else the content."""
    return f"id:{local_id}" if local_id is not None else f"content:{content_hash.hex()}"


def make_event_id(source_id: str, identity: str, attempt: int = 0) -> int:
    """The event's number, 60 bits drawn from who sent it and its identity. The same event has the
    same number whatever the order or the machine it was loaded on; ``attempt`` counts up where
    another event already has the number."""
    text = f"{source_id}\0{identity}\0{attempt}" if attempt else f"{source_id}\0{identity}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - EVENT_ID_BITS)


@lru_cache(maxsize=4096)  # one request asks for the same one several times
def make_reference(event_id: int) -> str:
    """The national reference number of an event: twelve characters and a check character, as
    ``7K2M-9QXB-4T8D-V``."""
    pairs = [event_id >> shift & 1023 for shift in (50, 40, 30, 20, 10, 0)]
    one, two, three, four, five, six = [_PAIRS[pair] for pair in pairs]
    check = _ALPHABET[-sum([_PAIR_SUMS[pair] for pair in pairs]) & 31]
    return f"{one}{two}-{three}{four}-{five}{six}-{check}"


def parse_reference(text: str) -> int | None:
    """The event's number, or None where the check character does not fit. Blanks, hyphens, lower
    case and the letters I, L, O are forgiven."""
    digits = re.sub(r"[\s-]", "", text).upper().translate(_AMBIGUOUS)
    if len(digits) != 13 or not set(digits) <= set(_ALPHABET):
        return None
    if not luhn.is_valid(digits, alphabet=_ALPHABET):
        return None
    number = 0
    for digit in digits[:12]:
        number = number << 5 | _ALPHABET.index(digit)
    return number


def make_batch_id(source_id: str, sha256: str) -> str:
    """The same bytes from the same source are the same batch, so its id follows from both."""
    digest = hashlib.sha256(f"{source_id}\0{sha256}".encode()).digest()
    number = int.from_bytes(digest[:8], "big") >> 4
    return "b-" + "".join(_ALPHABET[number >> shift & 31] for shift in range(55, -5, -5)).lower()


def is_ods_code(text: str) -> bool:
    """Has the form of an ODS code; whether it exists is the register's to say."""
    return _ODS_CODE.fullmatch(text) is not None


def get_trust(code: str) -> str:
    """The trust of a trust site: five characters of which the first three are the trust's. Trusts
    begin with R or T; other five-character codes (pharmacies, F…) are organisations of their
    own."""
    return code[:3] if len(code) == 5 and code[0] in "RT" else code


def is_same_organisation(one: str, other: str) -> bool:
    """The same organisation, or a trust and one of its sites."""
    return one == other or get_trust(one) == get_trust(other)


def is_nhs_number(digits: str) -> bool:
    """Ten digits whose check digit fits; about one in eleven random numbers does."""
    try:
        nhs.validate(digits)
    except ValidationError:
        return False
    return True
