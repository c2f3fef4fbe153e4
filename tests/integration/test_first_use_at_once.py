"""What is made at its first use is made once, however many threads use it first: msgspec ends the
process where two look at the same struct at once."""

import subprocess
import sys

import pytest

from tests.lib.first_use import SAYS


@pytest.mark.parametrize("what", SAYS)
def test_many_threads_at_once_use_it_for_the_first_time(what):
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-m", "tests.lib.first_use", what],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
