"""Hooks for child processes that are to be killed at a named point. They are put into the product's
classes from outside; the product knows nothing of them."""

import os
import signal
from collections.abc import Callable
from typing import Any

from store.engine import Store

Passed = Callable[[], None]


def die() -> None:
    """As ``kill -9``: nothing is closed, nothing is said."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(count: int) -> Passed:
    """A hook that dies the ``count``-th time it is passed, from 1."""
    passed = 0

    def pass_by() -> None:
        nonlocal passed
        passed += 1
        if passed == count:
            die()

    return pass_by


def die_after(count: int, seconds: float) -> Passed:
    """A hook that has the process die when it has worked for so long since the ``count``-th time
    it was passed: anywhere. The time is the processor's, so that a machine that is slow, or stalls,
    does not have it end its work before."""
    passed = 0

    def pass_by() -> None:
        nonlocal passed
        passed += 1
        if passed == count:
            # Nobody handles its signal (SIGPROF), so it ends as by ``kill -9``.
            signal.setitimer(signal.ITIMER_PROF, seconds)

    return pass_by


def hook_call(owner: Any, method: str, passed: Passed) -> None:
    """``passed`` is called right after each call of the method has returned."""
    kept = getattr(owner, method)

    def hooked(*args: Any, **kwargs: Any) -> Any:
        result = kept(*args, **kwargs)
        passed()
        return result

    setattr(owner, method, hooked)


def hook_commits(passed: Passed) -> None:
    """``passed`` is called right after each transaction that writes is committed."""
    begin = Store.begin

    class Passing:
        def __init__(self, store: Store, **options: Any) -> None:
            self._inner = begin(store, **options)

        def __enter__(self) -> Any:
            return self._inner.__enter__()

        def __exit__(self, *error: object) -> Any:
            result = self._inner.__exit__(*error)
            passed()
            return result

    def begin_passing(store: Store, **options: Any) -> Passing:
        return Passing(store, **options)

    Store.begin = begin_passing  # type: ignore[method-assign,assignment]  # a hook, from outside
