"""`manage.py why SYMBOL`: the last decision on a symbol, every gate's answer, and what would have to change."""

from datetime import UTC, datetime

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.codes import MEANINGS, Code
from trading.models import Cycle, Decision, UniverseSnapshot

MARK = {True: "passed", False: "REJECTED", None: "not asked"}


def symbol_of(text: str, known: list[str]) -> str:
    """The known symbol that BTCUSDT, BTC/USDT or BTC/USDT:USDT means."""
    if not known:
        raise CommandError("No universe is known yet: start the system first (make run).")
    plain = text.upper().replace("/", "").split(":")[0]
    for symbol in known:
        if symbol.replace("/", "").split(":")[0] == plain:
            return symbol
    raise CommandError(f"{text} is not in the universe; {len(known)} symbols are: {', '.join(known[:8])} ...")


def instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at wants an ISO time such as 2026-11-22T14:32, was {text!r}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "The last decision on a symbol, every gate's answer, what would have to change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol")
        parser.add_argument("--at", help="the last decision up to this time (ISO, UTC)")

    def handle(self, *args: object, **options: str) -> None:
        snapshot = UniverseSnapshot.objects.order_by("at").last()
        seen = [row["symbol"] for row in snapshot.symbols] if snapshot else []
        symbol = symbol_of(
            options["symbol"], seen or list(Decision.objects.values_list("signal__symbol", flat=True).distinct())
        )
        decisions = Decision.objects.filter(signal__symbol=symbol).select_related("signal", "policy")
        cycles = Cycle.objects.order_by("bar")
        if options["at"]:
            decisions = decisions.filter(at__lte=instant(options["at"]))
            cycles = cycles.filter(at__lte=instant(options["at"]))
        decision, cycle = decisions.order_by("at").last(), cycles.last()
        row = next((row for row in (snapshot.symbols if snapshot else []) if row["symbol"] == symbol), None)
        if row and row["status"] != "in":
            self.stdout.write(f"{symbol} is not traded: {row['why']}.")
        elif cycle is not None:
            self.stdout.write(self.newest(symbol, cycle, decision))
        if decision is None:
            self.stdout.write(f"No signal on {symbol} has been decided yet.")
            return
        self.explain(decision)

    def newest(self, symbol: str, cycle: Cycle, decision: Decision | None) -> str:
        """What became of the symbol in the newest bar."""
        bar = f"Bar {cycle.bar:%Y-%m-%d %H:%M}:"
        if decision is not None and decision.signal.cycle_id == cycle.pk:
            return f"{bar} a signal on {symbol}."
        for code, symbols in cycle.absent.items():
            if symbol in symbols:
                return f"{bar} {symbol} was not evaluated: {code}. {MEANINGS[Code(code)].fix}"
        side, confidence = cycle.facts.get("flat", {}).get(symbol, ("no side", 0.0))
        need = cycle.facts.get("break_even", 0.0)
        return f"{bar} {symbol} was evaluated and is flat: {side} at {confidence:.3f}, a signal needs {need:.3f}."

    def explain(self, decision: Decision) -> None:
        signal = decision.signal
        say = self.stdout.write
        say(f"{decision.at:%Y-%m-%d %H:%M:%S} UTC  {signal.symbol} {signal.side}  confidence {signal.confidence:.3f}")
        say(f"Outcome: {decision.outcome}{' ' + decision.code if decision.code else ''}. {decision.sentence}")
        for vote in signal.votes:
            say(f"  {vote['kind']:<12} {vote['side']:<5} {vote['probability']:.3f}  {vote['version']}")
        for out in signal.excluded:
            say(f"  {out['kind']:<12} excluded: {out['why']}")
        noes = {no["code"]: no for no in decision.rejections}
        say("Gates:")
        for gate in decision.gates:
            say(f"  {gate['name']:<22} {MARK[gate['passed']]}")
        if noes:
            say("What would have to change:")
        for code, no in noes.items():
            setting = f" Setting: {no['setting']}." if no.get("setting") else ""
            say(f"  {code}: {no['sentence']}{setting} {MEANINGS[Code(code)].fix}")
