"""How the store is opened, and what it says when the database fails."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import store.engine
from schemas.errors import GatewayError, UnavailableError, WrongUseError
from schemas.submission import Organisation
from store.engine import Store, open_store
from store.failures import RefusedError
from tests.lib.databases import make_engine, run
from tests.lib.records import NOW, make_record, receive, register

only_postgresql = pytest.mark.parametrize("fresh_database", ["postgresql"], indirect=True)


def ask(opened: Store, query: str) -> Any:
    with opened.read() as work:
        return work._connection.execute(text(query)).scalar_one()


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    opened = open_store(f"sqlite:///{tmp_path / 'a' / 'gateway.sqlite'}")
    assert ask(opened, "PRAGMA journal_mode") == "wal"
    assert ask(opened, "PRAGMA synchronous") == 2
    assert ask(opened, "PRAGMA foreign_keys") == 1
    opened.close()


@pytest.mark.postgresql
@only_postgresql
def test_postgresql_gives_up_waiting(database_url: str) -> None:
    opened = open_store(database_url)
    assert ask(opened, "SHOW lock_timeout") == "30s"
    assert ask(opened, "SHOW idle_in_transaction_session_timeout") == "0"
    assert ask(opened, "SHOW transaction_isolation") == "repeatable read"
    with opened.begin(actor="test", at=NOW) as work:
        show = text("SHOW idle_in_transaction_session_timeout")
        assert work._connection.execute(show).scalar_one() == "1min"
        show = text("SHOW transaction_isolation")
        assert work._connection.execute(show).scalar_one() == "read committed"
    opened.close()


@pytest.mark.postgresql
@only_postgresql
def test_postgresql_that_may_lose_is_refused(database_url: str, postgresql_server: str) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    run(postgresql_server, f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(WrongUseError, match="synchronous_commit"):
        open_store(database_url)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "no address at all"])
def test_other_databases_are_wrong_use(url: str) -> None:
    with pytest.raises(WrongUseError):
        open_store(url)


@pytest.mark.postgresql
def test_server_that_is_away_is_worth_a_retry(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as raised:
        open_store(f"postgresql:///gateway?host={tmp_path}")
    assert raised.value.retryable


def test_lock_that_does_not_come_free_is_worth_a_retry(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.engine, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(store.engine, "BUSY_MILLISECONDS", 50)
    holder, other = open_store(database_url), open_store(database_url)
    register(holder)
    with holder.begin(actor="holder", at=NOW) as work:
        work.organisations.add_many([Organisation("RZA", "Changed")])
        with pytest.raises(UnavailableError), other.begin(actor="other", at=NOW) as waiting:
            waiting.organisations.add_many([Organisation("RZA", "Changed too")])
    holder.close()
    other.close()


def test_reading_refuses_to_write(store: Store) -> None:
    with pytest.raises(GatewayError), store.read() as work:
        work.organisations.add_many([Organisation("RZA", "Aldermoor")])
    with store.begin(actor="test", at=NOW) as work:
        assert work.organisations.add_many([Organisation("RZA", "Aldermoor")]) == 1


def test_failure_holds_nothing_of_the_record(store: Store) -> None:
    register(store)
    batch = receive(store, "one")
    records = [make_record(1, "A", "SECRET-id"), make_record(1, "B", "SECRET-other")]
    with pytest.raises(RefusedError) as raised, store.begin(actor="test", at=NOW) as work:
        work.records.load(batch, records)
    assert "receipt_lines" in str(raised.value)
    assert "SECRET" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_exception_undoes_everything(store: Store, database_url: str) -> None:
    def fail(store: Store) -> None:
        with store.begin(actor="test", at=NOW) as work:
            work.organisations.add_many([Organisation("RZA", "Aldermoor")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail(store)
    engine = make_engine(database_url)
    with engine.connect() as connection:
        for table in ("organisations", "audit"):
            count = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            assert count == 0
    engine.dispose()
