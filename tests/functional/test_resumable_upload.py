"""Resumable uploads as a vendor meets them: an independent client (tuspy) against the API in
processes of its own, which are killed, and lines that are cut."""

import base64
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import requests
from tusclient.client import TusClient

from gateway.bootstrap import Gateway
from tests.lib.api import SOURCE, register_sources
from tests.lib.line import open_line
from tests.lib.served import Served
from tests.lib.uploads import BYTES

MIB = 2**20
_PATIENCE = 180
# What lies between the memory of a process that has answered and of one that takes a big feed:
# a block or two, and what the event loop buffers.
_ROOM_MIB = 48


class Vendor:
    """A source with its key, and what it knows of the gateway: an address."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self.gateway = gateway
        self.headers = {"Ocp-Apim-Subscription-Key": key, "Tus-Resumable": "1.0.0"}

    def upload(self, served: Served, path: Path, **how: object) -> str:
        """By tuspy; the address of the upload."""
        client = TusClient(f"{served.url}/uploads", headers=self.headers)
        # Given a path, tuspy opens it for each piece and closes it never (1.1.0).
        with path.open("rb") as feed:
            uploader = client.uploader(file_stream=feed, metadata={"filename": path.name}, **how)
            uploader.upload()
        assert uploader.offset == path.stat().st_size
        return str(uploader.url)

    def begin(self, served: Served, length: int) -> str:
        headers = {**self.headers, "Upload-Length": str(length)}
        answer = requests.post(f"{served.url}/uploads", headers=headers, timeout=_PATIENCE)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def patch(self, served: Served, address: str, offset: int, body: bytes) -> requests.Response:
        headers = {**self.headers, "Upload-Offset": str(offset), "Content-Type": BYTES}
        return requests.patch(
            f"{served.url}{address}", data=body, headers=headers, timeout=_PATIENCE
        )

    def ask(self, served: Served, address: str) -> requests.Response:
        return requests.head(f"{served.url}{address}", headers=self.headers, timeout=_PATIENCE)

    def ask_offset(self, served: Served, address: str) -> int:
        return int(self.ask(served, address).headers["Upload-Offset"])

    def send_first(self, served: Served, address: str, body: bytes, length: int) -> socket.socket:
        """A PATCH that announces more bytes than it has sent; the line stays open."""
        line = socket.create_connection(("127.0.0.1", served.port))
        told = {**self.headers, "Host": "x", "Upload-Offset": "0", "Content-Type": BYTES}
        told["Content-Length"] = str(length)
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        line.sendall(f"PATCH {address} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return line

    def get_sha256(self, served: Served, address: str) -> str:
        """Of the batch that it became, as it lies in the raw store."""
        batch_id = self.ask(served, address).headers["Content-Location"].removeprefix("/feeds/")
        with self.gateway.store.read() as work:
            sha256 = work.batches.get(batch_id).sha256
        with self.gateway.raw.open_verified(sha256):
            return sha256


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def vendor(home: Path) -> Iterator[Vendor]:
    with open_line(home) as gateway:
        yield Vendor(gateway, register_sources(gateway)[SOURCE.id])


@pytest.fixture(scope="module")
def served(vendor: Vendor, home: Path) -> Iterator[Served]:
    with Served(home) as one:
        yield one


def make_feed(folder: Path, size: int) -> Path:
    """Mostly a hole; every stretch of it is told apart from every other."""
    path = folder / "big feed.ndjson"
    with path.open("wb") as feed:
        feed.truncate(size)
        for at in range(0, size, 65_536):
            feed.seek(at)
            feed.write(b"synthetic %d\n" % at)
        feed.truncate(size)
    return path


def hash_file(path: Path) -> str:
    with path.open("rb") as feed:
        return hashlib.file_digest(feed, "sha256").hexdigest()


def wait_until_kept(vendor: Vendor, served: Served, address: str, least: int) -> int:
    until = time.monotonic() + _PATIENCE
    while (offset := vendor.ask_offset(served, address)) < least:
        assert time.monotonic() < until, offset
        time.sleep(0.02)
    return offset


@pytest.mark.parametrize("how", ["in pieces", "at once"])
def test_120_mb_by_an_independent_client(
    vendor: Vendor, served: Served, home: Path, tmp_path: Path, how: str
) -> None:
    path = make_feed(tmp_path, 120 * MIB + 7)
    # What a first answer costs is not the feed's.
    vendor.patch(served, vendor.begin(served, 9), 0, b"first")
    before = served.measure_anew()
    chunk = {"chunk_size": 16 * MIB} if how == "in pieces" else {}
    url = vendor.upload(served, path, **chunk)
    address = url.removeprefix(served.url)
    assert vendor.get_sha256(served, address) == hash_file(path)
    assert served.get_peak_mib() - before < _ROOM_MIB
    assert not list((home / "uploads").glob(f"{address.rsplit('/', 1)[1]}*"))


def test_pieces_with_checksums(vendor: Vendor, served: Served, tmp_path: Path) -> None:
    path = make_feed(tmp_path, 9 * MIB + 1)
    url = vendor.upload(served, path, chunk_size=2 * MIB, upload_checksum=True)
    assert vendor.get_sha256(served, url.removeprefix(served.url)) == hash_file(path)


@pytest.mark.parametrize("sent_mib", [0, 5, 11, 24])
def test_killed_in_the_middle_and_taken_up_again(
    vendor: Vendor, served: Served, tmp_path: Path, sent_mib: int
) -> None:
    """What was acknowledged is there, in another process; the rest is sent once more."""
    path = make_feed(tmp_path, 24 * MIB)
    feed = path.read_bytes()
    address = vendor.begin(served, len(feed))
    with vendor.send_first(served, address, feed[: sent_mib * MIB], len(feed)):
        told = wait_until_kept(vendor, served, address, max(0, sent_mib - 4) * MIB)
        served.kill()
    served.start()
    offset = vendor.ask_offset(served, address)
    assert told <= offset <= sent_mib * MIB
    vendor.upload(served, path, url=f"{served.url}{address}", chunk_size=7 * MIB)
    assert vendor.get_sha256(served, address) == hash_file(path)


def test_killed_again_and_again(vendor: Vendor, served: Served, tmp_path: Path) -> None:
    """tuspy goes on by itself: it asks where it stands, and sends from there."""
    path = make_feed(tmp_path, 40 * MIB)
    address = vendor.begin(served, 40 * MIB)
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(
            vendor.upload,
            served,
            path,
            url=f"{served.url}{address}",
            chunk_size=5 * MIB,
            retries=50,
            retry_delay=0.05,
        )
        for least in (1, 12, 30):
            wait_until_kept(vendor, served, address, least * MIB)
            served.kill()
            served.start()
        uploading.result()
    assert vendor.get_sha256(served, address) == hash_file(path)


def test_a_line_that_is_cut_keeps_what_came(vendor: Vendor, served: Served, tmp_path: Path) -> None:
    feed = os.urandom(10 * MIB)
    address = vendor.begin(served, len(feed))
    half = 5 * MIB + 321
    with vendor.send_first(served, address, feed[:half], len(feed)):
        wait_until_kept(vendor, served, address, 4 * MIB)
    assert wait_until_kept(vendor, served, address, half) == half
    assert vendor.patch(served, address, half, feed[half:]).status_code == 204
    assert vendor.get_sha256(served, address) == hashlib.sha256(feed).hexdigest()


def test_a_line_that_is_cut_keeps_nothing_that_was_to_be_checked(
    vendor: Vendor, served: Served
) -> None:
    feed = os.urandom(6 * MIB)
    address = vendor.begin(served, len(feed))
    told = base64.b64encode(hashlib.sha256(feed).digest()).decode()
    checked = Vendor(vendor.gateway, "")
    checked.headers = {**vendor.headers, "Upload-Checksum": f"sha256 {told}"}
    with checked.send_first(served, address, feed[: 5 * MIB], len(feed)):
        pass
    assert checked.patch(served, address, 0, feed).status_code == 204
    assert vendor.get_sha256(served, address) == hashlib.sha256(feed).hexdigest()


def test_a_line_that_nobody_closed_shuts_nobody_out(vendor: Vendor, served: Served) -> None:
    """The sender lost its line and comes again; the gateway does not know yet that the old one is
    dead, and what still arrives on it is refused."""
    feed = os.urandom(12 * MIB)
    address = vendor.begin(served, len(feed))
    with vendor.send_first(served, address, feed[: 5 * MIB], len(feed)) as dead:
        offset = wait_until_kept(vendor, served, address, 4 * MIB)
        assert vendor.patch(served, address, offset, feed[offset:]).status_code == 204
        dead.sendall(feed[5 * MIB :])
        assert dead.recv(12) == b"HTTP/1.1 409"
    assert vendor.get_sha256(served, address) == hashlib.sha256(feed).hexdigest()


def test_two_at_the_same_offset_in_two_processes(
    vendor: Vendor, served: Served, home: Path
) -> None:
    feed = os.urandom(9 * MIB)
    with Served(home) as second, ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            address = vendor.begin(served, len(feed) + 1)
            together = Barrier(2)

            def send(one: Served, address: str, together: Barrier) -> int:
                together.wait()
                return vendor.patch(one, address, 0, feed).status_code

            sent = [pool.submit(send, one, address, together) for one in (served, second)]
            assert sorted(one.result() for one in sent) == [204, 409]
            assert vendor.ask_offset(second, address) == len(feed)
            assert vendor.patch(second, address, len(feed), b"!").status_code == 204
            assert vendor.get_sha256(served, address) == hashlib.sha256(feed + b"!").hexdigest()
