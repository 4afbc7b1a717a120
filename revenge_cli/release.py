"""Which release this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """The version of the installed distribution; `0+unknown` in a checkout that is not installed."""
    try:
        return version("revenge")
    except PackageNotFoundError:
        return "0+unknown"
