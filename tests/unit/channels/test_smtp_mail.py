"""What goes over the wire of a mail's bytes: RFC 5321 §4.5.2."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from reminder.channels.smtp_mail import _dotted

lines = st.lists(st.text(st.sampled_from(".ab"), max_size=5).map(str.encode), min_size=1, max_size=6)


@given(lines)
@example([b".", b"..", b"a.b", b""])
def test_each_leading_dot_is_doubled_and_a_dot_of_its_own_ends_the_mail(mail):
    told = _dotted(b"".join(line + b"\r\n" for line in mail))
    *sent, end, rest = told.split(b"\r\n")
    assert (end, rest) == (b".", b"")
    assert [line[1:] if line.startswith(b".") else line for line in sent] == mail
    assert not any(line.startswith(b".") and not line.startswith(b"..") for line in sent)
