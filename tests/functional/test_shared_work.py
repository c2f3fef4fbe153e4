"""What waits is shared out among tasks of about equal work, and what fails holds up nobody."""

import dataclasses
import io

import pytest

from gateway.generator import write_feed
from gateway.pipeline import hashing, share
from gateway.pipeline.finish import finish_batches
from gateway.pipeline.plan import plan_batch
from gateway.pipeline.receive import receive_feed
from schemas.errors import LostPartError, UnavailableError
from store.raw_files import DamagedError
from tests.lib.line import open_line, register_everyone

# One event is about 4,500 bytes, which are reckoned a quarter of a millisecond of loading.
SMALL = {"part_bytes": 20_000, "commit_records": 10}


def receive(gateway, events: int, seed: int, format: str = "fhir-5"):  # noqa: A002
    stream = io.BytesIO()
    write_feed(stream, events=events, format=format, seed=seed)
    stream.seek(0)
    source = f"test-{'fhir' if format.startswith('fhir') else format}"
    return receive_feed(gateway, source, stream, filename=f"{seed}")[0]


@pytest.fixture
def gateway(tmp_path):
    with open_line(tmp_path / "home", **SMALL) as opened:
        register_everyone(opened)
        yield opened


def plan_all(gateway):
    for batch_ids in share.share_looks(gateway):
        share.plan_batches(gateway, batch_ids)


def damage(gateway, batch, change=lambda _kept: b"damaged") -> bytes:
    path = gateway.settings.raw_folder / batch.sha256[:2] / batch.sha256[2:4] / batch.sha256
    kept = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(change(kept))
    return kept


def mend(gateway, kept: bytes) -> None:
    receive_feed(gateway, "test-fhir", io.BytesIO(kept), filename="again")


def count_records(gateway) -> int:
    with gateway.store.read() as work:
        return sum(batch.counts.records for batch in work.batches.find_all())


def test_a_large_batch_is_shared_and_small_ones_are_put_together(gateway, monkeypatch):
    monkeypatch.setattr(share, "_EACH", 0.001)
    settings = gateway.settings.model_copy(update={"task_seconds": 0.02})
    gateway = dataclasses.replace(gateway, settings=settings)
    large = receive(gateway, 400, 1)
    small = [receive(gateway, 2, seed) for seed in range(2, 22)]
    plan_all(gateway)
    shares = share.share_work(gateway)
    assert 4 <= len(shares) <= 8
    of_large = [item for items in shares for item in items if item["batch_id"] == large.id]
    assert len(of_large) > 3
    parts = [number for item in of_large for number in item["parts"]]
    assert parts == list(range(len(parts)))
    assert max(len(item["parts"]) for item in of_large) > 10
    order = [item["batch_id"] for items in shares for item in items]
    assert list(dict.fromkeys(order)) == [large.id, *(batch.id for batch in small)]
    together = [len({item["batch_id"] for item in items}) for items in shares]
    assert max(together) > 5
    for items in reversed(shares):
        share.process_shares(gateway, items)
    assert finish_batches(gateway)["finished"] == 21
    assert count_records(gateway) == 440


def test_shares_are_of_about_equal_work_and_no_more_than_airflow_maps():
    weighed = [share._Weighed("b", number, 1.0 + number % 3) for number in range(9_000)]
    shares = list(share._share(weighed, 2.0))
    assert [one for items in shares for one in items] == weighed
    assert len(shares) == share.MOST_TASKS
    lengths = [sum(one.seconds for one in items) for items in shares]
    assert max(lengths) - min(lengths) <= 6
    assert len(list(share._share(weighed[:3], 100.0))) == 1
    assert list(share._share([], 10.0)) == []


