"""The matching engine: open orders, the account, and what placing, cancelling, triggering and filling do to them.

It decides from the market's prices and keeps time only as it is told (`walk.py` moves it). Whatever changes is noted in
`changes` and, as the user-data stream's messages, in `outbox`; `commit` writes the first and returns the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Protocol

from trading.practice import admission, liquidation, pricing, shapes
from trading.practice.account import CENTS, MAKER, TAKER, Account, available, fund, liquidation_of, trade
from trading.practice.admission import reduces
from trading.practice.ledger import Changes, Ledger, LedgerError
from trading.practice.margin import max_notional, order_margin
from trading.practice.rules import Bracket, Rules, read_rules
from trading.practice.tickets import reached
from trading.practice.values import OPEN, ZERO, Algo, Fill, Income, Order, Position, Quote, Refused

FIRST_IDS = {"order": 8_000_000_000, "algo": 3_000_000_000, "trade": 500_000_000, "income": 700_000_000}
OLDEST_PRICE = 15_000  # ms: an order on an older one is refused
POST_ONLY = -5022  # an amended post-only order that would take is cancelled
CLOSED = ("BREAK", "CLOSE")  # not even the way out is open


class Prices(Protocol):
    """What the engine asks of a market."""

    symbols: tuple[str, ...]
    candle_ms: int

    @property
    def speed(self) -> int: ...
    @property
    def history_start_ms(self) -> int: ...

    def price(self, symbol: str, now_ms: int) -> Decimal: ...
    def mark(self, symbol: str, now_ms: int) -> Decimal: ...
    def status(self, symbol: str, now_ms: int) -> str: ...
    def quotes(self, symbol: str, start_ms: int, end_ms: int) -> Sequence[tuple[int, Decimal, Decimal]]: ...
    def funding_rate(self, symbol: str, now_ms: int) -> Decimal: ...
    def next_funding_ms(self, now_ms: int, symbol: str = "") -> int: ...
    def heard_ms(self, symbol: str, now_ms: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Matching:
    """How the book takes a new order: at once only this share, and what is left after `late` ms (0: as it can)."""

    share: Decimal = Decimal(1)
    late: int = 0


class Engine:
    def __init__(self, market: Prices, tables: Any, ledger: Ledger, balance: Decimal, now: int) -> None:
        self.market, self.ledger, self.balance = market, ledger, balance
        self.statuses: dict[str, str] = {}  # of symbols that are no longer traded as the market says
        self.rules: dict[str, Rules] = {}
        self.learn(tables)
        self.load(now)

    def learn(self, tables: Any) -> None:
        """The trading rules of every symbol that the market has."""
        market = self.market
        self.rules |= {
            s: read_rules(tables.symbol_info(s, market.price(s, market.history_start_ms)), tables.brackets(s))
            for s in market.symbols
        }

    # -- state ---------------------------------------------------------------------------------------------------------
    def load(self, now: int) -> None:
        """Take over what the ledger holds; a new ledger gets its first deposit."""
        self.changes = Changes()
        self.outbox: list[dict[str, Any]] = []
        saved = self.ledger.recall("account")
        self.walked = self.now = now
        self.sequence: dict[str, int] = dict(FIRST_IDS)
        self.account = Account(self.balance)
        self.orders: dict[int, Order] = {}
        self.algos: dict[int, Algo] = {}
        self.late: dict[int, int] = {}  # orders that the book takes up only then (ms)
        self._saved_at = now
        if saved is None:
            self.earn("", "TRANSFER", self.balance, "first deposit")
            self.commit()
            return
        self.sequence.update(saved["sequence"])
        self.walked = self.now = self._saved_at = min(saved["walked"], now)
        self.account = Account(Decimal(saved["wallet"]), {p.symbol: p for p in self.ledger.positions()})
        self.orders = {o.order_id: o for o in self.ledger.open_orders()}
        self.algos = {a.algo_id: a for a in self.ledger.open_algos()}
        self.late = {o.order_id: self.now for o in self.orders.values() if o.type == "MARKET"}
        if lost := sorted(set(self.at_stake()) - set(self.rules)):
            raise LedgerError(
                f"{self.ledger.path}: holds positions or orders in {', '.join(lost)}, which this market does not have; "
                "add the symbols, or begin anew with --fresh"
            )

    def commit(self) -> list[dict[str, Any]]:
        """Write what changed, in one transaction; then the messages may leave."""
        if self.changes or self.walked - self._saved_at >= 60_000:
            self.ledger.write(
                self.changes,
                {"account": {"wallet": str(self.account.wallet), "walked": self.walked, "sequence": self.sequence}},
            )
            self.changes, self._saved_at = Changes(), self.walked
        messages, self.outbox = self.outbox, []
        return messages

    def next_id(self, kind: str) -> int:
        self.sequence[kind] += 1
        return self.sequence[kind]

    def status(self, symbol: str) -> str:
        return self.statuses.get(symbol) or self.market.status(symbol, self.now)

    def quote(self, symbol: str) -> Quote:
        return Quote(self.market.price(symbol, self.now), self.market.mark(symbol, self.now))

    def brackets(self, symbol: str) -> tuple[Bracket, ...]:
        return self.rules[symbol].brackets

    def marks(self) -> dict[str, Decimal]:
        return {p.symbol: self.market.mark(p.symbol, self.now) for p in self.account.held()}

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        return [o for o in self.orders.values() if symbol in (None, o.symbol)]

    def open_algos(self, symbol: str | None = None) -> list[Algo]:
        return [a for a in self.algos.values() if a.status == "NEW" and symbol in (None, a.symbol)]

    def at_stake(self) -> list[str]:
        """Symbols for which time matters: those with a position or an order."""
        busy = {p.symbol for p in self.account.held()}
        busy |= {o.symbol for o in self.orders.values()} | {a.symbol for a in self.algos.values()}
        return sorted(busy)

    def reserved(self, symbol: str, extra: Iterable[Order] = ()) -> Decimal:
        """Margin that the open orders of a symbol hold back."""
        orders = [*self.open_orders(symbol), *extra]
        if not orders:
            return ZERO
        return order_margin(self.account.position(symbol), orders, self.market.mark(symbol, self.now))

    def available(self) -> Decimal:
        reserved = sum((self.reserved(s) for s in {o.symbol for o in self.orders.values()}), ZERO)
        return available(self.account, self.marks(), reserved)

    # -- orders --------------------------------------------------------------------------------------------------------
    def place(self, order: Order, matching: Matching = Matching()) -> Order:
        """Accept or refuse an order, and match it against the book of this moment."""
        self._check_traded(order.symbol)
        self._check_age(order.symbol)
        quote, rules = self.quote(order.symbol), self.rules[order.symbol]
        if any(o.client_id == order.client_id for o in self.orders.values()):
            raise Refused(-4116)
        if len(self.open_orders(order.symbol)) >= rules.max_orders:
            raise Refused(-2025)
        admission.check(self, order, quote)
        self._accept(order, quote, matching)
        return order

    def _check_traded(self, symbol: str) -> None:
        if self.statuses.get(symbol) in CLOSED:
            raise Refused(-1122)

    def _check_age(self, symbol: str) -> None:
        """Nothing fills at a price that nobody has confirmed lately; what rests waits for the next one."""
        age = self.now - self.market.heard_ms(symbol, self.now)
        if age > OLDEST_PRICE:
            said = f"No price of {symbol} was heard for {age // 1000} s. Please try again later."
            raise Refused(-1008, said, 503)

    def place_algo(self, algo: Algo) -> Algo:
        """Put a conditional order into the algo book."""
        self._check_traded(algo.symbol)
        resting = self.open_algos(algo.symbol)
        if any(a.client_id == algo.client_id for a in self.open_algos()):
            raise Refused(-4116)
        if len(resting) >= self.rules[algo.symbol].max_algos:
            raise Refused(-4045)
        position = self.account.position(algo.symbol)
        if algo.close_position:
            if any(a.close_position and a.side == algo.side and a.stops == algo.stops for a in resting):
                raise Refused(-4130)
            if not reduces(algo, position):
                raise Refused(-4509)
        elif algo.reduce_only and not reduces(algo, position):
            raise Refused(-2022)
        self.algos[algo.algo_id] = algo
        self._note_algo(algo)
        return algo

    def cancel(self, order: Order, status: str = "CANCELED") -> Order:
        """Take an open order out of the book, for its owner (CANCELED) or on the exchange's own account (EXPIRED)."""
        order.status, order.updated = status, self.now
        self.orders.pop(order.order_id, None)
        self.late.pop(order.order_id, None)
        self.changes.orders[order.order_id] = order
        self.outbox.append(shapes.order_update(order, status, self.now))
        self._finish_algo(order)
        return order

    def amend(self, order: Order, price: Decimal, quantity: Decimal) -> Order:
        """Another price and quantity for a resting order, with its id; refused, it stays as it was."""
        if quantity <= order.executed:
            return self.cancel(order)
        quote, wanted = self.quote(order.symbol), replace(order, price=price, quantity=quantity)
        del self.orders[order.order_id]  # its margin is free for what it becomes
        try:
            admission.check(self, wanted, quote)
        except Refused as no:
            self.orders[order.order_id] = order
            if no.code != POST_ONLY:
                raise
            return self.cancel(order)
        self.orders[order.order_id] = order
        order.price, order.quantity, order.updated = price, quantity, self.now
        self.changes.orders[order.order_id] = order
        self.outbox.append(shapes.order_update(order, "AMENDMENT", self.now))
        self._take(order, self._allowed(order), quote)
        return order

    def cancel_algo(self, algo: Algo, status: str = "CANCELED", reason: str = "") -> Algo:
        algo.status, algo.updated, algo.reason = status, self.now, reason
        self.algos.pop(algo.algo_id, None)
        self._note_algo(algo)
        return algo

    # -- settings ------------------------------------------------------------------------------------------------------
    def set_leverage(self, symbol: str, leverage: int) -> None:
        position, rules = self.account.position(symbol), self.rules[symbol]
        if not 1 <= leverage <= rules.max_leverage:
            raise Refused(-4028)
        if position.amount and position.isolated and leverage < position.leverage:
            raise Refused(-4161)
        if abs(position.amount) * self.quote(symbol).mark > max_notional(leverage, rules.brackets):
            raise Refused(-2027)
        position.leverage = leverage
        self.changes.positions[symbol] = position

    def set_margin_type(self, symbol: str, *, isolated: bool) -> None:
        position = self.account.position(symbol)
        if position.isolated == isolated:
            raise Refused(-4046)
        if self.open_orders(symbol) or self.open_algos(symbol):
            raise Refused(-4047)
        if position.amount:
            raise Refused(-4048)
        position.isolated = isolated
        self.changes.positions[symbol] = position

    # -- what prices do ------------------------------------------------------------------------------------------------
    def touch(self, symbol: str, quote: Quote) -> None:
        """One point of the price path: liquidation first (the venue takes over), then triggers, then resting limits."""
        position = self.account.position(symbol)
        if position.amount and self.in_liquidation(position, quote.mark):
            liquidation.liquidate(self, position, quote)
            return
        resting = [o for o in self.open_orders(symbol) if self._crossed(o, quote.price)]
        for algo in self._due(symbol, quote):
            if algo.status == "NEW":
                self._trigger(algo, quote)
        for order in resting:
            if order.status in OPEN:
                self.fill(order, self._allowed(order), order.price, quote, maker=True)

    def in_liquidation(self, position: Position, mark: Decimal) -> bool:
        limit = self.liquidation_price(position)
        return (mark <= limit) if position.amount > 0 else (limit > 0 and mark >= limit)

    def liquidation_price(self, position: Position) -> Decimal:
        return liquidation_of(self.account, position, self.marks(), self.brackets)

    def settle_funding(self, now: int) -> None:
        """Every open position whose funding is due now pays or receives it."""
        self.now = now
        for position in self.account.held():
            if self.market.next_funding_ms(now - 1, position.symbol) != now:
                continue
            mark = self.market.mark(position.symbol, now)
            amount = fund(self.account, position.symbol, mark, self.market.funding_rate(position.symbol, now))
            self.changes.positions[position.symbol] = position
            self.earn(position.symbol, "FUNDING_FEE", amount, "")
            self.tell_account("FUNDING_FEE", position, mark, amount)

    def expire_overdue(self) -> None:
        """GTD orders whose time is over."""
        for order in self.open_orders():
            if order.good_till and order.good_till <= self.now:
                self.cancel(order, "EXPIRED")
        for algo in self.open_algos():
            if algo.good_till and algo.good_till <= self.now:
                self.cancel_algo(algo, "EXPIRED")

    def _due(self, symbol: str, quote: Quote) -> list[Algo]:
        """Conditional orders whose trigger is reached, in the order in which the move reached them."""
        due = [a for a in self.open_algos(symbol) if reached(a, quote.by(a.working_type)) and self._trusted(a, quote)]
        return sorted(due, key=lambda a: (a.trigger if a.rises else -a.trigger, a.algo_id))

    def _trusted(self, algo: Algo, quote: Quote) -> bool:
        """priceProtect: no trigger while mark and last price are too far apart."""
        protect = self.rules[algo.symbol].trigger_protect
        return not algo.price_protect or abs(quote.price - quote.mark) <= quote.mark * protect

    def _trigger(self, algo: Algo, quote: Quote) -> None:
        """A conditional order becomes an ordinary one with an id of its own, or is rejected."""
        algo.status, algo.triggered, algo.updated = "TRIGGERING", self.now, self.now
        self._note_algo(algo)
        position = self.account.position(algo.symbol)
        order = Order(
            order_id=self.next_id("order"),
            client_id=algo.client_id,
            symbol=algo.symbol,
            side=algo.side,
            type="LIMIT" if algo.price else "MARKET",
            orig_type=algo.type,
            quantity=abs(position.amount) if algo.close_position else algo.quantity,
            price=algo.price,
            trigger=algo.trigger,
            tif=algo.tif,
            working_type=algo.working_type,
            reduce_only=algo.reduce_only,
            close_position=algo.close_position,
            price_protect=algo.price_protect,
            algo_id=algo.algo_id,
            time=self.now,
            updated=self.now,
        )
        try:
            admission.check(self, order, quote)
        except Refused as no:
            self.cancel_algo(algo, "REJECTED", admission.words(no))
            return
        algo.status, algo.actual_order_id = "TRIGGERED", order.order_id
        self._note_algo(algo)
        self._accept(order, quote)

    def _accept(self, order: Order, quote: Quote, matching: Matching = Matching()) -> None:
        """Into the book: a reduce-only order is cut down to the position, and what can fill at once does."""
        if order.reduce_only:
            order.quantity = min(order.quantity, abs(self.account.position(order.symbol).amount))
        self.orders[order.order_id] = order
        self.changes.orders[order.order_id] = order
        self.outbox.append(shapes.order_update(order, "NEW", self.now))
        if matching.late:
            self.late[order.order_id] = self.now + matching.late
        most = self._allowed(order)
        if matching.share < 1:
            most = min(most, self.rules[order.symbol].floor_quantity(order.quantity * matching.share))
        self._take(order, most, quote)

    def _take(self, order: Order, quantity: Decimal, quote: Quote) -> None:
        """What the book gives now; what may not rest and waits for nothing is over."""
        rules = self.rules[order.symbol]
        bound = order.price or pricing.take_bound(quote.mark, order.sign, rules)
        got = pricing.take(quote.price, order.sign, quantity, bound, rules)
        if got.quantity:
            self.fill(order, got.quantity, got.price, quote, maker=False)
        waits = order.order_id in self.late
        if order.status in OPEN and not waits and (order.type == "MARKET" or order.tif in ("IOC", "FOK")):
            self.cancel(order, "EXPIRED")

    def take_up_late(self) -> None:
        """Orders that the book was to take up by now."""
        for order_id in [i for i, at in self.late.items() if at <= self.now]:
            del self.late[order_id]
            if (order := self.orders.get(order_id)) is not None:
                self._take(order, self._allowed(order), self.quote(order.symbol))

    def _crossed(self, order: Order, price: Decimal) -> bool:
        reached = (price - order.price) * order.sign <= 0
        return order.type == "LIMIT" and reached and order.order_id not in self.late

    def _allowed(self, order: Order) -> Decimal:
        """What may still fill: a reduce-only order never more than the position."""
        if not order.reduce_only:
            return order.remaining
        position = self.account.position(order.symbol)
        return min(order.remaining, abs(position.amount)) if reduces(order, position) else ZERO

    def fill(
        self,
        order: Order,
        quantity: Decimal,
        price: Decimal,
        quote: Quote,
        *,
        maker: bool,
        execution: str = "TRADE",
        most: Decimal = Decimal("Infinity"),
    ) -> None:
        """One trade: the account, the order, the journal and the messages move together. `most`: the highest fee."""
        if not quantity:
            self.cancel(order, "EXPIRED")
            return
        fee = min(quantity * price * (MAKER if maker else TAKER), most).quantize(CENTS, ROUND_HALF_EVEN)
        realized = trade(self.account, order.symbol, order.sign * quantity, price, fee, self.now)
        order.executed += quantity
        order.quote += quantity * price
        order.updated = self.now
        order.status = "PARTIALLY_FILLED" if order.remaining else "FILLED"
        fill = Fill(
            trade_id=self.next_id("trade"),
            order_id=order.order_id,
            client_id=order.client_id,
            symbol=order.symbol,
            side=order.side,
            price=price,
            quantity=quantity,
            fee=fee,
            realized=realized,
            maker=maker,
            reduce_only=order.reduce_only,
            time=self.now,
        )
        position = self.account.position(order.symbol)
        self.changes.fills.append(fill)
        self.changes.orders[order.order_id] = order
        self.changes.positions[order.symbol] = position
        self.earn(order.symbol, "COMMISSION", -fee, str(fill.trade_id), fill.trade_id)
        if realized:
            self.earn(order.symbol, "REALIZED_PNL", realized, str(fill.trade_id), fill.trade_id)
        self.tell_account("ORDER", position, quote.mark, ZERO)
        self.outbox.append(shapes.order_update(order, execution, self.now, fill))
        if order.status == "FILLED":
            self.orders.pop(order.order_id, None)
            self._finish_algo(order)
        self._sweep(position)

    def _sweep(self, position: Position) -> None:
        """With nothing left to close, closePosition orders expire, and so do resting reduce-only ones."""
        for algo in self.open_algos(position.symbol):
            if algo.close_position and not reduces(algo, position):
                self.cancel_algo(algo, "EXPIRED", "Position is closed")
        for order in self.open_orders(position.symbol):
            if order.reduce_only and order.type == "LIMIT" and not reduces(order, position):
                self.cancel(order, "EXPIRED")

    def _finish_algo(self, order: Order) -> None:
        """The conditional order behind an order that is over is FINISHED."""
        algo = self.algos.get(order.algo_id)
        if algo is None:
            return
        algo.status, algo.updated = "FINISHED", self.now
        algo.actual_price, algo.actual_quantity = order.average.quantize(CENTS, ROUND_HALF_EVEN), order.executed
        self.algos.pop(algo.algo_id)
        self._note_algo(algo)

    # -- notes ---------------------------------------------------------------------------------------------------------
    def _note_algo(self, algo: Algo) -> None:
        self.changes.algos[algo.algo_id] = algo
        self.outbox.append(shapes.algo_update(algo, self.now))

    def earn(self, symbol: str, kind: str, amount: Decimal, info: str, trade_id: int = 0) -> None:
        self.changes.income.append(Income(self.next_id("income"), symbol, kind, amount, info, trade_id, self.now))

    def tell_account(self, reason: str, position: Position, mark: Decimal, change: Decimal) -> None:
        self.outbox.append(
            shapes.account_update(
                reason, self.account.wallet, self.account.cross_wallet, change, [(position, mark)], self.now
            )
        )
