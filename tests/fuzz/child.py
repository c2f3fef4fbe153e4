"""One target under atheris: ``python -m tests.fuzz.child TARGET CORPUS [libFuzzer options]``."""

import sys

import atheris

with atheris.instrument_imports(include=["gateway", "mappers"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
