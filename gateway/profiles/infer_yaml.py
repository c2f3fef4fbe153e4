"""Scalars and comments of a YAML text, safe for whatever a feed has in its names and codes."""

import re
from typing import Final

# Plain where nobody has to think about it; everything else in quotes.
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./@{}'()&+-]*(?: [A-Za-z0-9_./@{}'()&+-]+)*")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
# YAML takes no longer key on one line.
_LONGEST_KEY: Final = 900
_ESCAPED: Final = re.compile(
    r"[^\x20\x21\x23-\x5b\x5d-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe"
    r"\uff00-\ufffd\U00010000-\U0010ffff]"
)


def scalar(text: str) -> str:
    """The text as a YAML scalar that is read back as the same text."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS and len(text) < _LONGEST_KEY:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    if found[0] in '"\\':
        return f"\\{found[0]}"
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}"


def key(text: str, indent: str = "") -> str:
    """The text as a key, with the colon."""
    written = scalar(text)
    if len(written) > _LONGEST_KEY:
        return f"? {written}\n{indent}:"
    return f"{written}:"


def comment(text: str) -> str:
    """One line behind a number sign."""
    return f"# {' '.join(text.split())}" if text.strip() else "#"
