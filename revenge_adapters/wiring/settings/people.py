"""Settings about people: accounts, what they may ask for how often, their pictures and files."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from revenge_core.entity import Entity
from revenge_core.secrets import Secret


class Accounts(Entity, kw_only=True):
    """Who gets an account, and how it ends."""

    registration: Annotated[
        Literal["closed", "invite", "open"],
        Meta(
            description="Who may make an account: everybody who reaches the server (`open`), whoever was invited "
            "(`invite`), or only administrators (`closed`)."
        ),
    ] = "open"
    verification_required: Annotated[
        bool,
        Meta(description="Whether nobody signs in before they proved that they read mail at their address."),
    ] = False
    verification_lifetime: Annotated[timedelta, Meta(description="How long the link in such a mail is good.")] = (
        timedelta(hours=24)
    )
    invitation_lifetime: Annotated[
        timedelta, Meta(description="How long an invitation is good where whoever makes it does not say.")
    ] = timedelta(days=7)
    deletion_grace: Annotated[
        timedelta,
        Meta(description="How long a deleted account can come back; then it is erased, and its names are free again."),
    ] = timedelta(days=30)
    export_lifetime: Annotated[
        timedelta, Meta(description="How long the file with somebody's own data can be downloaded.")
    ] = timedelta(days=7)
    export_max_bytes: Annotated[
        int, Meta(ge=1024 * 1024, description="Longest such file, in bytes; an export that would be longer fails.")
    ] = 100 * 1024 * 1024


class ApiKeys(Entity, kw_only=True):
    """API keys, which programs present instead of signing in."""

    max_per_user: Annotated[int, Meta(ge=1, le=1000, description="Live keys of one account.")] = 10
    lifetime: Annotated[
        timedelta,
        Meta(description="How long a key is good where whoever makes it does not say; at most 3660 days."),
    ] = timedelta(days=365)
    may_last_forever: Annotated[
        bool, Meta(description="Whether a key can be made that never expires (`expires_at` is null).")
    ] = True
    overlap: Annotated[
        timedelta,
        Meta(description="How long the old key works after a rotation where nobody says otherwise; at most 7 days."),
    ] = timedelta(days=1)
    reminder: Annotated[
        timedelta, Meta(description="How long before a key expires its owner gets a mail about it.")
    ] = timedelta(days=7)


class Limits(Entity, kw_only=True):
    """How often one address may ask; IPv6 networks of 64 bits count as one. `docs/security.md` has the whole table."""

    global_rate: Annotated[int, Meta(ge=1, description="Requests per second, of each server process.")] = 50
    global_burst: Annotated[int, Meta(ge=1, description="Requests at once beyond that.")] = 100
    login_per_minute: Annotated[
        int, Meta(ge=1, description="Requests with a password: sign-in, reauthentication, change of password.")
    ] = 20
    account_per_minute: Annotated[
        int, Meta(ge=1, description="Requests that make accounts, send mail, or take a token from a mail.")
    ] = 10
    refresh_per_minute: Annotated[int, Meta(ge=1, description="Requests with a refresh token.")] = 60
    guesses_burst: Annotated[
        int, Meta(ge=1, le=100, description="Wrong passwords at once for one account from one address.")
    ] = 5
    guesses_regain: Annotated[timedelta, Meta(description="After so long one more try is allowed there.")] = timedelta(
        seconds=30
    )


class Avatar(Entity, kw_only=True):
    """Pictures of accounts. They are drawn anew: nothing of an uploaded file is kept."""

    max_size_bytes: Annotated[int, Meta(ge=1024, le=100 * 1024 * 1024, description="Longest upload, in bytes.")] = (
        2 * 1024 * 1024
    )
    allowed_types: Annotated[
        tuple[Literal["image/gif", "image/jpeg", "image/png", "image/webp"], ...],
        Meta(description="What may be uploaded, by what the file is and not by what it is called."),
    ] = ("image/jpeg", "image/png", "image/webp")


class S3(Entity, kw_only=True):
    """A bucket for files."""

    bucket: Annotated[str | None, Meta(description="Its name.")] = None
    region: Annotated[str, Meta(description="Its region.")] = "us-east-1"
    endpoint: Annotated[
        str | None, Meta(description="Where it is, such as `https://s3.example.org`; without it, Amazon's.")
    ] = None
    access_key_id: Annotated[str | None, Meta(description="Who this server is there.")] = None
    secret_access_key: Annotated[Secret | None, Meta(description="What proves it.")] = None
    use_path_style: Annotated[
        bool, Meta(description="Whether the bucket stands in the path and not in the host's name, as MinIO wants it.")
    ] = False


class Local(Entity, kw_only=True):
    """A folder for files."""

    path: Annotated[
        Path | None,
        Meta(description="The folder.", extra={"default": "`files` in `data_dir`"}),
    ] = None


class Storage(Entity, kw_only=True):
    """Where files are kept: pictures of accounts, exports."""

    backend: Annotated[
        Literal["local", "s3"],
        Meta(description="A folder on this machine, or a bucket that speaks S3 (needs `revenge[s3]`)."),
    ] = "local"
    local: Local = Local()
    s3: S3 = S3()


class CookieAuth(Entity, kw_only=True):
    """Cookies for browsers, besides tokens (decisions W9)."""

    enabled: Annotated[
        bool,
        Meta(
            description="Whether a sign-in also sets cookies, and requests may come with them. Unsafe methods then "
            "need the `X-CSRF-Token` header; see `docs/security.md`. The pages under `/account` need them."
        ),
    ] = False
    domain: Annotated[str | None, Meta(description="Their domain; without it they go to this host alone.")] = None
    same_site: Annotated[
        Literal["lax", "none", "strict"],
        Meta(description="When browsers send them along from other sites. `none` needs HTTPS."),
    ] = "lax"
