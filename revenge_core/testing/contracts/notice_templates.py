"""What everything that words notices owes."""

from collections.abc import Mapping

import pytest

from revenge_core.mail.entities import Email, Letter, Notice
from revenge_core.mail.policy import ALWAYS, SUBJECT_MAX, VALUES, email_problems
from revenge_core.mail.ports import NoticeTemplates
from revenge_core.secrets import Secret

MARKUP = "<b>&\"' $name ${url}"
NASTY = "a\r\nBcc: eve@example.org\x00\x1b[2J\u2028\u202eb\ud800\t"

every_notice = pytest.mark.parametrize("notice", list(Notice))


def rendered(templates: NoticeTemplates, notice: Notice, every: str | None = None) -> Letter:
    """The notice with values that say which they are, or with the same for each; it can be sent."""
    values: Mapping[str, str | Secret] = {name: every or f"the {name}" for name in VALUES[notice] | ALWAYS}
    letter = templates.render(notice, values)
    email = Email(to="ada@example.org", subject=letter.subject, text=letter.text, html=letter.html)
    assert list(email_problems(email)) == []
    return letter


def bodies(letter: Letter) -> tuple[str, str]:
    """Text and HTML; the text twice where there is no HTML."""
    text = letter.text.reveal()
    return text, text if letter.html is None else letter.html.reveal()


class NoticeTemplatesContract:
    """Fixture: `templates`."""

    @every_notice
    def test_every_notice_says_all_that_is_known_and_names_the_server(
        self, templates: NoticeTemplates, notice: Notice
    ) -> None:
        letter = rendered(templates, notice)
        for body in bodies(letter):
            assert {name for name in VALUES[notice] if f"the {name}" not in body} == set()
            assert "the server" in body
            assert "$" not in body
        assert letter.subject.strip()

    @every_notice
    def test_values_are_no_templates_and_in_html_no_markup(self, templates: NoticeTemplates, notice: Notice) -> None:
        letter = rendered(templates, notice, MARKUP)
        assert MARKUP in letter.text.reveal()
        if letter.html is not None:
            assert "<b>" not in letter.html.reveal()
            assert "&lt;b&gt;&amp;&quot;&#x27; $name ${url}" in letter.html.reveal()

    @every_notice
    def test_no_value_breaks_a_line_ends_a_header_or_turns_text_around(
        self, templates: NoticeTemplates, notice: Notice
    ) -> None:
        letter = rendered(templates, notice, NASTY)
        for part in (letter.subject, *bodies(letter)):
            assert "\nBcc" not in part
            assert not {"\r", "\x00", "\x1b", "\u2028", "\u202e", "\ud800"} & set(part)

    @every_notice
    def test_however_long_a_value_is_the_message_can_be_sent(self, templates: NoticeTemplates, notice: Notice) -> None:
        assert len(rendered(templates, notice, "x" * 1_000_000).subject) <= SUBJECT_MAX

    def test_secrets_are_put_in_and_stay_hidden(self, templates: NoticeTemplates) -> None:
        link = "https://example.org/account/reset#token=x"
        values = {name: f"the {name}" for name in VALUES[Notice.PASSWORD_RESET] | ALWAYS}
        letter = templates.render(Notice.PASSWORD_RESET, {**values, "link": Secret(link)})
        for body in bodies(letter):
            assert link in body
        assert link not in repr(letter)
