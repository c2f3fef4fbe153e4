"""The OpenAPI document, without what FastAPI says of itself and we never answer."""

from typing import Any, Final

from fastapi import FastAPI

_INVENTED: Final = "#/components/schemas/HTTPValidationError"


class DocumentedApp(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """FastAPI promises a 422 wherever there are parameters; those that cannot be read are a
        400, which the routes document."""
        if self.openapi_schema is None:
            _drop_invented(super().openapi())
        return super().openapi()


def _drop_invented(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            told = operation["responses"].get("422", {}).get("content", {})
            if told.get("application/json", {}).get("schema", {}).get("$ref") == _INVENTED:
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document.get("components", {}).get("schemas", {}).pop(name, None)
