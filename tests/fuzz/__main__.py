"""``make fuzz``: atheris (libFuzzer) on every target, each in a process of its own for so many
seconds. It fails on any exception but a verdict on the feed, on more than 512 MB, and on one feed
that takes over 10 seconds; what did it is kept in ``var/fuzz/<target>/``."""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.seeds import TOKENS, find_seeds

FOLDER = Path("var/fuzz")
MOST_MIB = 512
MOST_SECONDS = 10
LONGEST_FEED = 50_000
_NOISE = ("INFO: ", "WARNING: ", "stat::", "0x")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--only", default="", help="targets that have this in their name")
    options = parser.parse_args()
    # Found in a process of its own: here nothing of ours may be imported before atheris.
    listed = subprocess.run(
        [sys.executable, "-c", "from tests.fuzz.targets import TARGETS; print(*TARGETS)"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    failed = [
        name
        for name in listed.stdout.split()
        if options.only in name and not fuzz(name, options.seconds)
    ]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; the feeds that did it are in {FOLDER}")


def fuzz(name: str, seconds: int) -> bool:
    """Whether the target survived."""
    folder = FOLDER / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(find_seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    dictionary = folder / "tokens.txt"
    tokens = TOKENS[name.partition("-")[0]]
    dictionary.write_text("".join(f'"{_escape(token)}"\n' for token in tokens), encoding="ascii")
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.child",
        name,
        str(corpus),
        f"-dict={dictionary}",
        f"-artifact_prefix={folder}/",
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MOST_MIB}",
        f"-timeout={MOST_SECONDS}",
        f"-max_len={LONGEST_FEED}",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    stats = dict(
        line.removeprefix("stat::").split(":")
        for line in done.stderr.splitlines()
        if line.startswith("stat::")
    )
    feeds = stats.get("number_of_executed_units", "?").strip()
    peak = stats.get("peak_rss_mb", "?").strip()
    outcome = "survived" if done.returncode == 0 else "FAILED"
    print(f"{name:<10} {outcome:<9} {feeds:>9} feeds, peak {peak} MB", flush=True)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if not line.startswith(_NOISE)]
        print("\n".join(line[:500] for line in told[-40:]), file=sys.stderr)
    return done.returncode == 0


def _escape(token: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token.encode())


if __name__ == "__main__":
    main()