def test_a_batch_that_cannot_be_planned_holds_up_no_other(gateway):
    batches = [receive(gateway, 3, seed) for seed in range(3)]
    kept = damage(gateway, batches[1])
    (batch_ids,) = share.share_looks(gateway)
    with pytest.raises(share.FailedBatchesError, match=f"planned: {batches[1].id}$"):
        share.plan_batches(gateway, batch_ids)
    (items,) = share.share_work(gateway)
    assert [item["batch_id"] for item in items] == [batches[0].id, batches[2].id]
    mend(gateway, kept)
    assert share.share_looks(gateway) == [[batches[1].id]]


def test_a_batch_that_cannot_be_loaded_holds_up_no_other_of_its_task(gateway):
    batches = [receive(gateway, 3, seed) for seed in range(3)]
    plan_all(gateway)
    kept = damage(gateway, batches[0])
    (items,) = share.share_work(gateway)
    with pytest.raises(share.FailedBatchesError, match=f"processed: {batches[0].id}$"):
        share.process_shares(gateway, items)
    assert finish_batches(gateway)["finished"] == 2
    mend(gateway, kept)
    # The task as it is tried again: what is loaded is not read again.
    assert share.process_shares(gateway, items) == {"records": 3}
    assert finish_batches(gateway)["finished"] == 1
    assert count_records(gateway) == 9


def test_our_own_fault_over_one_batch_is_told_without_its_text(gateway, monkeypatch, caplog):
    batches = [receive(gateway, 3, seed) for seed in range(2)]
    kept = share.plan_batch

    def fail_once(gateway, batch):
        if batch.id == batches[0].id:
            raise RuntimeError("Zebrafinch")
        return kept(gateway, batch)

    monkeypatch.setattr(share, "plan_batch", fail_once)
    with pytest.raises(share.FailedBatchesError):
        plan_all(gateway)
    assert "Zebrafinch" not in caplog.text
    assert "RuntimeError in test_shared_work.py" in caplog.text
    assert len(share.share_work(gateway)[0]) == 1


@pytest.mark.parametrize("error", [UnavailableError("away"), LostPartError("taken over")])
def test_what_may_pass_and_a_lost_part_end_the_task_at_once(gateway, monkeypatch, error):
    for seed in range(3):
        receive(gateway, 3, seed)
    plan_all(gateway)
    (items,) = share.share_work(gateway)
    calls = []

    def fail(_gateway, batch_id, _parts):
        calls.append(batch_id)
        raise error

    monkeypatch.setattr(share, "process_parts", fail)
    with pytest.raises(type(error)):
        share.process_shares(gateway, items)
    assert len(calls) == 1


@pytest.mark.parametrize("format", ["csv", "xml", "fhir-xml-5"])
def test_every_shape_is_cut_and_loads_in_any_order(gateway, format):  # noqa: A002
    batch = receive(gateway, 60, 5, format)
    plan_all(gateway)
    with gateway.store.read() as work:
        numbers = [part.number for part in work.parts.find(batch.number)]
    assert len(numbers) > 2
    for number in reversed(numbers):
        share.process_shares(gateway, [{"batch_id": batch.id, "parts": [number]}])
    finish_batches(gateway)
    with gateway.store.read() as work:
        done = work.batches.get(batch.id)
    assert (done.verdict, done.counts.created) == ("accepted", 60)


@pytest.mark.parametrize(
    "damage_bytes",
    [
        lambda kept: kept[:9_000] + b"x" + kept[9_001:],
        lambda kept: kept[:-9],
        lambda kept: kept + b"longer",
    ],
    ids=["in the middle", "cut off", "longer"],
)
def test_a_large_file_that_is_damaged_is_not_planned(gateway, monkeypatch, damage_bytes):
    monkeypatch.setattr(hashing, "_SMALL", 0)
    batch = receive(gateway, 20, 1)
    kept = damage(gateway, batch, damage_bytes)
    with pytest.raises(DamagedError):
        plan_batch(gateway, batch)
    with gateway.store.read() as work:
        assert work.batches.get(batch.id).state == "received"
        assert work.parts.find(batch.number) == []
    mend(gateway, kept)
    assert len(plan_batch(gateway, batch)) > 3
