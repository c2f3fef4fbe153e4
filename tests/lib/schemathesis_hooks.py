"""What schemathesis must be told of bodies that are bytes: they are sent as they are."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def send_bytes(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
