"""The tree of commands: names and one line each. What they do is loaded when they are called."""

import os

import click

from revenge_cli.lazy import Root


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 (click's own)
    if wanted and not ctx.resilient_parsing:
        from revenge_cli.release import release

        click.echo(f"revenge {release()}")
        ctx.exit()


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"]},
    lazy={
        "admin": ("revenge_cli.admin:admin", "Make administrators from this machine's shell."),
        "api-keys": ("revenge_cli.api_keys:api_keys", "See and revoke API keys; with --url make and rotate one's own."),
        "audit": (
            "revenge_cli.audit:audit",
            "See what was done, by whom and to what; take it elsewhere; see that nobody changed it.",
        ),
        "auth": ("revenge_cli.auth:auth", "See what hashing a password may cost on this machine."),
        "authz": ("revenge_cli.authz:authz", "See what somebody may do, and by which rules."),
        "completion": ("revenge_cli.completion:completion", "Print the completion script for a shell."),
        "config": ("revenge_cli.config:config", "Show and check the configuration."),
        "doctor": (
            "revenge_cli.doctor:doctor",
            "Look at everything that Revenge needs, and say how to mend what is wrong.",
        ),
        "groups": (
            "revenge_cli.groups:groups",
            "Look at groups of people, make and change them, put people in and take them out.",
        ),
        "invitations": ("revenge_cli.invitations:invitations", "Invite people to make an account for themselves."),
        "jobs": ("revenge_cli.jobs:jobs", "Look at background jobs, try them again, cancel and delete them."),
        "limits": (
            "revenge_cli.limits:limits",
            "See who guessed wrong passwords too often, and let them try again.",
        ),
        "mail": ("revenge_cli.mail:mail", "See whether mail works."),
        "migrate": ("revenge_cli.migrate:migrate", "Show and bring up to date the database's schema."),
        "queues": ("revenge_cli.queues:queues", "Look at the queues of background jobs, pause and resume them."),
        "roles": (
            "revenge_cli.roles:roles",
            "Look at roles, make and change them, give them to people and take them away.",
        ),
        "schedules": (
            "revenge_cli.schedules:schedules",
            "Look at what is done again and again, pause and resume it, do it now.",
        ),
        "serve": ("revenge_cli.serve:serve", "Run the server until it is told to stop."),
        "sessions": ("revenge_cli.sessions:sessions", "See where people are signed in, and end it."),
        "users": (
            "revenge_cli.users:users",
            "Look at accounts, make and change them, keep people out and let them in.",
        ),
        "version": ("revenge_cli.version:version", "Show which release this is."),
        "worker": ("revenge_cli.worker:worker", "Run jobs, and nothing else, until told to stop."),
        "workers": ("revenge_cli.workers:workers", "Look at the processes that run background jobs."),
    },
    examples=(
        "revenge serve",
        "revenge admin create --username ada --email ada@example.org",
        "revenge doctor",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show which release this is.",
)
@click.pass_context
def revenge(ctx: click.Context) -> None:
    """Revenge, a media server's core.

    Exit codes: 0 ok, 1 failure, 2 usage or settings, 3 not found, 4 conflict, 5 denied, 69 something that Revenge needs
    is down.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
