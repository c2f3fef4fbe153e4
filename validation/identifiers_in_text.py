"""Finds what may identify a person in free text. It counts and never keeps what it found.

They run over every narrative: so ask ``has_number``, ``"@" in text`` and ``has_title`` first, which
cost next to nothing. None is slow on hostile text either: each match is bounded in length.
"""

import re

from schemas.identifiers import is_nhs_number

_NHS = re.compile(r"[0-9]{3}([ -]?)[0-9]{3}\1[0-9]{4}(?![0-9])")
_NHS_WORDS = re.compile(r"\bnhs\b|\bnumber\b|\bno\.", re.IGNORECASE)
# How far from a plain run of ten digits the words that make it an NHS number may stand.
_NHS_BEFORE, _NHS_AFTER = 40, 25
_EMAIL = re.compile(r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
# After the 0 or +44 come 9 or 10 digits, in two or three blocks of which the first has at least
# two: "01 02 2026" is a date.
_TELEPHONE = re.compile(
    r"(?:0|\+44 ?(?:\(0\) ?)?|0044 ?)"
    r"([1-35789][0-9]{1,4}\)?[ -]?[0-9]{3,4}[ -]?[0-9]{3,4})(?![0-9])"
)
# The second half of a postcode, whose letters are never C, I, K, M, O or V: so "B12 5MG" is a
# vitamin and not an address. The first half is looked for where a second one stands.
_INWARD = re.compile(r"[0-9][ABD-HJLNP-UW-Z]{2}(?![A-Za-z0-9])")
_OUTWARD = re.compile(r"(?:^|[^A-Za-z0-9])(?:[A-Z]{1,2}[0-9][A-Z0-9]?|GIR ?(?=0))[ ]?$")
# A word in capitals after a title that is no name: the start of the next sentence ("seen by the
# Dr. The …"), a role, or the well-known firm.
_NO_NAME = (
    "A|After|All|An|And|As|At|Advised|Assessed|Attended|Aware|Before|But|By|Called|Came|Foster|He|"
    "Her|His|I|If|In|Informed|It|No|Not|Nurse|On|Patient|Prescribed|Pt|Reviewed|She|Some|Staff|"
    "That|The|Their|Then|There|They|This|To|Told|Updated|Was|We|When|Who|Will|With"
)
# Begins with the letter, not with the border before it: that is looked at where a letter fits.
_NAME = re.compile(
    r"[DMP](?<!\w.)(?:(?<=M)(?:rs?|s|iss)|(?<=D)r|(?<=P)rof)\.? "
    rf"(?!(?:{_NO_NAME})\b)(?:[A-Z]['’])?[A-Z][a-z]"
)
# A digit with which an NHS number, a telephone number or the second half of a postcode may begin:
# one pass instead of three over texts that tell times and doses only.
_NUMBER_LIKE = re.compile(r"[0-9](?:[0-9 ()-]{7}|[ABD-HJLNP-UW-Z]{2})")


def count_nhs_numbers(text: str) -> int:
    """Ten digits whose check digit fits and which are written 3-3-4 or stand near the words."""
    count = 0
    for found in _NHS.finditer(text):
        start, end = found.span()
        if start and text[start - 1].isdigit():
            continue
        written_so = bool(found[1])
        near = text[max(0, start - _NHS_BEFORE) : start], text[end : end + _NHS_AFTER]
        if (written_so or any(map(_NHS_WORDS.search, near))) and is_nhs_number(
            found[0].replace(" ", "").replace("-", "")
        ):
            count += 1
    return count


def count_emails(text: str) -> int:
    return sum(
        1
        for found in _EMAIL.finditer(text)
        if found.start() and (text[found.start() - 1].isalnum() or text[found.start() - 1] in "_-+")
    )


def count_telephones(text: str) -> int:
    """UK numbers with their area code; extensions and bleeps are not about a person."""
    count = 0
    for found in _TELEPHONE.finditer(text):
        digits = sum(character.isdigit() for character in found[1])
        if digits in (9, 10) and not text[max(0, found.start() - 1) : found.start()].isdigit():
            count += 1
    return count


def count_postcodes(text: str) -> int:
    return sum(
        1
        for found in _INWARD.finditer(text)
        if _OUTWARD.search(text[max(0, found.start() - 6) : found.start()])
    )


def count_names(text: str) -> int:
    return sum(1 for _ in _NAME.finditer(text))


def may_identify(text: str) -> bool:
    """Whether any of the counts may be above nought. Several texts with line ends between them may
    exactly where one of them may: nothing that is looked for goes on over a line's end."""
    return "@" in text or has_number(text) or has_title(text)


def has_number(text: str) -> bool:
    """Whether there can be an NHS number, a telephone number or a postcode."""
    # Ten searches for one character each are several times faster than one regex.
    has_digit = (
        "0" in text
        or "1" in text
        or "2" in text
        or "3" in text
        or "4" in text
        or "5" in text
        or "6" in text
        or "7" in text
        or "8" in text
        or "9" in text
    )
    return has_digit and _NUMBER_LIKE.search(text) is not None


def has_title(text: str) -> bool:
    """Whether there can be a name with a title."""
    # The capital alone first: one character is found ten times faster than two.
    return (
        ("M" in text and ("Mr" in text or "Ms" in text or "Miss" in text))
        or ("D" in text and "Dr" in text)
        or ("P" in text and "Prof" in text)
    )
