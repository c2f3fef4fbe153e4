"""``make demo``: four feeds in, national events out, through real Airflow DAG runs.

Everything is kept in ``var/demo`` (``LRMS_DEMO_HOME``); a second run finds it all done and says so.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from airflow_home import make_environment
from push import push_feed
from rich.console import Console
from rich.table import Table

from gateway.bootstrap import Gateway, open_gateway
from gateway.config import Settings
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.register import add_organisations, add_source, add_user, read_organisations
from gateway.receipts.read import open_receipt
from schemas.batch import Batch
from schemas.submission import Source

SAMPLES = Path(__file__).resolve().parent
DAGS = ("load_feeds", "mark_externally_recorded", "notify_admin_users")
SOURCES = (
    Source(id="northmoor-fhir", organisation="RZA", format="fhir", submits_for=frozenset({"RZA"})),
    Source(
        id="ashcombe-xml",
        organisation="RZB",
        format="xml",
        profile="lrms-xml",
        submits_for=frozenset({"RZB"}),
    ),
    Source(
        id="calder-bay-csv",
        organisation="RZC",
        format="csv",
        profile="lrms-csv",
        submits_for=frozenset({"RZC"}),
    ),
)
# Its first feed is pushed over HTTP; the others are files.
PUSHING = "northmoor-fhir"
# RZD and others on purpose have none: their alerts go to the national leads.
ADMINS = (
    ("patient.safety@northmoor.example", "RZA"),
    ("safety.lead@northmoor.example", "RZA"),
    ("patient.safety@ashcombe.example", "RZB"),
    ("patient.safety@calder-bay.example", "RZC"),
)
FEEDS = (
    (PUSHING, "fhir/demo/feed.ndjson", "FHIR, NDJSON"),
    ("northmoor-fhir", "fhir/demo/bundle.json", "FHIR, Bundle"),
    ("ashcombe-xml", "xml/demo/feed.xml", "XML"),
    ("calder-bay-csv", "csv/demo/feed.csv", "CSV"),
)
KINDS = ("urgent", "daily digest", "no admin user")
# Wide enough for the tables where the output is not a terminal.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def main() -> int:
    home = Path(os.environ.get("LRMS_DEMO_HOME", "var/demo"))
    # Digests go out at seven; the demo does not wait for the morning.
    environment = make_environment(home) | {
        "LRMS_DATABASE_URL": "",
        "LRMS_SMTP_HOST": "",
        "LRMS_DIGEST_HOUR": "0",
        # Also what is pushed is left to Airflow here.
        "LRMS_LOAD_AT_ONCE_BYTES": "0",
        "LRMS_NATIONAL_LEADS": "national.leads@nhs.example",
    }
    os.environ |= environment
    console.print(f"[bold]LRMS gateway, the demo.[/bold] Everything is kept in {home}.\n")
    with open_gateway(Settings(), actor="demo") as gateway:
        _register(gateway)
        before = _look(gateway, home / "mailbox")
        batches = _receive(gateway)
    if not _run_dags(home, environment):
        return 1
    with open_gateway(Settings(), actor="demo") as gateway:
        reference = _show_receipts(gateway, batches)
        is_unchanged = _look(gateway, home / "mailbox") == before
    _show_mail(home / "mailbox")
    if is_unchanged:
        console.print(
            "\n[bold]Nothing has changed:[/bold] the same bytes from the same source are the same"
            f" batch, and every alert was sent before.\nFor a new start: rm -r {home}"
        )
    _show_next(home, batches[0], reference)
    return 0


def _look(gateway: Gateway, mailbox: Path) -> tuple[list[Batch], dict[str, int]]:
    """What a run could change: the batches with their counts, the mails with their times."""
    with gateway.store.read() as work:
        batches = work.batches.find_all(limit=100)
    return batches, {path.name: path.stat().st_mtime_ns for path in mailbox.glob("*.eml")}


def _register(gateway: Gateway) -> None:
    with gateway.store.read() as work:
        known = {source.id for source in work.sources.find_all()}
    if not known:
        organisations = SAMPLES / "organisations.csv"
        with organisations.open(encoding="utf-8", newline="") as lines:
            add_organisations(gateway, read_organisations(lines, organisations.name))
    for source in SOURCES:
        if source.id not in known:
            add_source(gateway, source)
    if not known:
        for email, organisation in ADMINS:
            add_user(gateway, email, organisation, "admin")
    console.print(
        f"[bold]1. Registered[/bold] {len(SOURCES)} sources of {len(SOURCES)} organisations,"
        f" {len(ADMINS)} admin users."
    )


def _receive(gateway: Gateway) -> list[Batch]:
    console.print(f"[bold]2. Received[/bold] {len(FEEDS)} feeds, the first over HTTP:")
    with gateway.store.read() as work:
        known = {batch.id for batch in work.batches.find_all()}
    (_, pushed, _), *_ = FEEDS
    received = [push_feed(gateway, PUSHING, SAMPLES / pushed)]
    for source, path, _ in FEEDS[1:]:
        with (SAMPLES / path).open("rb") as stream:
            received.append(receive_feed(gateway, source, stream, filename=Path(path).name)[0])
    for batch, (source, _, shape) in zip(received, FEEDS, strict=True):
        state = "was here already" if batch.id in known else "kept"
        told = f"{shape:<13} {batch.size:>7,} bytes  {batch.route:<5} {source:<15} {state}"
        console.print(f"   {batch.id}  {told}")
    return received


def _run_dags(home: Path, environment: dict[str, str]) -> bool:
    """Runs the DAGs in a process of their own, its output in a log; tells of each as it ends."""
    log = home / "airflow.log"
    console.print(f"[bold]3. Airflow[/bold] runs the DAGs (its log: {log}):")
    started = time.monotonic()
    child = [sys.executable, str(Path(__file__).resolve()), "--dags"]
    with (
        log.open("ab") as output,
        subprocess.Popen(child, env=environment, stdout=subprocess.PIPE, stderr=output) as airflow,
        _spinner("starting Airflow"),
    ):
        ended = [_tell(json.loads(line)) for line in airflow.stdout or ()]
    if airflow.returncode or len(ended) != len(DAGS):
        console.print(f"   [red]Airflow did not get through: see {log}[/red]")
        return False
    console.print(f"   all three in {time.monotonic() - started:.0f} s\n")
    return all(run["state"] == "success" for run in ended)


def _tell(run: dict[str, object]) -> dict[str, object]:
    console.print(f"   {run['dag']:<26} {run['state']}: {run['tasks']}, {run['seconds']} s")
    return run


@contextlib.contextmanager
def _spinner(text: str) -> Iterator[None]:
    if console.is_terminal:
        with console.status(text + " and running the DAGs …"):
            yield
    else:
        yield


def run_dags_here() -> None:
    """In the child: one line of JSON on standard output for each DAG run, Airflow's own output to
    standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # Airflow reads its settings when it is imported.
    from dag_runs import open_dags, run_dag  # noqa: PLC0415

    dags = open_dags()
    for name in DAGS:
        started = time.monotonic()
        run = run_dag(dags[name])
        done = sum(1 for task in run["tasks"] if task[2] == "success")
        answer = {
            "dag": name,
            "state": run["state"],
            "tasks": f"{done} task{'' if done == 1 else 's'}",
            "seconds": round(time.monotonic() - started, 1),
        }
        answers.write(json.dumps(answer) + "\n")


