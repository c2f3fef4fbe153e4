"""Workers that do not live: in the place of ``gateway.pipeline.workers._work``."""

import os
import signal

from gateway.pipeline import workers

_work, _do = workers._work, workers._do


def die_over_part_1(settings, actor, pipe):
    """Killed whenever it is given part 1."""

    def do(gateway, job, pipe):
        if job.part == 1:
            pipe.send(workers._BEGUN)
            os.kill(os.getpid(), signal.SIGKILL)
        return _do(gateway, job, pipe)

    workers._do = do
    _work(settings, actor, pipe)


def die_once_within_parts_0_and_2(settings, actor, pipe):
    """Killed after the first commit within each of two parts; who takes the part over lives."""

    def do(gateway, job, pipe):
        died = settings.home / f"died-within-{job.part}"
        if job.part in (0, 2) and not died.exists():
            pipe = _Fatal(pipe, died)
        return _do(gateway, job, pipe)

    workers._do = do
    _work(settings, actor, pipe)


class _Fatal:
    """A pipe that is the last of what its worker does when it tells of a commit."""

    def __init__(self, pipe, died):
        self._pipe = pipe
        self._died = died

    def send(self, told):
        self._pipe.send(told)
        if isinstance(told, int):
            self._died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
