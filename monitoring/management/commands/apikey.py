"""Keys for the HTTP API: `apikey create --user NAME [--days N]`, `list`, `revoke ID`; `--reason TEXT` says why."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from monitoring.control import actions, apikeys
from monitoring.management.commands.switch import actor
from monitoring.models import ApiKey


class Command(BaseCommand):
    help = "Makes, lists and revokes keys for the HTTP API. A key is shown once and stored hashed."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a key and show it once")
        create.add_argument("--user", required=True, help="whose roles the key has")
        create.add_argument("--days", type=int, help="how long it lives; for ever where not given")
        verbs.add_parser("list", help="every key, without its text")
        revoke = verbs.add_parser("revoke", help="end a key now")
        revoke.add_argument("id", type=int)
        for verb in (create, revoke):
            verb.add_argument("--reason", default="", help="why; kept in the audit log")

    def handle(self, *args, **options) -> None:
        try:
            getattr(self, options["verb"])(options)
        except actions.BadRequest as error:
            raise CommandError(str(error)) from None

    def create(self, options: dict) -> None:
        user, reason = actor(options["user"]), options["reason"]
        row, key = actions.create_key(user, options["days"], actor(None), timezone.now(), reason)
        until = f"until {row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else "until it is revoked"
        self.stdout.write(f"api_key: {key}")
        self.stdout.write(f"key {row.pk} for {options['user']}, {until}. It is not shown again.")

    def list(self, options: dict) -> None:
        now = timezone.now()
        rows = ApiKey.objects.select_related("user").order_by("id")
        self.stdout.write(f"{'id':>4}  {'key':<12} {'user':<20} {'made':<16}  {'last used':<16}  state")
        for row in rows:
            used = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never"
            made = f"{row.created_at:%Y-%m-%d %H:%M}"
            name, shown = row.user.get_username(), row.prefix + "..."
            self.stdout.write(f"{row.pk:>4}  {shown:<12} {name:<20} {made:<16}  {used:<16}  {apikeys.state(row, now)}")

    def revoke(self, options: dict) -> None:
        row = actions.revoke_key(options["id"], actor(None), timezone.now(), options["reason"])
        self.stdout.write(f"key {row.pk} of {row.user.get_username()} is revoked")
