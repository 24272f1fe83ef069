"""Errors as people and programs meet them: a page in their language, or `{"error": {code, message, hint}}`."""

from __future__ import annotations

import logging
import time

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from edge.errors import JournalRefusedError, StoregateError
from edge.web import pages

log = logging.getLogger(__name__)
API_PATHS = ("/till/v1/", "/api/", "/shake/v1/", "/captive-portal/api", "/shakearound/", "/cgi-bin/")
"""Below these programs ask, and get JSON."""
TRACES_A_MINUTE = 6


class Traces:
    """Traces for the log, so many a minute: who finds a mistake of ours must not fill the disk with it."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._count = 0

    def take(self) -> bool:
        """Whether one more may be told."""
        now_s = time.monotonic()
        if now_s - self._began_s >= 60:
            if self._count > TRACES_A_MINUTE:
                log.error("%d more pages failed", self._count - TRACES_A_MINUTE)
            self._began_s, self._count = now_s, 0
        self._count += 1
        return self._count <= TRACES_A_MINUTE


TRACES = web.AppKey("traces", Traces)


class ServerLog(logging.LoggerAdapter[logging.Logger]):
    """What aiohttp says of requests that never reach a handler: nothing of those that are not HTTP, for anybody can
    send them without end and their bytes would stand in the log; a few of the others.
    """

    def __init__(self, traces: Traces) -> None:
        super().__init__(log)
        self._traces = traces

    def exception(self, msg: object, *args: object, exc_info: object = True, **_: object) -> None:
        if not isinstance(exc_info, HttpProcessingError) and self._traces.take():
            self.error(msg, *args, exc_info=exc_info)  # type: ignore[arg-type]


class WebError(StoregateError):
    """Ends a request with a status and words for who asked. `extra` goes into the JSON error object."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        hint: str = "",
        extra: dict[str, object] | None = None,
        retry_s: int = 0,
    ) -> None:
        """`retry_s`: told as Retry-After; 0: nothing is told."""
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.extra = extra or {}
        self.retry_s = retry_s


@web.middleware
async def pages_for_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No stack trace and no default page ever leaves a listener."""
    try:
        return await handler(request)
    except WebError as fault:
        return answer(request, fault)
    except web.HTTPException as error:
        if error.status < 400:  # a redirect is an answer
            raise
        response = answer(request, _of_http(error))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except JournalRefusedError as error:
        log.warning("%s %s: %s", request.method, request.match_info.route.name or "page", error)
        response = answer(request, WebError(503, error.reason.value, str(error), hint="Please try again in a moment."))
        response.headers["Retry-After"] = "5"
        return response
    # the last fence before a person: whatever a handler did wrong, they get a page and we get the trace
    except Exception:
        if request.app[TRACES].take():
            resource = request.match_info.route.resource  # not the path: that may hold a coupon
            log.exception("a page failed: %s %s", request.method, resource.canonical if resource else "no route")
        return answer(request, WebError(500, "fault", "Something went wrong on our side.", hint="Please try again."))


def answer(request: web.Request, fault: WebError) -> web.Response:
    """The fault as a page, or as JSON where a program asks."""
    if wants_json(request):
        error = {"code": fault.code, "message": str(fault), "hint": fault.hint, **fault.extra}
        response = web.json_response({"error": error}, status=fault.status)
    else:
        response = _page(request, fault)
    if fault.retry_s:
        response.headers["Retry-After"] = str(fault.retry_s)
    return response


def _page(request: web.Request, fault: WebError) -> web.Response:
    return pages.page(
        request,
        "web/error.jinja",
        status=fault.status,
        fault=fault,
        again=request.method in {"GET", "HEAD"},  # a form that was sent can't be asked for in another language
        known=f"web.{fault.code}" in pages.words_of(request),
    )


def wants_json(request: web.Request) -> bool:
    return request.path.startswith(API_PATHS) or "application/json" in request.headers.get("Accept", "")


def _of_http(error: web.HTTPException) -> WebError:
    codes = {404: "not_found", 405: "wrong_method", 413: "too_large", 400: "bad_request"}
    return WebError(error.status, codes.get(error.status, f"http_{error.status}"), error.reason)
