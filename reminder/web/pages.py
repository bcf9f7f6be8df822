"""Pages made of templates: escaped always, with the sentences of the reader's language at hand."""

from __future__ import annotations

from datetime import date
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reminder.compose.wording import week
from reminder.explain.sentences import answered, why_told
from reminder.gate.role import Role
from reminder.resources import data_dir
from reminder.web.files import version
from reminder.web.forms import csrf_of
from reminder.web.hall import LANGUAGE_COOKIE, cookie_name, hall, locale_of, secure, visit_of
from reminder.words import LOCALES, say

_A_YEAR = 365 * 24 * 3600


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(data_dir("templates") / "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return made


def page(request: Request, template: str, status: int = 200, /, **facts: Any) -> HTMLResponse:
    """The page by the template `web/<template>`, with `facts` and what every page has."""
    rendered = _environment().get_template(template).render({**_common(request), **facts})
    answer = HTMLResponse(rendered, status_code=status)
    _keep(request, answer)
    return answer


def _common(request: Request) -> dict[str, Any]:
    locale = locale_of(request)
    configuration = hall(request).app.configuration
    other = next(one for one in LOCALES if one != locale)
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    zone, person = configuration.zone, getattr(request.state, "person", None)
    return {
        "t": partial(say, locale),
        "why_told": partial(why_told, locale),
        "answered": answered,
        "day": partial(_day, locale),
        "moment": lambda moment: f"{moment.astimezone(zone):%Y-%m-%d %H:%M}",
        "week_words": partial(week, locale),
        "may": lambda role: person is not None and person.role.may(Role(role)),
        "locale": locale,
        "html_lang": {"zh_CN": "zh-CN"}.get(locale, locale),
        "other_locale": other,
        "other_language": f"?{urlencode([*kept, ('lang', other)])}",
        "office": configuration.office.name,
        "contact": configuration.office.contact,
        "person": person,
        "csrf": csrf_of(request),
        "path": request.url.path,
        "version": version(),
    }


def _day(locale: str, day: date) -> str:
    """A day with its year, as people write it."""
    return say(
        locale, "letters.day_with_year", year=day.year, month=say(locale, f"letters.month_{day.month}"), day=day.day
    )


def _keep(request: Request, answer: HTMLResponse) -> None:
    """Cookies that hold nothing of the office: the language that was chosen, and what ties forms to this browser."""
    if request.query_params.get("lang") in LOCALES:
        chosen = request.query_params["lang"]
        answer.set_cookie(LANGUAGE_COOKIE, chosen, _A_YEAR, secure=secure(request), httponly=True, samesite="lax")
    if hasattr(request.state, "visit"):
        name = cookie_name(request, "visit")
        answer.set_cookie(name, visit_of(request), secure=secure(request), httponly=True, samesite="strict")
