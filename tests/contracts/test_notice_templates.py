from pathlib import Path

import pytest

from revenge_adapters.mail_templates import FRAME, FileTemplates
from revenge_core.mail.entities import Notice
from revenge_core.mail.policy import ALWAYS, VALUES
from revenge_core.testing.contracts.notice_templates import NoticeTemplatesContract


class TestShippedTemplates(NoticeTemplatesContract):
    @pytest.fixture
    def templates(self) -> FileTemplates:
        return FileTemplates()


class TestTemplatesOfAHost(NoticeTemplatesContract):
    @pytest.fixture
    def templates(self, tmp_path: Path) -> FileTemplates:
        for notice in Notice:
            words = " ".join(f"${{{name}}}" for name in sorted(VALUES[notice] | ALWAYS))
            (tmp_path / f"{notice}.txt").write_text(f"Subject: From $server\n\n{words}\n")
            (tmp_path / f"{notice}.html").write_text(f'<p title="$server">{words}</p>\n')
        (tmp_path / FRAME).write_text("<title>$subject</title>$content")
        templates = FileTemplates(tmp_path)
        assert (templates.problems, templates.own) == ((), 2 * len(Notice) + 1)
        return templates
