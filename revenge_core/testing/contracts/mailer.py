"""What everything that takes mail owes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from revenge_core.mail.entities import Mailbox, Message
from revenge_core.mail.errors import MailRefused, MailUnavailable
from revenge_core.mail.policy import address_problems
from revenge_core.mail.ports import Mailer
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_message
from revenge_core.testing.contracts.world import RACERS, Contract

LINK = "https://films.example.org/verify-email?token=4f1d0c9a77"
ADDRESSES = {
    "ordinary": "ada@example.org",
    "with a tag": "ada+films@example.org",
    "with an apostrophe": "o'neil@example.org",
    "that looks like another with a comment": "ada(eve)@example.org",
    "that looks like two": "ada,eve@example.org",
    "that looks like a name and another": "ada<eve>@example.org",
    "with quotes": 'ad"a@example.org',
    "with a backslash": "ad\\a@example.org",
    "with dots in a row": "ada..l@example.org",
    "in another script": "ада@пример.example",
    "with an international domain": "ada@bücher.example",
    "with a domain that two standards spell differently": "ada@straße.example",
    "on this machine": "ada@localhost",
}
TEXTS = {
    "ordinary": "It works.\n",
    "Unicode": "Grüße, привет, 你好 🎬\n",
    "lines of dots": ".\n..\nbefore\n.\nafter\n",
    "like headers": "\nTo: eve@example.org\nFrom here on\n",
    "a very long line": "x" * 5000 + "\n",
    "blanks at ends of lines": "one \ntwo\t\n \n",
    "many lines": "".join(f"line {number}\n" for number in range(2000)),
}


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """A mailer, and what is behind it."""

    mailer: Mailer
    received: Callable[[], Sequence[Message]]
    """What people got, oldest first."""
    refuse: Callable[[str], None]
    """From now on nobody has that address."""
    set_away: Callable[[bool], None]
    """From now on nobody answers, or somebody does again."""


class MailerContract(Contract):
    """Fixture: `outbox`, empty."""

    async def test_a_message_arrives_as_it_was_written(self, outbox: Outbox) -> None:
        message = replace(
            a_message(
                subject="Grüße von „Revenge“, Zoë: " + "lang " * 30,
                html=Secret(f"<p>Click <a href='{LINK}'>hier</a>, ja?</p>\n"),
                reply_to="help@films.example.org",
            ),
            sender=Mailbox(address="revenge@films.example.org", name='Zoë\'s "Kino", (Haus)'),
        )
        await outbox.mailer.send(message)
        assert outbox.received() == [message]

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
    async def test_a_text_arrives_character_by_character(self, outbox: Outbox, text: str) -> None:
        message = a_message(text=Secret(text), html=Secret(f"<pre>{text}</pre>\n"))
        await outbox.mailer.send(message)
        assert outbox.received() == [message]

    @pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
    async def test_a_message_goes_to_exactly_its_address(self, outbox: Outbox, address: str) -> None:
        assert list(address_problems(address, "/to")) == []
        await outbox.mailer.send(a_message(to=address))
        assert [message.email.to for message in outbox.received()] == [address]

    async def test_a_message_sent_again_is_the_same_message(self, outbox: Outbox) -> None:
        message = a_message(html=Secret("<p>It works.</p>\n"))
        await outbox.mailer.send(message)
        await outbox.mailer.send(message)
        assert outbox.received() == [message, message]

    async def test_the_answer_is_one_line_and_repeats_nothing_of_the_text(self, outbox: Outbox) -> None:
        answer = await outbox.mailer.send(a_message(text=Secret(f"{LINK}\n")))
        assert answer.isprintable()
        assert LINK not in answer

    async def test_a_refused_message_holds_up_no_other(self, outbox: Outbox) -> None:
        outbox.refuse("nobody@example.org")
        before, refused, after = a_message(), a_message(to="nobody@example.org", text=Secret(f"{LINK}\n")), a_message()
        await outbox.mailer.send(before)
        with pytest.raises(MailRefused) as problem:
            await outbox.mailer.send(refused)
        await outbox.mailer.send(after)
        assert outbox.received() == [before, after]
        assert LINK not in problem.value.detail

    async def test_what_nobody_takes_now_is_taken_later(self, outbox: Outbox) -> None:
        message = a_message()
        outbox.set_away(True)
        with pytest.raises(MailUnavailable):
            await outbox.mailer.send(message)
        assert outbox.received() == []
        outbox.set_away(False)
        await outbox.mailer.send(message)
        assert outbox.received() == [message]

    async def test_many_messages_go_at_once(self, outbox: Outbox) -> None:
        messages = [a_message() for _ in range(RACERS)]
        await asyncio.gather(*(outbox.mailer.send(message) for message in messages))
        assert sorted(message.id for message in outbox.received()) == sorted(message.id for message in messages)
