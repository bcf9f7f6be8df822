"""`reminder channel test`: one sample of each kind, without a database."""

from reminder.domain.destination import Standing
from reminder.domain.reminder import ReminderKind
from reminder.store import destinations
from reminder.store.engine import reading, writing
from tests.makers import at


def test_one_sample_of_each_kind_arrives(bare):
    said = bare("channel", "test", "files", "--to", "jsj@example.org", "--json")
    assert said.code == 0
    assert [line["kind"] for line in said.lines] == [kind.value for kind in ReminderKind]
    assert all(line["accepted"] for line in said.lines)
    letters = [file.read_text() for file in (bare.folder / "mailbox" / "new").iterdir()]
    assert len(letters) == len(ReminderKind)
    assert all("jsj@example.org" in letter for letter in letters)
    assert not (bare.folder / "reminder.db").exists()
    assert "已接收" in bare("channel", "test", "files").out


def test_what_the_peer_refuses_is_told_and_ends_with_1(bare):
    bare.append("channels.toml", '[channel.mail]\nkind = "email"\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n')
    bare.append("channels.toml", 'sender = "office@example.org"\ntimeout = 1\n')
    said = bare("channel", "test", "mail", "--to", "jsj@example.org", "--json")
    assert said.code == 1
    assert not any(line["accepted"] for line in said.lines)


def test_mistakes_end_with_2_before_anything_is_sent(bare):
    bare.append("reminder.toml", '[sending]\nallow_domains = ["example.org"]\n')
    unknown = bare("channel", "test", "fiels", "--to", "jsj@example.org")
    assert unknown.code == 2
    assert "files" in unknown.err
    assert bare("channel", "test", "files", "--to", "jsj").code == 2
    assert bare("channel", "test", "files", "--to", "jsj@elsewhere.org").code == 2
    assert not (bare.folder / "mailbox").exists()


def test_a_channel_that_accepts_its_samples_is_no_longer_left_alone(desk):
    app = desk.app()
    gone = Standing(failures=5, disabled_at=at("2021-06-08"), why="410")
    with writing(app.engine) as session:
        destinations.stands(session, "files", gone)
        destinations.stands(session, "another", gone)
    assert desk("channel", "test", "files", "--to", "jsj@example.org").code == 0
    with reading(app.engine) as session:
        assert destinations.standing(session, "files") == Standing()
        assert destinations.standing(session, "another") == gone
    app.engine.dispose()
