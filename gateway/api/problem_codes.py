"""The codes of problems: of everything that can be wrong with a request rather than with an event.
A code keeps its meaning and its status; docs/vendors/errors.md is made from this table."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

Code = Literal[
    "request-malformed",
    "header-malformed",
    "identifier-differs",
    "body-cut-off",
    "http-malformed",
    "tus-header",
    "sandbox-answer",
    "credentials-missing",
    "credentials-refused",
    "certificate-refused",
    "scope-missing",
    "not-found",
    "method-not-allowed",
    "not-acceptable",
    "body-too-slow",
    "head-too-slow",
    "in-flight",
    "not-possible",
    "format-differs",
    "upload-offset",
    "upload-busy",
    "upload-expired",
    "version-stale",
    "tus-version",
    "body-too-large",
    "unsupported-media-type",
    "unsupported-encoding",
    "key-reused",
    "correction-refused",
    "too-many-requests",
    "too-many-uploads",
    "head-too-large",
    "checksum-mismatch",
    "fault",
    "unavailable",
]


class ProblemCode(msgspec.Struct, frozen=True):
    """``again``: whether the same request may be sent again as it is, by a program."""

    status: int
    when: str
    to_do: str
    again: Literal["no", "later", "at once"] = "no"


PROBLEM_CODES: Final[Mapping[Code, ProblemCode]] = {
    "request-malformed": ProblemCode(
        400,
        "A parameter of the address cannot be read, or is none that the address has.",
        "Send it as `detail` says, which names the parameter.",
    ),
    "header-malformed": ProblemCode(
        400,
        "`If-Match`, `If-None-Exist` or `Idempotency-Key` cannot be read.",
        "Send the header in the form that `detail` shows, or leave it out.",
    ),
    "identifier-differs": ProblemCode(
        400,
        "`If-None-Exist` names another identifier than the event in the body.",
        "Send the identifier of the event itself.",
    ),
    "body-cut-off": ProblemCode(
        400,
        "The connection broke before the whole body came.",
        "Send it again; of an upload ask first, by HEAD, how much is kept.",
        "at once",
    ),
    "http-malformed": ProblemCode(
        400,
        "What came is not HTTP, or breaks its rules: two lengths, a length that is no number.",
        "Let a library write the request.",
    ),
    "tus-header": ProblemCode(
        400,
        "A header of a resumable upload is missing or cannot be read.",
        "Send it as `detail` says; a client library of tus 1.0.0 does.",
    ),
    "sandbox-answer": ProblemCode(
        400,
        "Only in a sandbox: `Sandbox-Answer` asks for an answer that this address never gives.",
        "See [the sandbox](sandbox.md).",
    ),
    "credentials-missing": ProblemCode(
        401,
        "Neither a subscription key nor an access token was sent.",
        "Send `Ocp-Apim-Subscription-Key: …`, or `Authorization: Bearer …`.",
    ),
    "credentials-refused": ProblemCode(
        401,
        "The key or token is not known, is revoked, or has expired: which of them is not said.",
        "Get a new token, once. Where that is refused too, or with a key: ask the operator.",
    ),
    "certificate-refused": ProblemCode(
        401,
        "The source is registered with a client certificate, and this connection has none of it.",
        "Present the registered certificate: see [authentication](authentication.md).",
    ),
    "scope-missing": ProblemCode(
        403,
        "The token was not given the scope that this address needs; `detail` names it.",
        "Ask for a token with that scope; where the client may not have it, ask the operator.",
    ),
    "not-found": ProblemCode(
        404,
        "There is no such thing, or it is another source's, or the address is wrong.",
        "Look at the address and the id. An event's id is the reference number of its answer.",
    ),
    "method-not-allowed": ProblemCode(
        405,
        "The address is right and the method is not; `Allow` has those there are.",
        "Use one of `Allow`.",
    ),
    "not-acceptable": ProblemCode(
        406,
        "`Accept` asks for a receipt in a form that there is none of.",
        "Ask for JSON, CSV, NDJSON or FHIR, by `Accept` or by `?format=`.",
    ),
    "body-too-slow": ProblemCode(
        408,
        "The body did not come within its time, or nothing came for too long.",
        "Send it again over a better line; large feeds as a [resumable upload](api.md#uploads).",
        "later",
    ),
    "head-too-slow": ProblemCode(
        408,
        "Address and headers did not come within their time.",
        "Send it again over a better line.",
        "later",
    ),
    "in-flight": ProblemCode(
        409,
        "A request with this Idempotency-Key, or with these bytes, is being worked on right now.",
        "Send the same request again after `Retry-After`: its answer will be there.",
        "later",
    ),
    "not-possible": ProblemCode(
        409,
        "As things stand it cannot be done; `detail` says why: a record that is corrected already,"
        " a dry run without a receipt.",
        "Read how it stands (GET), and go on from there.",
    ),
    "format-differs": ProblemCode(
        409,
        "A FHIR Bundle was sent as a source that is registered for another format.",
        "Send its feeds to `POST /feeds` in its own format.",
    ),
    "upload-offset": ProblemCode(
        409,
        "The bytes of an upload begin elsewhere than where it stands.",
        "Go on from the `Upload-Offset` of the answer.",
    ),
    "upload-busy": ProblemCode(
        409,
        "Another request is writing to this upload.",
        "Ask by HEAD after `Retry-After`, and go on from there.",
        "later",
    ),
    "upload-expired": ProblemCode(
        410,
        "The upload was not finished in time, and is removed.",
        "Begin a new one.",
    ),
    "version-stale": ProblemCode(
        412,
        "`If-Match` names another version than the event has now, which `ETag` tells.",
        "Read the event, put your change into that, and send it with its ETag.",
    ),
    "tus-version": ProblemCode(
        412,
        "`Tus-Resumable` is missing, or another version than 1.0.0.",
        "Send `Tus-Resumable: 1.0.0`.",
    ),
    "body-too-large": ProblemCode(
        413,
        "The body is longer than is taken here; `detail` has the limit.",
        "An event: leave out attachments. A feed: cut it into several, or ask the operator.",
    ),
    "unsupported-media-type": ProblemCode(
        415,
        "The body is declared as something that this address does not take.",
        "Send the Content-Type that `detail` names.",
    ),
    "unsupported-encoding": ProblemCode(
        415,
        "A single event came packed, or a feed packed otherwise than by gzip or zip.",
        "Send events as they are. Feeds may be packed, at `POST /feeds`.",
    ),
    "key-reused": ProblemCode(
        422,
        "The Idempotency-Key was used for another request: another body, address or condition.",
        "Take a new key for each request; the same one only to repeat it unchanged.",
    ),
    "correction-refused": ProblemCode(
        422,
        "What was sent cannot stand in the place of the rejected record: it is not one record, or"
        " another one by its id.",
        "Send that record, whole, in the format of its feed (CSV: with the header).",
    ),
    "too-many-requests": ProblemCode(
        429,
        "The source has used what it may in this minute; `RateLimit` says of what.",
        "Wait for `Retry-After` seconds, then go on. Before that nothing is read.",
        "later",
    ),
    "too-many-uploads": ProblemCode(
        429,
        "The source has as many unfinished uploads as it may.",
        "Finish or end (DELETE) one of them, or wait until the first expires.",
        "later",
    ),
    "head-too-large": ProblemCode(
        431,
        "Address and headers are longer than is taken; `detail` has the limit.",
        "Send fewer or shorter headers, and content in the body.",
    ),
    "checksum-mismatch": ProblemCode(
        460,
        "The bytes of an upload are not those of `Upload-Checksum`; none of them was kept.",
        "Send the same piece again.",
        "at once",
    ),
    "fault": ProblemCode(
        500,
        "We broke. It is logged under the request id.",
        "Send the same request again, later: that is safe. Tell the operator the request id.",
        "later",
    ),
    "unavailable": ProblemCode(
        503,
        "The gateway, or what it stands on, does not answer now. Nothing is half done.",
        "Send the same request again after `Retry-After`.",
        "later",
    ),
}
