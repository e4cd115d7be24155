"""What goes wrong between a shop's code and the service."""

from __future__ import annotations

from mappings.errors import ShelfwiseError


class ApiError(ShelfwiseError):
    """The service refused a request, or could not answer it.

    status: of HTTP, 0 when there was no answer. api_code: stable name of the reason, e.g.
    `invalid_filter`. field: what of the request is at fault. request_id: what the service's
    logs know the request by.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        api_code: str = "no_answer",
        request_id: str | None = None,
        field: str | None = None,
        retry_after_seconds: int | None = None,
        product_id: str | None = None,
    ) -> None:
        super().__init__(
            message,
            field=field,
            retry_after_seconds=retry_after_seconds,
            product_id=product_id,
        )
        self.status = status
        self.api_code = api_code
        self.request_id = request_id

    def __str__(self) -> str:
        about = f"{self.status} {self.api_code}" if self.status else self.api_code
        at = f" (request {self.request_id})" if self.request_id else ""
        return f"{about}: {self.message}{at}"


class RequestRefused(ApiError):
    """The request is at fault; sending it again would not help (4xx)."""


class NotAllowed(RequestRefused):
    """No API key, or one that is not for this (401, 403)."""


class NotThere(RequestRefused):
    """No such index, product or task (404)."""


class Unavailable(ApiError):
    """The service, or what it needs, is away or overloaded; later it may go well (429, 5xx)."""


class TaskUnfinished(ApiError):
    """A task was not done in the time that was waited; it goes on by itself."""
