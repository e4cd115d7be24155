"""Every error that Shelfwise raises on purpose, in one tree.

ShelfwiseError
  RequestError             the caller can fix it: 4xx, never retried
    InvalidQuery           a search, product or task request is malformed
    Unauthorized           no key of ours, or one that is unknown, expired or revoked
    Forbidden              the key is not for this
    TooManyRequests        more requests a minute than the key or the address may send
    UnknownKey             no API key of that id
    InvalidFilter          a filter names an unknown field or a value of the wrong kind
    UnknownIndex           no index of that name
    UnknownProduct         no product of that id
    UnknownTask            no task of that id, or it has expired
    UnknownDeadLetter      no dead letter of that id
    UnknownWebhook         no webhook of that name
    UnknownWeights         no version of the ranking weights of that name
    UnknownRules           no version of the rules, or no rule, of that name
    UnusableWeights        a version of the weights whose model cannot rank here
    Conflict               somebody else has changed it since the caller read it
    RequestTooLarge        the body is over the limit
    PhotoRefused           the photo of a query cannot be used
    PhotoUnavailable       the photo of a query could not be fetched from its address
    ProductRejected        a product breaks the product record's rules
    AttachRefused          an index of the shop cannot be attached, or not so
    TooManyDeletes         a feed lacks so many products that it is likely to be cut off
  TemporaryError           try again: 503 with Retry-After; a task is retried with backoff
    ClusterUnavailable     Elasticsearch does not answer
      ClusterTimeout       it did not answer in time
    ClusterOverloaded      Elasticsearch answers 429, 503 or a tripped circuit breaker
    QueueUnavailable       Redis does not answer
    Overloaded             more requests are under way than the service takes
    ImageUnavailable       a photo could not be fetched this time
    TooManyPhotos          so many photos of queries are being fetched already
    SourceBusy             another process reads that source
    SourceUnavailable      a database or index that products come from does not answer
    EncoderFailed          the encoder of queries fails, or takes too long
  ConfigurationError       stop: the process refuses to start, readiness is false
    MissingSetting         a setting is absent, unknown or unreadable
    EncoderMismatch        the index was filled by another encoder
    MappingMismatch        the index does not have the fields of this version
    EncoderUnavailable     the encoder's package or files are not there
    EncoderNeeded          a worker without an encoder has met a product that needs one
  PermanentIndexingError   the product is set aside, with the reason
    DocumentRejected       Elasticsearch refuses the document
    ImageRefused           a photo cannot be used: its address, its size or what is in it
"""

from __future__ import annotations

from typing import ClassVar


class ShelfwiseError(Exception):
    """Base of all; keyword arguments are kept as attributes and survive pickling.

    http_status: what a view answers. retryable: whether a worker tries again.
    code: stable name in the body of an error response.
    """

    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        retry_after_seconds: int | None = None,
        product_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after_seconds = retry_after_seconds
        self.product_id = product_id

    def __reduce__(self) -> tuple[object, ...]:
        # The default rebuilds from args alone and would lose every keyword argument.
        return (type(self), (self.message,), self.__dict__)


class RequestError(ShelfwiseError):
    """The caller can fix it."""

    http_status = 400
    code = "bad_request"


class InvalidQuery(RequestError):
    """A request body, parameter or path is malformed."""

    code = "invalid_request"


class Unauthorized(RequestError):
    """No key of ours, or one that is unknown, expired or revoked: one answer for all of these."""

    http_status = 401
    code = "unauthorized"


class Forbidden(RequestError):
    """The key is not for this; the answer is the same whether or not the thing is there."""

    http_status = 403
    code = "forbidden"


class TooManyRequests(RequestError):
    """The key or the address has sent more requests than it may."""

    http_status = 429
    code = "too_many_requests"


class UnknownKey(RequestError):
    """No API key of that id."""

    http_status = 404
    code = "unknown_key"


class InvalidFilter(RequestError):
    """A filter names an unknown field or a value of the wrong kind."""

    code = "invalid_filter"


class UnknownIndex(RequestError):
    """No index of that name."""

    http_status = 404
    code = "unknown_index"


class UnknownProduct(RequestError):
    """No product of that id."""

    http_status = 404
    code = "unknown_product"


class UnknownTask(RequestError):
    """No task of that id, or it has expired."""

    http_status = 404
    code = "unknown_task"


class UnknownDeadLetter(RequestError):
    """No dead letter of that id."""

    http_status = 404
    code = "unknown_dead_letter"


class UnknownWeights(RequestError):
    """No version of the ranking weights of that name."""

    http_status = 404
    code = "unknown_weights"


