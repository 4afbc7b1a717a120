"""Which Chromium tests drive. `python -m tests.browser.chromium` sees to it that there is one."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

VARIABLE: Final = "REVENGE_TEST_CHROMIUM"
PROGRAMS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FETCH_SECONDS: Final = 180
ADVICE: Final = (
    "no Chromium is here. Install a package such as Debian's `chromium-headless-shell` or `chromium`, or let "
    f"`playwright install chromium-headless-shell` fetch one, or name a program in {VARIABLE}"
)


def chromium() -> str | None:
    """The program to start: the one that is named, the one that Playwright fetched, or the machine's own."""
    if named := os.environ.get(VARIABLE):
        return named
    with sync_playwright() as playwright:
        full = Path(playwright.chromium.executable_path)
    shells = sorted(full.parents[2].glob("chromium_headless_shell-*/*/*headless[-_]shell"), reverse=True)
    fetched = [str(one) for one in (full, *shells) if one.is_file()]
    return next(iter(fetched), None) or next(filter(None, map(shutil.which, PROGRAMS)), None)


def provide() -> str | None:
    """The same; where there is none, Playwright fetches its own, which takes a network and none of root's rights."""
    if (found := chromium()) is None:
        fetch = (sys.executable, "-m", "playwright", "install", "chromium-headless-shell")
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(fetch, check=False, timeout=FETCH_SECONDS)
        found = chromium()
    return found


if __name__ == "__main__":
    sys.exit(None if provide() else ADVICE)
