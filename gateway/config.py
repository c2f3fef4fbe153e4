"""Settings, read from the environment once, at ``bootstrap``."""

import os
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.adapters.limits import Limits
from gateway.identity.terms import (
    ALGORITHMS,
    check_address,
    check_algorithms,
    check_proxies,
    split_list,
)
from gateway.misspelt import find_misspelt
from schemas.errors import WrongUseError

# Of what is learned from, and of what a far end may still report on.
LEAST_KEPT_DAYS: Final = 92


class Settings(BaseSettings):
    """Each is an environment variable with the prefix ``LRMS_``: ``LRMS_HOME``,
    ``LRMS_DATABASE_URL``, ``LRMS_SMTP_HOST`` …"""

    model_config = SettingsConfigDict(env_prefix="LRMS_", frozen=True)

    home: Path = Field(Path("var"), description="data folder: raw files, mailbox, database")
    database_url: str = Field("", description="SQLAlchemy address; empty: SQLite in home")
    raw_url: str = Field(
        "", description="s3://bucket/folder for raw files; empty: the folder raw in home"
    )

    part_bytes: int = Field(
        16 * 2**20, ge=1, description="a batch is cut into parts of about this size"
    )
    task_seconds: float = Field(
        10.0, gt=0, description="an Airflow task is given so much work at least, by estimate"
    )
    commit_records: int = Field(2_000, ge=1, description="records loaded in one transaction")
    max_quarantined: int = Field(
        100, ge=0, description="records of a part our own code may fail over; with more it stops"
    )
    max_record_bytes: int = Field(8 * 2**20, ge=1, description="a longer record is refused")
    max_feed_bytes: int = Field(64 * 2**30, ge=1, description="a bigger feed is refused")
    max_records: int = Field(10_000_000, ge=1, description="records of one batch that are read")
    max_columns: int = Field(
        2_000, ge=1, description="columns of a CSV, different fields of a record"
    )
    max_depth: int = Field(100, ge=1, le=500, description="nesting of JSON and XML")
    max_text_chars: int = Field(1_000_000, ge=1, description="characters of one cell or text")
    max_unpacked_bytes: int = Field(64 * 2**30, ge=1, description="of a gzip or zip, when unpacked")
    max_ratio: int = Field(500, ge=1, description="unpacked bytes to packed bytes")
    max_members: int = Field(1_000, ge=1, description="files in one zip")
    profiles: Path | None = Field(
        None, description="folder of your own mapping profiles; empty: profiles in home"
    )

    smtp_host: str = Field("", description="mail server; empty: alerts go to the mailbox folder")
    smtp_port: int = Field(25, ge=1, le=65535, description="its port")
    smtp_user: str = Field("", description="log in as; empty: no login")
    smtp_password: str = Field("", repr=False, description="and the password")
    smtp_starttls: bool = Field(False, description="encrypt by STARTTLS before anything is sent")
    mail_from: str = Field("lrms-gateway@localhost", description="sender of the alerts")
    national_leads: str = Field(
        "national-leads@localhost", description="told where an organisation has no admin user"
    )
    console_url: str = Field("http://localhost:8080", description="start of the links in alerts")
    digest_hour: int = Field(
        7, ge=0, le=23, description="digests go out from then on, Europe/London"
    )

    operators: str = Field(
        "operators@localhost", description="told of alarms; empty: nobody is mailed"
    )
    runbooks_url: str = Field(
        "docs/operations/alarms.md", description="start of the runbooks' addresses in alarms"
    )
    batch_late_minutes: int = Field(
        60, ge=1, description="a batch that is not loaded by then is an alarm"
    )
    load_late_minutes: float = Field(
        60, gt=0, description="Airflow: a run of load_feeds that is not over by then is an alarm"
    )
    held_late_hours: int = Field(
        24, ge=1, description="a held batch that waits for longer is an alarm"
    )
    outbox_late_minutes: int = Field(
        60, ge=1, description="an urgent alert or message that waits for longer is an alarm"
    )
    disk_free_percent: int = Field(
        10, ge=0, le=100, description="less free space on the disk of LRMS_HOME is an alarm"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="serve answers GET /metrics (Prometheus) there; 0: nowhere"
    )
    metrics_host: str = Field(
        "127.0.0.1", description="and on this address: never one that the public reaches"
    )
    log: Literal["text", "json"] = Field("text", description="json: a line is an object")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", description="of what is logged to standard error"
    )

    public_url: str = Field(
        "http://127.0.0.1:8000", description="address of the API as clients know it"
    )
    token_algorithms: str = Field(
        "RS512,ES384", description=f"of signed JWTs; of {', '.join(sorted(ALGORITHMS))}"
    )
    key_cache_seconds: float = Field(
        1.0, ge=0, le=60, description="a revoked key may be good for so long; 0: not a moment"
    )
    register_cache_seconds: float = Field(
        10.0, ge=0, le=3600, description="the API sees a new organisation after so long at most"
    )
    trusted_proxies: str = Field(
        "", description="CIDR networks, by commas, whose Client-Cert header is believed"
    )
    body_seconds: float = Field(
        30.0, gt=0, description="a single event must have come whole by then"
    )
    idle_seconds: float = Field(
        60.0, gt=0, description="a feed of which nothing comes for so long is given up"
    )
    load_at_once_bytes: int = Field(
        4 * 2**20, ge=0, description="the API loads feeds up to this size itself; 0: only Airflow"
    )
    max_trial_bytes: int = Field(64 * 2**20, ge=1, description="a bigger dry run is refused")
    max_requests_per_minute: int = Field(6_000, ge=0, description="of one source; 0: no limit")
    max_records_per_minute: int = Field(600_000, ge=0, description="of one source; 0: no limit")
    max_bytes_per_minute: int = Field(2 * 2**30, ge=0, description="of one source; 0: no limit")

    forward_url: str = Field(
        "", description="address of an endpoint upstream; empty: nothing is forwarded"
    )
    forward_key: str = Field("", repr=False, description="subscription key that it knows us by")
    forward_client_id: str = Field("", description="or the OAuth 2 client that signs for tokens")
    forward_kid: str = Field("", description="the id of its public key")
    forward_private_key: Path | None = Field(None, description="file of its private key, in PEM")
    forward_algorithm: str = Field("RS512", description="what it signs with")
    forward_versions: str = Field(
        "5,6", description="taxonomy versions that it takes, by commas; others are refused here"
    )
    forward_per_minute: int = Field(600, ge=1, description="calls at most")

    upload_days: int = Field(
        3, ge=1, le=365, description="an upload that is not finished by then is removed"
    )

    ods_url: str = Field(
        "https://api.service.nhs.uk/organisation-data-terminology-api/fhir",
        description="the ODS API (ODT FHIR R4) that organisations are synced from; empty: none",
    )
    ods_key_env: str = Field(
        "ODS_API_KEY", description="the environment variable that holds the key for it"
    )
    ods_per_second: float = Field(5.0, gt=0, le=15, description="requests to it")
    ods_roles: str = Field(
        "RO76,RO107,RO108,RO172,RO176,RO182,RO197,RO198,RO318",
        pattern=r"^(RO\d+(,RO\d+)*)?$",
        description="roles of organisations that are added when they are new, by commas",
    )

    keep_raw_days: int = Field(
        365, ge=0, description="raw files and bodies of requests, once loaded; 0: for ever"
    )
    keep_rejected_days: int = Field(
        1_095, ge=0, description="the same where records, or items, were refused; 0: for ever"
    )
    keep_unpacked_days: int = Field(
        7, ge=0, description="what was unpacked of raw files, which stay; 0: for ever"
    )
    keep_finding_days: int = Field(
        3_650, ge=0, description="what receipts say of single records; 0: for ever"
    )
    keep_trial_days: int = Field(30, ge=0, description="dry runs that are checked; 0: for ever")
    keep_message_days: int = Field(730, ge=0, description="mails that were sent; 0: for ever")
    keep_report_days: int = Field(
        730, ge=0, description="what syncs of reference data changed; 0: for ever"
    )
    keep_item_days: int = Field(
        730,
        ge=0,
        description="what folders and mailboxes gave, once settled; 92 at least, or 0: for ever",
    )
    keep_alarm_days: int = Field(730, ge=0, description="alarms that are closed; 0: for ever")
    keep_volume_days: int = Field(
        730, ge=0, description="counts of what came, by source and day; 92 at least, or 0: for ever"
    )
    keep_usage_days: int = Field(1, ge=1, description="what sources used, minute by minute")
    keep_key_days: int = Field(7, ge=1, description="answers under an Idempotency-Key")

    sandbox: bool = Field(
        False, description="a sandbox for vendors' developers; nothing else may be in the database"
    )
    sandbox_slow_seconds: float = Field(
        10.0, ge=0, le=600, description="how long a slow answer of the sandbox takes"
    )

    _checked_algorithms = field_validator("token_algorithms")(check_algorithms)
    _checked_proxies = field_validator("trusted_proxies")(check_proxies)
    _checked_address = field_validator("public_url")(check_address)

    @field_validator("keep_item_days", "keep_volume_days")
    @classmethod
    def _check_kept(cls, days: int) -> int:
        if 0 < days < LEAST_KEPT_DAYS:
            raise ValueError(f"0, or {LEAST_KEPT_DAYS} at least")
        return days

    @property
    def token_url(self) -> str:
        """Where tokens are asked for: what a signed JWT must name as its audience."""
        return self.public_url.rstrip("/") + "/oauth2/token"

    @property
    def algorithms(self) -> tuple[str, ...]:
        return split_list(self.token_algorithms)

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{(self.home / 'gateway.sqlite').absolute()}"

    @property
    def limits(self) -> Limits:
        names = Limits.__struct_fields__
        return Limits(**{name: getattr(self, f"max_{name}") for name in names})

    @property
    def ods_role_codes(self) -> tuple[str, ...]:
        return split_list(self.ods_roles)

    @property
    def profiles_folder(self) -> Path:
        return self.profiles or self.home / "profiles"

    @property
    def raw_folder(self) -> Path:
        return self.home / "raw"

    @property
    def uploads_folder(self) -> Path:
        return self.home / "uploads"

    @property
    def metrics_folder(self) -> Path:
        return self.home / "metrics"

    @property
    def mailbox_folder(self) -> Path:
        return self.home / "mailbox"


def read_settings() -> Settings:
    """From the environment; WrongUseError names what cannot be read, never its value, and what is
    nearly the name of a setting."""
    if misspelt := list(find_misspelt(os.environ, Settings.model_fields)):
        raise WrongUseError("; ".join(misspelt))
    try:
        return Settings()
    except ValidationError as error:
        told = [f"LRMS_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors()]
        raise WrongUseError("; ".join(told)) from None
