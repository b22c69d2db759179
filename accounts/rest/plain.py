# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Plain Django views, sync or async, that answer failures as problems: live streams and the short doors."""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, cast

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from accounts.rest.problems import problem_of, problem_response

P = ParamSpec("P")
View = Callable[..., HttpResponseBase]
AsyncView = Callable[..., Awaitable[HttpResponseBase]]


def answers_problems(view: Any) -> Any:
    """Wrap a view so that errors with a name become problem+json; bugs go on to the handler of 500."""
    return _answers_async(view) if inspect.iscoroutinefunction(view) else _answers_sync(view)


def _answers_sync(view: View) -> View:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Exception as error:
            return _answer(error, request)

    return wrapper


def _answers_async(view: AsyncView) -> AsyncView:
    @wraps(view)
    async def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return await view(request, *args, **kwargs)
        except Exception as error:
            return _answer(error, request)

    return cast(AsyncView, markcoroutinefunction(wrapper))


def _answer(error: Exception, request: HttpRequest) -> HttpResponseBase:
    if problem_of(error).status == 500:
        raise error
    return problem_response(error, request)
