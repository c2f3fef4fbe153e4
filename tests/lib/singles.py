"""Single requests to load: judged records as requests of their own."""

import hashlib
from collections.abc import Iterable, Sequence

from schemas.identifiers import make_batch_id, make_identity
from schemas.single import Reservation, Single, SingleOutcome
from store.engine import Store
from tests.lib.records import NOW, SOURCE, make_record


def make_single(
    body: str,
    content: str | None,
    local_id: str | None = None,
    *,
    expected: int | None = None,
    only_new: bool = False,
    reservation: Reservation | None = None,
) -> Single:
    """The request of these bytes; rejected where there is no content."""
    record = make_record(1, content, local_id)
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    identity = None
    if record.acceptance is not None:
        identity = make_identity(local_id, record.acceptance.content_hash)
    return Single(
        batch_id=make_batch_id(SOURCE.id, sha256),
        source_id=SOURCE.id,
        organisation=SOURCE.organisation,
        sha256=sha256,
        filename="POST AdverseEvent",
        body=body.encode(),
        record=record,
        identity=identity,
        expected=expected,
        only_new=only_new,
        reservation=reservation,
    )


def load(store: Store, *singles: Single) -> list[SingleOutcome]:
    """In one transaction."""
    with store.begin(actor="test", at=NOW) as work:
        return work.singles.load(singles)


def take_distinct(singles: Iterable[Single]) -> list[list[Single]]:
    """The same in their order, cut before any that is of a batch or an event already there."""
    groups: list[list[Single]] = []
    taken: set[str] = set()
    for one in singles:
        marks = {one.batch_id, one.identity or one.batch_id}
        if not groups or marks & taken:
            groups.append([])
            taken = set()
        groups[-1].append(one)
        taken |= marks
    return groups


def load_in_groups(store: Store, groups: Sequence[Sequence[Single]]) -> list[SingleOutcome]:
    return [
        outcome
        for group in groups
        for part in take_distinct(group)
        for outcome in load(store, *part)
    ]
