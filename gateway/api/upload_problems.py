"""What only uploads can meet, as answers to the caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from gateway.api.problems import ApiProblem
from gateway.bootstrap import Gateway
from gateway.pipeline.upload import MOST_UNFINISHED, ExpiredError
from store.partial_files import BusyError, OffsetError, TooLongError
from store.uploads import TooManyUploadsError


@contextmanager
def problems_told(gateway: Gateway) -> Iterator[None]:
    """The rest is the application's to tell."""
    try:
        yield
    except OffsetError as error:
        raise ApiProblem(
            409,
            "upload-offset",
            "The upload stands elsewhere",
            f"Go on from byte {error.offset}.",
            headers={"Upload-Offset": str(error.offset)},
        ) from None
    except BusyError:
        raise ApiProblem(
            409,
            "upload-busy",
            "Another request is writing to this upload",
            "Ask by HEAD where it stands, and go on from there.",
            headers={"Retry-After": "1"},
        ) from None
    except TooLongError as error:
        raise ApiProblem(
            413, "body-too-large", "That is more than the upload may have", str(error)
        ) from None
    except TooManyUploadsError as error:
        now = gateway.now()
        wait = max(error.until - now, timedelta(seconds=1))
        seconds = str(int(wait.total_seconds()))
        raise ApiProblem(
            429,
            "too-many-uploads",
            f"{MOST_UNFINISHED} uploads are not finished",
            "Finish one of them, end one by DELETE, or wait until the first expires.",
            headers={
                "Retry-After": seconds,
                "RateLimit-Policy": f'"uploads";q={MOST_UNFINISHED}',
                "RateLimit": f'"uploads";r=0;t={seconds}',
            },
        ) from None
    except ExpiredError as error:
        raise ApiProblem(410, "upload-expired", "The upload expired", str(error)) from None
