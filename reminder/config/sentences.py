"""What pydantic found wrong, said so that an office clerk knows what to type. Values of secrets are never repeated."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from reminder.channels.secret import Secret
from reminder.config.faults import Sentence, as_toml
from reminder.config.keys import zones
from reminder.config.nearest import nearest
from reminder.config.positions import Loc
from reminder.rules.rule import ADDRESSEE, RECIPIENTS
from reminder.rules.when import WEEKDAYS

_WORDS = {  # pydantic's error types → the name of our sentence; a type without an entry is its own name
    "bool_parsing": "bool_type",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "int_parsing": "int_type",
    "int_from_float": "int_type",
    "float_type": "int_type",
    "float_parsing": "int_type",
    "date_parsing": "date_type",
    "date_from_datetime_parsing": "date_type",
    "date_from_datetime_inexact": "date_type",
    "list_type": "tuple_type",
    "dict_type": "model_type",
    "model_attributes_type": "model_type",
    "literal_error": "choice",
    "enum": "choice",
    "string_pattern_mismatch": "pattern",
    "greater_than": "range",
    "greater_than_equal": "range",
    "less_than": "range",
    "less_than_equal": "range",
}
_BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}"}
_CHANNELS = (  # how the errors of the channels' keys begin → the name of our sentence
    ("a secret", "secret"),
    ("a URL with a user", "secret"),
    ("expected exactly one place", "secret"),
    ("expected a URL", "url"),
    ("not a URL", "url"),
    ("the URL holds", "url"),
    ("expected a sender", "sender"),
    ("expected one sender", "sender"),
    ("not an e-mail address", "sender"),
    ("expected both username", "login"),
    ("a password is never sent", "login_in_clear"),
)
_NAMES: dict[str, Callable[[], Iterable[str]]] = {  # sentences about a choice that pydantic does not know of
    "weekday": lambda: WEEKDAYS,
    "recipient": lambda: RECIPIENTS,
    "letter_recipient": lambda: (*RECIPIENTS, ADDRESSEE),
    "timezone": zones,
}
_YES_NO = {"是": "true", "yes": "true", "on": "true", "1": "true", "否": "false", "no": "false", "off": "false"}


def sentence(model: type[BaseModel], error: ErrorDetails, present: Collection[str] = ()) -> Sentence:
    """The sentence for one error that `model` raised; `present` are the keys of the table it was raised in."""
    kind = _WORDS.get(error["type"], error["type"])
    owner, info = _owner(model, error["loc"])
    if kind == "extra_forbidden":
        return unknown_key(str(error["loc"][-1]), owner, error["input"], present)
    if kind == "missing":
        return _missing(str(error["loc"][-1]), info)
    if _secret(model, error["loc"]):
        return _secret_refused(kind, error)
    return _refused(kind, str(_last_key(error["loc"])), error)


def unknown_key(key: str, owner: type[BaseModel], value: object, present: Collection[str]) -> Sentence:
    """An unknown key of `owner`'s table. Of equally near keys one that is not `present` and takes `value` is meant."""
    fields = {info.alias or name: info for name, info in owner.model_fields.items()}

    def doubts(name: str) -> int:
        return 4 * (name in present) + 2 * (not _accepts(fields[name], value)) + (not fields[name].is_required())

    meant = nearest(key, fields, doubts)
    return Sentence("unknown_key", meant=meant) if meant else Sentence("no_such_key", {"names": ", ".join(fields)})


def _accepts(info: FieldInfo, value: object) -> bool:
    try:
        TypeAdapter(info.rebuild_annotation()).validate_python(value)
    except ValidationError:
        return False
    return True


def _missing(key: str, info: FieldInfo | None) -> Sentence:
    if info and info.examples:
        return Sentence("missing_such_as", {"line": f"{key} = {as_toml(info.examples[0])}"})
    return Sentence("missing")


def _secret_refused(kind: str, error: ErrorDetails) -> Sentence:
    """As `_refused`, but silent about the value: it may be the password itself."""
    if kind == "model_type":
        return Sentence("secret")
    return Sentence(_word(kind, error), {"text": _text(error), **error.get("ctx", {}), "got": "…"})


def _text(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


def _word(kind: str, error: ErrorDetails) -> str:
    text = _text(error)
    return next((word for start, word in _CHANNELS if kind == "value_error" and text.startswith(start)), kind)


def _refused(kind: str, key: str, error: ErrorDetails) -> Sentence:
    context = error.get("ctx", {})
    value = context.get("got", error["input"])
    facts = {**context, "got": as_toml(value), "text": _text(error)}
    meant = nearest(str(value), _NAMES[kind]()) if kind in _NAMES else _narrow(value)
    kind = _word(kind, error)
    if kind == "choice":
        names = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        facts["expected"] = ", ".join(as_toml(name) for name in names)
        meant = nearest(str(value), names) or meant
    elif kind == "range":
        facts["bound"] = next(_BOUNDS[name].format(value) for name, value in context.items() if name in _BOUNDS)
    elif line := _line(kind, value):
        facts["line"] = f"{key} = {line}"
        kind += "_line"
    return Sentence(kind, facts, meant)


def _line(kind: str, value: object) -> str | None:
    """What to type instead of a value that has only the wrong form."""
    plain = not isinstance(value, (dict, list))
    if kind == "tuple_type" and plain:
        return as_toml([value])
    if kind == "string_type" and plain:
        return as_toml(str(value))
    if kind == "int_type" and isinstance(value, str) and value.strip().isdecimal():
        return str(int(value))
    if kind == "bool_type":
        return _YES_NO.get(str(value).lower(), str(value).lower() if str(value).lower() in ("true", "false") else None)
    return None


def _narrow(value: object) -> str | None:
    """A text value without its full-width characters, where it has some."""
    narrow = unicodedata.normalize("NFKC", value) if isinstance(value, str) else value
    return narrow if isinstance(narrow, str) and narrow != value else None


def _owner(model: type[BaseModel], loc: Loc) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model whose table the last key of `loc` stands in, and that key's field where it has one."""
    owner, info = model, None
    for part in loc:
        inner = next(_models(info), None) if info else None
        owner = inner or owner
        info = _field(owner, part) or (info if inner is None else None)
    return owner, info if loc and _field(owner, loc[-1]) else None


def _field(model: type[BaseModel], key: str | int) -> FieldInfo | None:
    return next((info for name, info in model.model_fields.items() if key in (name, info.alias)), None)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model that a field's annotation names."""
    if isinstance(annotation, FieldInfo):
        annotation = annotation.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _secret(model: type[BaseModel], loc: Loc) -> bool:
    """Whether `loc` lies in a key that holds a secret."""
    for end in range(1, len(loc) + 1):
        owner, info = _owner(model, loc[:end])
        if owner is Secret or (info and Secret in _models(info)):
            return True
    return False


def _last_key(loc: Loc) -> str | int:
    return next((part for part in reversed(loc) if isinstance(part, str)), "")
