"""What the settings of each kind of collector have in common."""

from pydantic import BaseModel, ConfigDict


class KindSettings(BaseModel):
    """A name that is not known is refused. No secret stands in them (``secret.Secret``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
