"""`revenge doctor`: what is wrong, and how to mend it."""

import click

from revenge_cli import exits
from revenge_cli.render import Shape, show_rows
from revenge_cli.session import Session, command


@command("doctor", examples=("revenge doctor", "revenge doctor --json", "revenge doctor --data-dir /var/lib/revenge"))
def doctor(session: Session) -> None:
    """Look at everything that Revenge needs, and say how to mend what is wrong.

    Nothing is changed. A database of our own that is stopped is started for the look and stopped again. Exits with 1 if
    a check fails; warnings are no failure.
    """
    findings = session.doors.diagnose(session.flags, session.config_file)
    rows = [
        {
            "id": finding.id,
            "status": str(finding.status),
            "message": finding.message,
            "fix": finding.fix,
            "docs": finding.docs,
        }
        for finding in findings
    ]
    show_rows(session.shape, ("id", "status", "message"), rows)
    if session.shape is Shape.TABLE:
        for row in rows:
            if row["fix"]:
                session.say(f"{row['id']}: {row['fix']}. See {row['docs']}")
    if any(row["status"] == "fail" for row in rows):
        click.get_current_context().exit(exits.FAILURE)
