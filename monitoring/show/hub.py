"""The live channel's hub: one per web process. Nudges in, each changed panel rendered once, the same bytes to all.

1. One subscription to the nudges; while the channel layer is down it is tried again with back-off.
2. The panels that nudges name are rendered in a thread, in one look at the rows, at most ten times a second: the
   first nudge is answered at once, what comes meanwhile is collected. Once per audience (language and roles), and only
   what somebody watches.
3. Every few seconds all panels are looked at anyway: a lost nudge costs one refresh, never truth. What did not change
   in substance is not sent.
4. Marks move the rows of open positions by patches, without a query. The candles' age is not theirs to change.
5. Each client has one waiting slot per panel: the newest wins. Who does not answer a ping, or does not take what is
   sent, is closed, not buffered.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import orjson
from channels.layers import get_channel_layer
from django.conf import settings
from django.utils import timezone, translation

from monitoring.show import held as holding
from monitoring.show import panels
from monitoring.show.aside import aside
from monitoring.show.audience import Audience
from monitoring.show.guard import Visitor, welcome
from monitoring.show.scene import Scene
from monitoring.watch.words import iso
from trading.events import GROUP

log = logging.getLogger(__name__)

GATHER = 0.008  # seconds that a first nudge waits for others of its transaction
COALESCE = 0.1  # at least between two paints
REFRESH = 5.0
PING = 1.0  # a page that hears nothing for longer than this, and some, calls itself disconnected
UNANSWERED = 256 * 1024  # bytes that a client may owe us a pong for
NEVER_ANSWERED = 1024 * 1024  # the same for one that has never sent a pong: a plain listener
PATIENCE = 10.0  # seconds that a ping may go unanswered once so much is owed, and that a frame may wait to leave
RESUME = 1.0  # seconds between two answers to a client's `resume`
PER_USER, PER_PROCESS = 10, 1000
TOO_SLOW, TOO_MANY, NOT_LOGGED_IN, NOT_ALLOWED = 4008, 4029, 4401, 4403

Send = Callable[[str], Awaitable[None]]
Close = Callable[[int], Awaitable[None]]
Slot = tuple[Audience, str]  # a panel, as one audience sees it


@dataclass(frozen=True, slots=True)
class Message:
    """One frame, serialised once. `key` names its waiting slot: of two with the same key only the newer matters."""

    key: str
    seq: int
    text: str


@dataclass(eq=False)
class Client:
    """One socket: a bounded set of waiting frames, and what it owes us."""

    visitor: Visitor
    send: Send
    close: Close
    audience: Audience = field(default_factory=Audience)
    panels: frozenset[str] | None = None  # those of the client's page; None: all
    waiting: OrderedDict[str, Message] = field(default_factory=OrderedDict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    owed: int = 0
    asked_at: float | None = None
    pinged: bool = False  # a ping went out that no pong has answered
    leaving_since: float | None = None  # when the frame was handed over that has not left
    speaks: bool = False
    wish: int | None = None  # the oldest number that a `resume` named while the last one's answer is too young
    granted: bool = False

    def offer(self, message: Message) -> None:
        """Put the frame into its slot; an older one of the same key is replaced."""
        self.waiting.pop(message.key, None)
        self.waiting[message.key] = message
        self.ready.set()

    @property
    def slots(self) -> list[Slot]:
        return [(self.audience, name) for name in (panels.PANELS if self.panels is None else self.panels)]

    def wants(self, panel: str) -> bool:
        return self.panels is None or panel in self.panels

    def answered(self) -> None:
        """A pong settles what is owed, where there was a ping."""
        if self.pinged:
            self.owed, self.asked_at, self.pinged, self.speaks = 0, None, False, True
            self.ready.set()

    def clogged(self) -> bool:
        return self.owed > (UNANSWERED if self.speaks else NEVER_ANSWERED)

    def too_slow(self, now: float) -> bool:
        """Owes too much for too long, or has not taken a frame for as long."""
        asked = self.asked_at if self.clogged() else None
        return any(since is not None and now - since > PATIENCE for since in (asked, self.leaving_since))

    async def write(self) -> None:
        """Send what waits, until the client owes too much; runs for the socket's life."""
        while True:
            await self.ready.wait()
            self.ready.clear()
            while self.waiting and not self.clogged():
                _, message = self.waiting.popitem(last=False)
                self.owed += len(message.text)
                await self.pass_on(message.text)
            if self.clogged() and self.asked_at is None:
                self.asked_at = time.monotonic()
                await self.pass_on(ASKING)

    async def pass_on(self, text: str) -> None:
        """Send one frame; while the client doesn't take it, the time is kept since when."""
        self.pinged = self.pinged or text in (PING_TEXT, ASKING)
        self.leaving_since = time.monotonic()
        await self.send(text)
        self.leaving_since = None


