"""What settings make of the audit log."""

from datetime import timedelta
from pathlib import Path

import pytest

from revenge_adapters.checkpoints_shipping import FileShipper, HttpsShipper, NoShipper
from revenge_adapters.wiring.audit import shipper
from revenge_adapters.wiring.rules import rules_of
from revenge_adapters.wiring.settings import Settings, SettingsInvalid, load_settings
from revenge_adapters.wiring.settings.schema import shown


def settings_of(**environ: str) -> Settings:
    named = {f"REVENGE_AUDIT_{name.upper()}": value for name, value in environ.items()}
    return load_settings(environ={"HOME": "/nowhere"} | named).settings


def problems_of(**environ: str) -> set[str]:
    with pytest.raises(SettingsInvalid) as caught:
        settings_of(**environ)
    return {problem.key for problem in caught.value.found}


def test_nothing_leaves_the_box_unless_it_is_asked_to() -> None:
    assert isinstance(shipper(settings_of()), NoShipper)


def test_checkpoints_go_to_a_file_or_an_address() -> None:
    assert isinstance(shipper(settings_of(ship_to="/mnt/elsewhere/kept.ndjson")), FileShipper)
    settings = settings_of(ship_to="https://logs.example.org:8443/take?from=here", ship_token="letmein")
    assert isinstance(shipper(settings), HttpsShipper)
    assert "letmein" not in str(shown(settings))


@pytest.mark.parametrize(
    "place",
    [
        "kept.ndjson",
        "http://logs.example.org/",
        "https://",
        "https://user:password@logs.example.org/",
        "https://logs.example.org/a b",
        "https://logs.example.org/a\r\nX: y",
        "ftp://logs.example.org/",
    ],
)
def test_other_places_are_refused(place: str) -> None:
    assert problems_of(ship_to=place) == {"audit.ship_to"}


def test_a_token_goes_to_an_address_alone() -> None:
    assert problems_of(ship_token="letmein") == {"audit.ship_token"}
    assert problems_of(ship_token="letmein", ship_to=str(Path("/kept"))) == {"audit.ship_token"}
    assert problems_of(ship_token="a\r\nb", ship_to="https://logs.example.org/") == {"audit.ship_token"}


def test_entries_are_kept_for_a_year_and_a_month_and_never_less_than_thirty_days() -> None:
    assert rules_of(settings_of()).audit.retention == timedelta(days=400)
    assert rules_of(settings_of(retention="30d")).audit.retention == timedelta(days=30)
    assert problems_of(retention="29d") == {"audit.retention"}
