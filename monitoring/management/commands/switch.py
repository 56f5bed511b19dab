"""The kill switch: `manage.py switch active|reducing|halted --reason TEXT [--as USER]`."""

import getpass

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from monitoring.control import actions
from monitoring.control.permissions import NotAllowed, machine

MEANS = {
    "active": "entries are allowed again, as far as the gates let them through",
    "reducing": "no new entries; stops, trailing and closes live on",
    "halted": "no new entries, waiting ones are cancelled; stops, trailing and closes live on",
}


class Command(BaseCommand):
    help = "Moves the kill switch: active, reducing (no entries) or halted (entries cancelled too)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("state", choices=actions.STATES)
        parser.add_argument("--reason", required=True, help="why; kept in the audit log")
        parser.add_argument("--as", dest="user", help="act as this user, with their roles")

    def handle(self, *args, **options) -> None:
        if not options["reason"].strip():
            raise CommandError("--reason is blank: say in a few words why the switch is moved.")
        try:
            done = actions.set_switch(options["state"], options["reason"], actor(options["user"]), timezone.now())
        except (NotAllowed, actions.BadRequest) as error:
            raise CommandError(str(error)) from None
        if done.changed:
            self.stdout.write(f"switch: {done.was} -> {done.state} by {done.by} ({done.reason})")
        else:
            self.stdout.write(f"switch: was {done.state} already, nothing changed")
        self.stdout.write(MEANS[done.state])


def actor(name: str | None):
    """The named user, or whoever sits at the command line."""
    if not name:
        return machine(f"command line ({getpass.getuser()})")
    user = User.objects.filter(username=name).first()
    if user is None:
        known = ", ".join(User.objects.order_by("username").values_list("username", flat=True)[:20])
        raise CommandError(f"There is no user {name!r}. Users: {known or 'none yet; `manage.py run` makes the first'}.")
    return user
