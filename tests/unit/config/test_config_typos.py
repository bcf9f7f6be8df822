"""A slip of one character in any key is refused, with the key's place and the name that was meant."""

from __future__ import annotations

import random
import shutil
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typos import Typo, typos

from reminder.config.draft import FILES
from reminder.config.load import inspect
from reminder.config.positions import positions
from reminder.config.schema import schemas
from reminder.resources import data_dir

SHIPPED = data_dir("config")
CONTRACT = Path(__file__).parents[2] / "data" / "contract_config"
EVERY_KEY = Path(__file__).parents[2] / "data" / "every_key_config"
FOLDERS = pytest.mark.parametrize("folder", [SHIPPED, CONTRACT, EVERY_KEY], ids=["shipped", "contract", "every key"])


def _copied(folder: Path, to: Path) -> Path:
    to.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(folder / name, to)
    return to


def _one_of_each_key(text: str) -> list[Typo]:
    """Two slips for every place of a key, chosen the same way on every run."""
    chosen = random.Random(2021)
    by_place = groupby(typos(text), key=lambda typo: (typo.line, typo.column))
    return [typo for _, group in by_place for typo in chosen.sample(list(group), 2)]


@FOLDERS
@pytest.mark.parametrize("file", FILES)
def test_slip_in_a_key_is_refused(folder: Path, file: str, tmp_path: Path) -> None:
    spoilt = _copied(folder, tmp_path)
    for typo in _one_of_each_key((folder / file).read_text(encoding="utf-8")):
        (spoilt / file).write_text(typo.text, encoding="utf-8")
        configuration, faults = inspect(spoilt)
        here = [fault for fault in faults if (fault.file, fault.line, fault.severity) == (file, typo.line, "error")]
        told = [fault for fault in here if fault.key.split(".")[-1] == typo.wrong]
        assert configuration is None, typo
        assert [fault.message.endswith(f"; did you mean '{typo.right}'?") for fault in told] == [True], (typo, faults)


def keys_of(schema: Any, definitions: dict[str, Any], seen: tuple[str, ...] = ()) -> set[str]:
    """Every key that a JSON schema names, at any depth."""
    if isinstance(schema, list):
        return set().union(*(keys_of(part, definitions, seen) for part in schema))
    if not isinstance(schema, dict):
        return set()
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        return keys_of(definitions[name], definitions, (*seen, name))
    inner = [*schema.get("properties", {}).values(), *schema.get("patternProperties", {}).values()]
    parts = [schema.get(word) for word in ("anyOf", "oneOf", "allOf", "items", "additionalProperties")]
    return set(schema.get("properties", {})) | keys_of([*inner, *parts], definitions, seen)


@pytest.mark.parametrize("file", FILES)
def test_no_key_escapes_the_slips(file: str) -> None:
    schema = schemas()[file.replace(".toml", ".schema.json")]
    written = {part for loc in positions((EVERY_KEY / file).read_text(encoding="utf-8")) for part in loc}
    missing = keys_of(schema, schema.get("$defs", {})) - {"$schema", "days"} - written  # "days": a list stands for it
    assert not missing, f"write these keys into {EVERY_KEY / file}"
    configuration, faults = inspect(EVERY_KEY)
    assert configuration, faults


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _copied(CONTRACT, tmp_path_factory.mktemp("scratch"))


_PIECES = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        [*"\"'[]{}=,.#\\\n\r\t＝“”［］，：", '"""', "[[", "]]", "= ", "inf", "nan", "2021-02-30", "9" * 5000]
    ),
    st.sampled_from(["[" * 3000, "a." * 3000, "{a=" * 600, "\x00", "\ufeff", "[rule]\n", "[[office]]\n", "rule = 1\n"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), piece=_PIECES, at=st.integers(0, 1500), cut=st.integers(0, 40))
def test_no_text_is_a_traceback(scratch: Path, file: str, piece: str, at: int, cut: int) -> None:
    text = (CONTRACT / file).read_text(encoding="utf-8")
    (scratch / file).write_bytes((text[:at] + piece + text[at + cut :]).encode("utf-8", "surrogatepass"))
    try:
        _, faults = inspect(scratch)
    finally:
        shutil.copy(CONTRACT / file, scratch)
    assert all("\n" not in str(fault) and fault.line > 0 and fault.column > 0 for fault in faults)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), content=st.binary(max_size=200))
def test_no_bytes_are_a_traceback(scratch: Path, file: str, content: bytes) -> None:
    (scratch / file).write_bytes(content)
    try:
        configuration, faults = inspect(scratch)
    finally:
        shutil.copy(CONTRACT / file, scratch)
    assert configuration is not None or any(fault.severity == "error" for fault in faults)