def dumps(value: dict) -> str:
    return orjson.dumps(value).decode()


PING_TEXT = dumps({"type": "ping"})
ASKING = dumps({"type": "ping", "now": True})  # nothing more comes until it is answered


class Hub:
    """All sockets of this process, and the one task that feeds them."""

    def __init__(self) -> None:
        self.started = self.seq = 1 + secrets.randbelow(2**52)  # no other process, and no restart, has these numbers
        self.clients: set[Client] = set()
        self.watchers: Counter[Slot] = Counter()
        self.latest: dict[Slot, Message] = {}
        self.substance: dict[Slot, str] = {}
        self.dirty: set[str] = set()
        self.painted: dict[str, float] = {}
        self.free_at = 0.0  # when the next paint may begin
        self.marks: dict[str, tuple[Decimal, datetime]] = {}
        self.held: list[holding.Held] = []
        self.wake = asyncio.Event()
        self.tasks: list[asyncio.Task] = []
        self.loop = asyncio.get_running_loop()

    # -- clients ---------------------------------------------------------------------------------------------------

    def full(self, visitor: Visitor) -> bool:
        mine = sum(c.visitor.user_id == visitor.user_id for c in self.clients)
        return mine >= PER_USER or len(self.clients) >= PER_PROCESS

    def join(self, client: Client) -> None:
        """One more who watches; what nobody watched before is looked at anew."""
        if not self.tasks:
            self.start()
        self.clients.add(client)
        for slot in client.slots:
            self.watchers[slot] += 1
            if self.watchers[slot] == 1:  # nobody kept it true meanwhile: drawn anew, and sent
                self.latest.pop(slot, None)
                self.substance.pop(slot, None)
                self.nudge([slot[1]])

    def leave(self, client: Client) -> None:
        if client in self.clients:
            self.clients.discard(client)
            self.watchers.subtract(client.slots)

    def hello(self) -> str:
        return dumps({"type": "hello", "seq": self.seq, "mode": settings.QUANTUM.mode, "build": build()})

    def resume(self, client: Client, seq: int) -> None:
        """The watched panels that are newer than `seq`; all of them where that number is not one of ours.

        Once a second at most: who asks again before that gets one answer, for the oldest number, when it is over.
        """
        seq = seq if self.started <= seq <= self.seq else 0
        client.wish = seq if client.wish is None else min(seq, client.wish)
        if not client.granted:
            self.grant(client)

    def grant(self, client: Client) -> None:
        """Answer a waiting `resume`; without one the next is answered at once."""
        seq, client.wish = client.wish, None
        client.granted = seq is not None and client in self.clients
        if seq is not None and client.granted:
            self.offer_since(client, seq)
            self.loop.call_later(RESUME, self.grant, client)

    def offer_since(self, client: Client, seq: int) -> None:
        shown = [
            message
            for (audience, name), message in self.latest.items()
            if audience == client.audience and client.wants(name)
        ]
        for message in sorted(shown, key=lambda m: m.seq):
            if message.seq > seq:
                client.offer(message)

    # -- what comes in ---------------------------------------------------------------------------------------------

    def nudge(self, names: Iterable[str]) -> None:
        for name in names:
            self.dirty.update(panels.moved_by(name))
        self.wake.set()

    def hear(self, message: dict) -> None:
        """One message of the channel layer: panels that changed, or marks."""
        if message.get("type") == "changed":
            named = message.get("panels")
            if isinstance(named, (list, tuple)):
                self.nudge(name for name in named if isinstance(name, str))
        elif message.get("type") == "prices":
            self.price(message.get("marks", {}), message.get("at", ""))

    def price(self, marks: dict[str, str], at: str) -> None:
        try:
            when = datetime.fromisoformat(at).astimezone(UTC)
            moved = {symbol: positive(mark) for symbol, mark in marks.items()}
        except (AttributeError, TypeError, ValueError, OverflowError, InvalidOperation):
            log.warning("prices without a time or with a mark that is no number were left out")
            return
        self.marks.update({symbol: (mark, when) for symbol, mark in moved.items()})
        moving = [h for h in self.held if h.symbol in moved]
        for language in {c.audience.language for c in self.clients} if moving else ():
            with translation.override(language):
                rows = [holding.patch(h, moved[h.symbol], when) for h in moving]
            self.broadcast("patch", "positions", when, language=language, rows=rows)

    # -- what goes out ---------------------------------------------------------------------------------------------

    def broadcast(
        self,
        kind: str,
        panel: str,
        as_of: datetime,
        audience: Audience | None = None,
        language: str | None = None,
        **content: object,
    ) -> Message:
        """Number, serialise once, offer to all of that audience or language who watch the panel."""
        self.seq += 1
        text = dumps({"type": kind, "panel": panel, "seq": self.seq, "as_of": iso(as_of), **content})
        message = Message(f"{kind}:{panel}", self.seq, text)
        for client in self.clients:
            meant = audience in (None, client.audience) and language in (None, client.audience.language)
            if meant and client.wants(panel):
                client.offer(message)
        return message

    async def refresh(self, names: Iterable[str]) -> None:
        """Render the panels for everybody who watches them; send those whose substance changed."""
        wanted: dict[Audience, list[str]] = {}
        audiences = {slot[0] for slot, n in self.watchers.items() if n}
        for name in names:
            for audience in audiences:
                if self.watchers[(audience, name)]:
                    wanted.setdefault(audience, []).append(name)

        def drawn(audience: Audience, panel: panels.Rendered) -> None:
            self.loop.call_soon_threadsafe(self.show, audience, panel)

        def held(found: list[holding.Held]) -> None:
            self.loop.call_soon_threadsafe(setattr, self, "held", found)

        await aside(look, wanted, Scene(timezone.now(), dict(self.marks)), held, drawn)

    def show(self, audience: Audience, panel: panels.Rendered) -> None:
        """Send a panel that was just drawn, where its substance changed."""
        slot = (audience, panel.name)
        if self.substance.get(slot) != panel.substance:
            self.substance[slot] = panel.substance
            self.latest[slot] = self.broadcast("panel", panel.name, panel.as_of, audience, html=panel.html)

    # -- what runs -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        jobs = (self.listen, self.paint, self.look_again, self.ping, self.mind_clients)
        self.tasks = [self.loop.create_task(job(), name=f"hub {job.__name__}") for job in jobs]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with suppress(asyncio.CancelledError):
                await task
        self.tasks = []

    async def listen(self) -> None:
        """The one subscription; a channel layer that is down is tried again, slower and slower up to five seconds."""
        wait = 0.2
        while True:
            layer = get_channel_layer()
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                wait = 0.2
                self.nudge(panels.PANELS)  # whatever was rung meanwhile
                while True:
                    self.hear(await layer.receive(channel))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever ails the layer, the page lives on by looking again
                log.warning("live nudges are down, trying again in %.1f s: %s", wait, error)
            await asyncio.sleep(wait)
            wait = min(5.0, wait * 2)

    async def paint(self) -> None:
        while True:
            await self.wake.wait()
            await asyncio.sleep(max(GATHER, self.free_at - time.monotonic()))
            self.wake.clear()
            names = {name for name in self.dirty if self.due(name)}
            self.dirty -= names
            if self.dirty:  # those that were painted a moment ago
                self.loop.call_later(self.soonest(), self.wake.set)
            if not self.clients or not names:
                continue
            try:
                await self.refresh([name for name in panels.PANELS if name in names])
            except Exception:  # the next refresh tries again; the page shows ages meanwhile
                log.exception("panels could not be rendered: %s", ", ".join(sorted(names)))
            self.free_at = time.monotonic() + COALESCE

    def due(self, name: str) -> bool:
        """The panel may be painted again; notes that it is."""
        now = time.monotonic()
        if now - self.painted.get(name, -1e9) < panels.PANELS[name].seldom:
            return False
        self.painted[name] = now
        return True

    def soonest(self) -> float:
        """Seconds until the first of the waiting panels may be painted again."""
        now = time.monotonic()
        return max(0.0, min(self.painted[name] + panels.PANELS[name].seldom - now for name in self.dirty))

    async def look_again(self) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            if self.clients:
                self.nudge(panels.PANELS)

    async def ping(self) -> None:
        while True:
            await asyncio.sleep(PING)
            for client in list(self.clients):
                if not client.clogged():
                    client.offer(Message("ping", self.seq, PING_TEXT))

    async def mind_clients(self) -> None:
        """Close who owes too much for too long, and who is no longer welcome; note whose roles changed."""
        while True:
            await asyncio.sleep(REFRESH)
            clients = list(self.clients)
            if not clients:
                continue
            try:
                roles = await aside(welcome, {c.visitor for c in clients}, timezone.now())
            except Exception:  # an unreachable database sends nobody away
                log.exception("visitors could not be checked")
                roles = {c.visitor: c.audience.roles for c in clients}
            for client in [c for c in clients if c in self.clients]:
                await self.mind(client, roles.get(client.visitor))

    async def mind(self, client: Client, roles: frozenset[str] | None) -> None:
        if roles is None:
            await client.close(NOT_LOGGED_IN)
        elif client.too_slow(time.monotonic()):
            await client.close(TOO_SLOW)
        elif roles != client.audience.roles:  # the same page as other eyes see it
            self.leave(client)
            client.audience = replace(client.audience, roles=roles)
            self.join(client)
            self.resume(client, 0)