class UnusableWeights(RequestError):
    """A version of the ranking weights whose model cannot rank here."""

    code = "unusable_weights"


class UnknownRules(RequestError):
    """No version of the rules of that name, or no rule or synonym of that id."""

    http_status = 404
    code = "unknown_rules"


class Conflict(RequestError):
    """What should be changed has changed since the caller read it; read it again."""

    http_status = 409
    code = "conflict"


class UnknownWebhook(RequestError):
    """No webhook of that name."""

    http_status = 404
    code = "unknown_webhook"


class RequestTooLarge(RequestError):
    """The body is over the limit."""

    http_status = 413
    code = "request_too_large"


class PhotoRefused(RequestError):
    """The photo of a query cannot be used: its address, its size or what is in it."""

    code = "photo_refused"


class PhotoUnavailable(RequestError):
    """The photo of a query could not be fetched: the address is the caller's, as is its server.

    So it is no fault of ours that waiting mends. The same request may go well later.
    """

    code = "photo_unavailable"


class ProductRejected(RequestError):
    """A product breaks the rules of the product record."""

    code = "product_rejected"


class TooManyDeletes(RequestError):
    """A feed lacks more of the index's products than it may take with it; nothing was deleted."""

    code = "too_many_deletes"


class AttachRefused(RequestError):
    """An index of the shop cannot be attached, or not in the way that was asked for."""

    code = "attach_refused"


class TemporaryError(ShelfwiseError):
    """Try again later."""

    http_status = 503
    retryable = True
    code = "unavailable"


class ClusterUnavailable(TemporaryError):
    """Elasticsearch does not answer."""

    code = "cluster_unavailable"


class ClusterTimeout(ClusterUnavailable):
    """Elasticsearch did not answer in time; it may be well and the request slow."""


class ClusterOverloaded(TemporaryError):
    """Elasticsearch asks for less: 429, 503 or a tripped circuit breaker."""

    code = "cluster_overloaded"


class QueueUnavailable(TemporaryError):
    """Redis does not answer."""

    code = "queue_unavailable"


class Overloaded(TemporaryError):
    """More requests are under way than the service takes; others would only wait in vain."""

    code = "overloaded"


class ImageUnavailable(TemporaryError):
    """A photo could not be fetched this time: timeout, 5xx, 429 or a broken connection."""

    code = "image_unavailable"


class TooManyPhotos(TemporaryError):
    """So many photos of queries are being fetched that one more would keep searches waiting."""

    code = "too_many_photos"


class EncoderFailed(TemporaryError):
    """The encoder of queries fails, takes too long, or is not here while the service runs.

    is_slow: it takes too long.
    """

    code = "encoder_failed"

    def __init__(
        self,
        message: str,
        *,
        is_slow: bool = False,
        field: str | None = None,
        retry_after_seconds: int | None = 5,
        product_id: str | None = None,
    ) -> None:
        super().__init__(
            message,
            field=field,
            retry_after_seconds=retry_after_seconds,
            product_id=product_id,
        )
        self.is_slow = is_slow


class SourceBusy(TemporaryError):
    """Another process reads that source just now."""

    code = "source_busy"


class SourceUnavailable(TemporaryError):
    """A database or an index that products come from does not answer."""

    code = "source_unavailable"


class ConfigurationError(ShelfwiseError):
    """The process must not go on as it is configured."""

    http_status = 503
    code = "misconfigured"


class MissingSetting(ConfigurationError):
    """A setting is absent, unknown or unreadable."""

    code = "missing_setting"


class EncoderMismatch(ConfigurationError):
    """The index was filled by another encoder than the one configured."""

    code = "encoder_mismatch"


class MappingMismatch(ConfigurationError):
    """The index does not have the fields of this version."""

    code = "mapping_mismatch"


class EncoderUnavailable(ConfigurationError):
    """The encoder's package or files are not there."""

    code = "encoder_unavailable"


class EncoderNeeded(ConfigurationError):
    """A worker without an encoder has met a product that must be encoded."""

    code = "encoder_needed"


class PermanentIndexingError(ShelfwiseError):
    """Trying again would not help; the product is set aside with the reason."""

    code = "indexing_failed"


class DocumentRejected(PermanentIndexingError):
    """Elasticsearch refuses the document."""

    code = "document_rejected"


class ImageRefused(PermanentIndexingError):
    """A photo cannot be used, and asking again would not help.

    reason: a short stable name, e.g. "address_refused", "not_found", "too_large", "truncated".
    """

    code = "image_refused"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "refused",
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
        self.reason = reason
