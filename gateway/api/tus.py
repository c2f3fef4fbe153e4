"""The headers of the tus protocol 1.0.0 (tus.io), read strictly. What is sent is decided in
``gateway.api.uploads``."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from gateway.api.parameters import is_dry_run
from gateway.api.problems import ApiProblem

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,termination,expiration,checksum"
# For networks that let no other method through than GET and POST.
OVERRIDES: Final = ("PATCH", "DELETE", "HEAD")
CONTENT_TYPE: Final = "application/offset+octet-stream"
# The protocol asks for sha1; no other use is made of it.
ALGORITHMS: Final[Mapping[str, Callable[[], Any]]] = {
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
}
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_KEY: Final = re.compile(r"[!-+\--~]{1,64}", re.ASCII)
MOST_METADATA: Final = 4_096
_MOST_FILENAME: Final = 255


class Metadata(msgspec.Struct, frozen=True):
    """``text`` is the header as it came."""

    text: str = ""
    filename: str = ""
    dry_run: bool = False


class Checksum(msgspec.Struct, frozen=True):
    algorithm: str
    digest: bytes


def check_version(told: str | None) -> None:
    if told != VERSION:
        raise ApiProblem(
            412,
            "tus-version",
            "Not a version of tus that is spoken here",
            f"Send the header Tus-Resumable: {VERSION}.",
            headers={"Tus-Version": VERSION},
        )


def check_content_type(told: str | None) -> None:
    if (told or "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise ApiProblem(
            415,
            "unsupported-media-type",
            "The bytes of an upload have their own type",
            f"Send Content-Type: {CONTENT_TYPE}.",
        )


def parse_number(headers: Mapping[str, str], name: str) -> int:
    """A header that is a count of bytes; 400 where it is missing, or none."""
    told = headers.get(name, "")
    if not _NUMBER.fullmatch(told):
        raise _refuse(f"The header {name} must be a whole number of bytes, 0 or more.")
    return int(told)


def parse_metadata(told: str | None) -> Metadata:
    """``Upload-Metadata``: pairs of key and base64, between commas. We use ``filename`` and
    ``dry-run``; what else a client says (``filetype``, …) it is told again and nothing more."""
    text = (told or "").strip()
    if len(text) > MOST_METADATA:
        raise _refuse(f"The header Upload-Metadata may have {MOST_METADATA} characters.")
    values: dict[str, bytes] = {}
    for pair in text.split(",") if text else ():
        key, _, encoded = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in values:
            raise _refuse("The keys of Upload-Metadata must be ASCII, and each there once.")
        values[key] = _decode(encoded.strip(), "Upload-Metadata")
    filename = _get_text(values, "filename")
    if len(filename) > _MOST_FILENAME:
        raise _refuse(f"A filename may have {_MOST_FILENAME} characters.")
    return Metadata(text, filename, _read_dry_run(values))


def _read_dry_run(values: Mapping[str, bytes]) -> bool:
    """However it is misspelt, what was meant to be a dry run is not loaded."""
    for key in values:
        if key != "dry-run" and is_dry_run(key):
            raise _refuse("The key of Upload-Metadata is spelt dry-run; its value: true or false.")
    told = _get_text(values, "dry-run") if "dry-run" in values else "false"
    if told not in {"true", "false"}:
        raise _refuse("The value of dry-run in Upload-Metadata must be true or false.")
    return told == "true"


def parse_checksum(told: str | None) -> Checksum | None:
    """``Upload-Checksum``: an algorithm, a blank, the digest in base64."""
    if told is None:
        return None
    algorithm, _, encoded = told.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise _refuse(f"Upload-Checksum knows {', '.join(ALGORITHMS)}.")
    return Checksum(algorithm, _decode(encoded.strip(), "Upload-Checksum"))


def _get_text(values: Mapping[str, bytes], key: str) -> str:
    try:
        return values.get(key, b"").decode()
    except UnicodeDecodeError:
        raise _refuse(f"The value of {key} in Upload-Metadata must be UTF-8 in base64.") from None


def _decode(encoded: str, header: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _refuse(f"A value in {header} is not base64.") from None


def _refuse(detail: str) -> ApiProblem:
    return ApiProblem(400, "tus-header", "A header of the upload cannot be read", detail)