def positive(mark: str) -> Decimal:
    """A mark price as it may be reckoned with."""
    number = Decimal(mark)
    if not number.is_finite() or number <= 0:
        raise ValueError(f"{mark} is no price")
    return number


def look(
    wanted: Mapping[Audience, Sequence[str]],
    scene: Scene,
    held: Callable[[list[holding.Held]], None],
    drawn: Callable[[Audience, panels.Rendered], None],
) -> None:
    """One look at the rows: the open positions for the patches, and each panel as soon as it is ready."""
    held(scene.held)
    for audience, names in sorted(wanted.items(), key=lambda pair: pair[0].language):
        scene = scene.seen_by(audience)
        with translation.override(audience.language):
            for name in names:
                for panel in panels.render([name], scene.now, scene):
                    drawn(audience, panel)


def build() -> str:
    from monitoring.show.build import BUILD

    return BUILD


_hub: Hub | None = None


def hub() -> Hub:
    """This process's hub; a new one where the event loop is another (tests)."""
    global _hub
    if _hub is None or _hub.loop is not asyncio.get_running_loop():
        _hub = Hub()
    return _hub


def seq() -> int:
    """The newest number, for a page that is rendered now; 0 (send me all) where nobody listens yet."""
    return _hub.seq if _hub else 0


def marks() -> dict[str, tuple[Decimal, datetime]]:
    """The newest marks that came by, for a page that is rendered now."""
    return dict(_hub.marks) if _hub else {}
