"""Secrets stand in no database: settings name where they are."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError

_MOST_BYTES = 64 * 1024


class Secret(BaseModel):
    """Where a secret is: ``env`` names an environment variable (or what Airflow hands over in its
    place), ``file`` a file that holds nothing else; one of the two."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("name one of env and file")
        return self

    def read(self, gateway: Gateway) -> str:
        """CollectError where it is not there, or empty. The newline at the end of a file is not
        part of it."""
        found = self._find(gateway)
        if not found:
            raise CollectError("secret")
        return found

    def _find(self, gateway: Gateway) -> str | None:
        if self.env is not None:
            return gateway.find_secret(self.env)
        assert self.file is not None  # noqa: S101 - the validator saw to it
        try:
            with self.file.open("rb") as stream:
                return stream.read(_MOST_BYTES).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            return None
