"""A host's own words in place of those that ship. What every template owes is in the contract."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from revenge_adapters.mail_templates import FRAME, TEMPLATE_MAX, VALUE_MAX, FileTemplates
from revenge_core.mail.entities import Email, Letter, Notice
from revenge_core.mail.policy import ALWAYS, BODY_MAX, VALUES, email_problems
from revenge_core.secrets import Secret

MARKUP = "<b>&\"'"


def values_of(notice: Notice, **special: str) -> Mapping[str, str | Secret]:
    """Each value says which it is."""
    return {name: special.get(name, f"the {name}") for name in VALUES[notice] | ALWAYS}


def rendered(templates: FileTemplates, notice: Notice, **special: str) -> Letter:
    letter = templates.render(notice, values_of(notice, **special))
    email = Email(to="ada@example.org", subject=letter.subject, text=letter.text, html=letter.html)
    assert list(email_problems(email)) == []
    return letter


def html_of(letter: Letter) -> str:
    assert letter.html is not None
    return letter.html.reveal()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_value_that_is_missing_is_a_defect_of_ours() -> None:
    with pytest.raises(KeyError):
        FileTemplates().render(Notice.WELCOME, {})


def test_a_hosts_own_text_takes_the_place_of_the_one_that_ships(folder: Path) -> None:
    (folder / "welcome.txt").write_text("Subject: Grüezi, $name\n\nWillkommen auf $server. Das kostet 5 $$.\n", "utf-8")
    templates = FileTemplates(folder)
    assert templates.problems == ()
    letter = rendered(templates, Notice.WELCOME)
    assert letter.subject == "Grüezi, the name"
    assert letter.text.reveal() == "Willkommen auf the server. Das kostet 5 $.\n"
    assert letter.html is None, "it would say something else than the text"
    assert rendered(templates, Notice.NEW_DEVICE) == rendered(FileTemplates(), Notice.NEW_DEVICE)


def test_a_hosts_own_html_and_frame_take_the_places_of_those_that_ship(folder: Path) -> None:
    (folder / "welcome.html").write_text("<h1>$name</h1>")
    (folder / FRAME).write_text("<title>$subject</title><main>$content</main>")
    templates = FileTemplates(folder)
    assert templates.problems == ()
    letter, usual = (
        rendered(templates, Notice.WELCOME, name=MARKUP),
        rendered(FileTemplates(), Notice.WELCOME, name=MARKUP),
    )
    assert letter.text == usual.text
    assert html_of(letter) == ("<title>Welcome to the server</title><main><h1>&lt;b&gt;&amp;&quot;&#x27;</h1></main>")
    assert html_of(rendered(templates, Notice.NEW_DEVICE)).startswith("<title>A new sign-in")


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(folder: Path) -> None:
    (folder / "welcome.txt").write_bytes(b"\xef\xbb\xbfSubject: Hello\r\n\r\nLine one\r\nLine two\r\n")
    letter = rendered(FileTemplates(folder), Notice.WELCOME)
    assert (letter.subject, letter.text.reveal()) == ("Hello", "Line one\nLine two\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"Hello $name\n", "does not begin with a line `Subject: "),
        (b"Subject:\n\nHello\n", "does not begin with a line `Subject: "),
        (b"Subject: Hello\n", "is empty"),
        (b"", "does not begin with a line `Subject: "),
        (b"Subject: Hello\n\n$nmae\n", "names $nmae, which is not known here"),
        (b"Subject: Hello $link\n\n$name\n", "names $link, which is not known here"),
        (b"Subject: Hello\n\nThat is $ 5\n", "has a $ that begins no name"),
        (b"Subject: Hello\n\n\xff\n", "is no UTF-8 text"),
        (b"Subject: Hello\n\n\x1b[2J\n", "holds control characters"),
        (b"Subject: Hello\n\n" + b"x" * TEMPLATE_MAX, f"has more than {TEMPLATE_MAX} bytes"),
    ],
)
def test_a_broken_template_is_left_aside_with_a_line_in_the_log_each_time(
    folder: Path, caplog: pytest.LogCaptureFixture, content: bytes, told: str
) -> None:
    (folder / "welcome.txt").write_bytes(content)
    templates = FileTemplates(folder)
    (line,) = templates.problems
    assert told in line
    assert str(folder / "welcome.txt") in line
    assert caplog.records == []
    assert rendered(templates, Notice.WELCOME) == rendered(FileTemplates(), Notice.WELCOME)
    assert [record.getMessage() for record in caplog.records] == [line]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_a_broken_html_leaves_the_whole_notice_aside(folder: Path) -> None:
    (folder / "welcome.txt").write_text("Subject: Hello\n\nHello\n")
    (folder / "welcome.html").write_text("$oops")
    templates = FileTemplates(folder)
    assert len(templates.problems) == 1
    assert rendered(templates, Notice.WELCOME) == rendered(FileTemplates(), Notice.WELCOME)


def test_a_broken_frame_leaves_the_frame_aside(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / FRAME).write_text("<main></main>")
    (folder / "welcome.html").write_text("<h1>$name</h1>")
    templates = FileTemplates(folder)
    (line,) = templates.problems
    assert "does not say where $content goes" in line
    assert "<h1>the name</h1>" in html_of(rendered(templates, Notice.WELCOME))
    assert [record.getMessage() for record in caplog.records] == [line]


def test_a_folder_that_is_not_there_is_told_once_for_all(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    templates = FileTemplates(folder / "missing")
    (line,) = templates.problems
    assert str(folder / "missing") in line
    assert rendered(templates, Notice.WELCOME) == rendered(FileTemplates(), Notice.WELCOME)
    assert [record.getMessage() for record in caplog.records] == [line]


def test_a_file_that_nobody_uses_is_told(folder: Path) -> None:
    (folder / "welcome-mail.txt").write_text("Subject: Hello\n\nHello\n")
    (line,) = FileTemplates(folder).problems
    assert str(folder / "welcome-mail.txt") in line


def test_a_template_that_cannot_be_opened_is_left_aside(folder: Path) -> None:
    (folder / "welcome.txt").mkdir()
    (line,) = FileTemplates(folder).problems
    assert "cannot be read" in line


@pytest.mark.parametrize("content", ["Subject: $name\n\nHello\n", "Subject: Hello\n\n" + "$server" * 200 + "\n"])
def test_what_cannot_be_sent_once_it_is_filled_in_is_left_aside(
    folder: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    (folder / "welcome.txt").write_text(content)
    templates = FileTemplates(folder)
    assert templates.problems == ()
    special = {"name": "\n", "server": "x" * VALUE_MAX}
    assert rendered(templates, Notice.WELCOME, **special) == rendered(FileTemplates(), Notice.WELCOME, **special)
    (record,) = caplog.records
    assert "xx" not in record.getMessage()
    assert BODY_MAX < 200 * VALUE_MAX
