"""The store and the whole line: judged records → committed rows, and bytes → everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.adapters.limits import Limits
from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import make_feed_terms, make_mapper
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.judge import Judge, make_submission
from gateway.pipeline.plan import plan_batch
from gateway.pipeline.process import judge_records
from gateway.pipeline.receive import receive_feed
from schemas.batch import Batch
from tests.benchmarks.measuring import Job, Measured, Stopwatch, check_stored
from tests.benchmarks.stages import in_chunks
from tests.lib.line import open_line, register_everyone


@contextmanager
def open_bench_line(job: Job) -> Iterator[Gateway]:
    """A gateway with its database migrated and everybody registered, as the tests use it."""
    with open_line(Path(job.home), job.url) as gateway:
        register_everyone(gateway, formats=(job.format,))
        yield gateway


def make_judge(gateway: Gateway, batch: Batch) -> Judge:
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
        register = work.organisations.get_register()
    return Judge(
        make_mapper(source, make_feed_terms(source, gateway.profiles, Limits())),
        make_submission(source, batch.received_at, register),
    )


def measure_receive(job: Job) -> Measured:
    """Bytes → a raw file, hashed and on the disk."""
    watch = Stopwatch()
    with open_bench_line(job) as gateway, Path(job.feed).open("rb") as feed:
        with watch.running():
            receive_feed(gateway, f"test-{job.format}", feed, filename="feed")
        return watch.read(job.limit, raw=gateway.settings.raw_folder)


def measure_plan(job: Job) -> Measured:
    """A raw file → verified, indexed in one pass, cut into parts, each with its hash."""
    watch = Stopwatch()
    with open_bench_line(job) as gateway, Path(job.feed).open("rb") as feed:
        batch, _ = receive_feed(gateway, f"test-{job.format}", feed, filename="feed")
        with watch.running():
            plan_batch(gateway, batch)
    return watch.read(job.limit)


def measure_load(job: Job) -> Measured:
    """Judged records → committed rows; everything before is not timed."""
    watch, count = Stopwatch(job.url), 0
    with open_bench_line(job) as gateway, Path(job.feed).open("rb") as feed:
        batch, _ = receive_feed(gateway, f"test-{job.format}", feed, filename="feed")
        for number in plan_batch(gateway, batch):
            with gateway.store.begin(actor="bench", at=gateway.now()) as work:
                part = work.parts.claim(batch.number, number)
                planned = work.batches.get(batch.id)
                source = work.sources.get(batch.source_id)
            judge = make_judge(gateway, planned)
            terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
            size = gateway.settings.commit_records
            records = judge_records(gateway, planned, terms, part, judge)
            for chunk in in_chunks(records, size):
                with watch.running(), gateway.store.begin(actor="bench", at=gateway.now()) as work:
                    done = part.records_done + len(chunk)
                    part = work.parts.advance(part, done, loaded=False)
                    work.records.load(planned, chunk)
            count += part.records_done
    check_stored(job, "events", count)
    return watch.read(count)


def measure_line(job: Job) -> Measured:
    """The whole line: bytes on disk → raw store → events, receipt, audit, alerts, marks."""
    with open_bench_line(job) as gateway:
        return measure_ingest(gateway, job)


def measure_more(job: Job) -> Measured:
    """The same, into a store that may hold some already."""
    if not job.before:
        return measure_line(job)
    with open_line(Path(job.home), job.url) as gateway:
        return measure_ingest(gateway, job)


def measure_ingest(gateway: Gateway, job: Job) -> Measured:
    watch = Stopwatch(job.url)
    raw = gateway.settings.raw_folder
    with Path(job.feed).open("rb") as feed, watch.running():
        batch, _ = ingest_feed(
            gateway, f"test-{job.format}", feed, filename="feed", workers=job.workers
        )
    counts = batch.counts
    if not counts.records == counts.created == job.limit:
        raise SystemExit(f"the feed was not accepted whole: {counts}")
    check_stored(job, "events", job.before + counts.created)
    check_stored(job, "receipt_lines", job.before + counts.records)
    return watch.read(counts.records, raw=raw)
