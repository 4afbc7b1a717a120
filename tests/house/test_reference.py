"""Reference pages say what the code says."""

import pytest

from revenge_adapters.wiring.settings.schema import all_settings
from tests.house.reference import PAGES, REFERENCE, settings_page


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_gives_now(name: str) -> None:
    assert (REFERENCE / name).read_text("utf-8") == PAGES[name](), "run: python -m tests.house.reference"


def test_every_setting_has_a_heading_and_a_description() -> None:
    headings = {line.lstrip("# ") for line in settings_page().splitlines() if line.startswith("#")}
    assert set(all_settings()) - headings == set()
    assert [key for key, setting in all_settings().items() if not setting.description.endswith(".")] == []
