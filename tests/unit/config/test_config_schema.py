"""The schemas that editors read say what the loader says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from mini_schema import refusals

from reminder.config.draft import FILES
from reminder.config.schema import schemas, write, written
from reminder.resources import data_dir
from reminder.rules.kinds import KINDS

CONTRACT = Path(__file__).parents[2] / "data" / "contract_config"


@pytest.mark.parametrize("name", schemas())
def test_committed_schema_is_current(name: str) -> None:
    committed = (data_dir("config") / name).read_text(encoding="utf-8")
    assert committed == written(schemas()[name]), "run python -m reminder.config.schema"


@pytest.mark.parametrize("folder", [data_dir("config"), CONTRACT], ids=["shipped", "contract"])
@pytest.mark.parametrize("file", FILES)
def test_schema_accepts_what_loads(folder: Path, file: str) -> None:
    schema = schemas()[file.replace(".toml", ".schema.json")]
    document = tomllib.loads((folder / file).read_text(encoding="utf-8"))
    assert list(refusals(schema, document, schema)) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("rules.toml", '[[rule]]\nname = "a"\nkind = "nudge"\n', id="a nudge without its days"),
        pytest.param("rules.toml", '[[rule]]\nname = "a"\nkind = "nudge"\non = "monday"\nevry = 1\n', id="unknown key"),
        pytest.param("channels.toml", '[channel.a]\nkind = "maildr"\npath = "x"\n', id="unknown kind of channel"),
        pytest.param("units.toml", "[[unit]]\noutside = true\n", id="a unit without a name"),
        pytest.param("reminder.toml", '[office]\nname = "a"\nemail = "a@example.org"\n', id="a text for a list"),
    ],
)
def test_schema_refuses_what_is_refused(file: str, text: str) -> None:
    schema = schemas()[file.replace(".toml", ".schema.json")]
    assert list(refusals(schema, tomllib.loads(text), schema))


@pytest.mark.parametrize("file", FILES)
def test_shipped_file_names_its_schema(file: str) -> None:
    first = (data_dir("config") / file).read_text(encoding="utf-8").splitlines()[0]
    assert first == f"#:schema ./{file.replace('.toml', '.schema.json')}"


def test_every_kind_of_rule_has_a_branch() -> None:
    branches = schemas()["rules.schema.json"]["properties"]["rule"]["items"]["anyOf"]
    assert {branch["properties"]["kind"]["const"] for branch in branches} == set(KINDS)


def test_every_key_of_a_rule_is_described() -> None:
    branches = schemas()["rules.schema.json"]["properties"]["rule"]["items"]["anyOf"]
    undescribed = {
        key for branch in branches for key, schema in branch["properties"].items() if "description" not in schema
    }
    assert undescribed <= {"kind"}


def test_schemas_are_written_over_old_ones(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(schemas())
