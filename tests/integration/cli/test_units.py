"""`reminder units`: the directory into units.toml; nothing that people wrote is lost."""

import tomllib

import pytest

HEADER = "单位名称,简称,邮箱,责任领导,领导邮箱,企业微信机器人,外单位\n"


@pytest.fixture
def imported(bare, tmp_path):
    """A function from the rows of a workbook to what the command said."""

    def run(rows, *words):
        file = tmp_path / "units.csv"
        file.write_text(HEADER + rows, encoding="utf-8")
        return bare("units", "import", file, *words)

    run.desk = bare
    return run


def units(text):
    return {table["name"]: table for table in tomllib.loads(text)["unit"]}


def test_to_stdout_and_nothing_is_written(imported):
    before = imported.desk.read("units.toml")
    said = imported("水务局,区水务局,sw@example.org,分管水务副主任,l2@example.org,,\n")
    assert said.code == 0
    assert units(said.out)["水务局"] == {
        "name": "水务局",
        "aliases": ["区水务局"],
        "email": ["sw@example.org"],
        "leader": "分管水务副主任",
    }
    assert {"title": "分管水务副主任", "email": ["l2@example.org"]} in tomllib.loads(said.out)["leader"]
    assert units(said.out)["财政局"]["email"] == ["czj@example.org"]
    assert imported.desk.read("units.toml") == before


def test_merging_by_name_or_alias_keeps_comments_and_everybody_else(imported):
    assert imported("区建设局,建设,new@example.org,,,,\n", "--write").code == 0
    text = imported.desk.read("units.toml")
    assert units(text)["建设局"] == {
        "name": "建设局",
        "aliases": ["区建设局", "建设"],
        "email": ["new@example.org"],
        "leader": "分管领导",
    }
    assert 'name = "建设局"                   # 正式名称' in text
    assert units(text)["财政局"] == {"name": "财政局", "email": ["czj@example.org"]}
    assert len(tomllib.loads(text)["leader"]) == 1


def test_writing_twice_changes_nothing(imported):
    rows = "水务局,,sw@example.org,新领导,,,是\n建设局,,jsj@example.org,,,,\n"
    imported(rows, "--write")
    once = imported.desk.read("units.toml")
    assert "outside = true" in once
    imported(rows, "--write")
    assert imported.desk.read("units.toml") == once


def test_lists_over_several_lines_and_windows_line_ends(imported):
    text = '[[unit]]\nname = "建设局"\nemail = [\n  "a@example.org", # 旧\n]\n[[leader]]\ntitle = "分管领导"\n'
    (imported.desk.folder / "units.toml").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert imported("建设局,,b@example.org,,,,\n", "--write").code == 0
    written = (imported.desk.folder / "units.toml").read_bytes()
    assert written.count(b"\r\n") == written.count(b"\n")
    assert units(written.decode())["建设局"]["email"] == ["b@example.org"]


def test_robots_are_secrets_and_only_named(imported):
    said = imported("建设局,,jsj@example.org,,,https://qyapi.example.org/send?key=SECRET,\n", "--write")
    assert said.code == 1
    assert "JSJ_WECOM_URL" in said.err
    assert "SECRET" not in said.err + said.out + imported.desk.read("units.toml")


def test_rows_that_cannot_be_used_are_told(imported):
    said = imported("水务局,,no-address,,,,\n", "--write")
    assert said.code == 1
    assert "no-address" in said.err
    assert units(imported.desk.read("units.toml"))["水务局"]["email"] == []


def test_a_result_with_faults_is_not_written(imported):
    before = imported.desk.read("units.toml")
    said = imported("水务局,财政局,sw@example.org,,,,\n", "--write")
    assert said.code == 2
    assert "units.toml:" in said.err
    assert imported.desk.read("units.toml") == before
    assert sorted(path.name for path in imported.desk.folder.glob(".units*")) == []


def test_the_ledgers_units_and_posts_are_drafted_with_look_alikes(desk):
    desk.measure("1", "2021-06-10", "市建设局", "水务局", leader="分管水务副主任")
    assert desk("units", "draft", "--write").code == 0
    text = desk.read("units.toml")
    drafted = units(text)
    assert drafted["市建设局"] == {"name": "市建设局", "email": []}
    assert "水务局" in drafted
    assert {"title": "分管水务副主任", "email": []} in tomllib.loads(text)["leader"]
    assert "“建设局”" in text
    again = desk("units", "draft", "--write")
    assert again.code == 0
    assert desk.read("units.toml") == text


def test_a_draft_for_the_screen(desk):
    desk.measure("1", "2021-06-10", "水务局")
    said = desk("units", "draft")
    assert "水务局" in units(said.out)
    assert "水务局" not in desk.read("units.toml")