def _show_receipts(gateway: Gateway, batches: list[Batch]) -> str:
    """Prints what became of each feed; gives the reference of one of the events."""
    console.print("[bold]4. What became of the records[/bold]")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("feed", "verdict"):
        table.add_column(name)
    for name in ("records", "created", "revised", "unchanged", "rejected", "quarantined"):
        table.add_column(name, justify="right")
    reasons: list[str] = []
    references: list[str] = []
    for batch in batches:
        with open_receipt(gateway, batch.id) as receipt:
            counts = receipt.head.counts
            table.add_row(
                f"{batch.source_id} {batch.filename}",
                receipt.head.verdict.replace("_", " "),
                *(str(getattr(counts, name)) for name in counts.__struct_fields__),
            )
            for record in receipt.records:
                references += [record.reference] if record.reference else []
                if record.disposition == "rejected":
                    why = next(one for one in record.findings if one.severity == "error")
                    reasons.append(
                        f"   {batch.filename} {record.locator}: {why.code} {why.message}"
                    )
    console.print(table)
    with gateway.store.read() as work:
        marked, elsewhere = work.marks.count()
    console.print(
        f"\n   {marked} events are marked as externally recorded; {elsewhere} of them by another"
        " organisation than where they happened."
    )
    console.print("\n   Rejected, and why (the receipts say what to do):")
    for reason in reasons:
        # One line each; the receipt has it all.
        console.print(reason, markup=False, no_wrap=True, overflow="ellipsis")
    return references[0]


def _show_mail(mailbox: Path) -> None:
    console.print(f"\n[bold]5. Who was told[/bold] (mail in {mailbox})")
    parser = BytesParser(policy=policy.default)
    mails = [parser.parsebytes(path.read_bytes()) for path in sorted(mailbox.glob("*.eml"))]
    counts = Counter((str(mail["To"]), _kind_of(mail)) for mail in mails)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 3))
    table.add_column("to", no_wrap=True)
    for kind in KINDS:
        table.add_column(kind, justify="right")
    for address in sorted({address for address, _ in counts}):
        table.add_row(address, *(str(counts[address, kind]) for kind in KINDS))
    console.print(table)
    urgent = [mail for mail in mails if _kind_of(mail) == "urgent" and "never" in mail["Subject"]]
    for mail in urgent[:1]:
        console.print("\n   One of them:")
        text = mail.get_body(("plain",))
        for line in (f"To: {mail['To']}", f"Subject: {mail['Subject']}", "", *_lines_of(text)):
            console.print(f"   | {line}", markup=False, soft_wrap=True)


def _kind_of(mail: EmailMessage) -> str:
    subject = str(mail["Subject"])
    if subject.startswith("Urgent"):
        return "urgent"
    return "no admin user" if subject.startswith("No admin") else "daily digest"


def _lines_of(body: EmailMessage | None) -> list[str]:
    return body.get_content().rstrip().splitlines() if body else []


def _show_next(home: Path, batch: Batch, reference: str) -> None:
    console.print("\n[bold]What to try next[/bold]")
    for line, why in (
        (f"export LRMS_HOME={home}", ""),
        (f".venv/bin/lrms-gateway receipt {batch.id}", "what the sender gets"),
        (f".venv/bin/lrms-gateway event show {reference}", "an event, with its history"),
        (f".venv/bin/lrms-gateway event show {reference} --as fhir", ""),
        (".venv/bin/lrms-gateway batch list", ""),
        ("make serve", "Airflow, loading what you receive"),
    ):
        console.print(f"   {line:<66} {why and '# ' + why}".rstrip(), markup=False)


if __name__ == "__main__":
    if "--dags" in sys.argv:
        run_dags_here()
    else:
        sys.exit(main())
