"""The portfolio as a whole: figures, what moves together, and the trims that would bring it back within its limits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from quantum.config import load
from tests import builders as make
from tests.gates.builders import desk, holding, limits
from trading.exchange.venue import Bar, Side
from trading.feed import rows as feed_rows
from trading.gates import balance, store
from trading.gates.balance import Book, Why, measure, weigh
from trading.gates.modules import PortfolioBalancer
from trading.models import AccountSnapshot, BalanceLook, ModuleState, Position, TrimProposal
from trading.runtime import run

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
FEW = {"max_correlation": 0.7, "max_leverage": 3, "risk_per_trade": Decimal("0.005"), "max_open_risk": Decimal("0.03")}


def held(symbol: str, notional: int = 3000, risk: int = 50, side: Side = Side.LONG):
    return holding(symbol, side, notional=Decimal(notional), risk=Decimal(risk))


def book(*holdings, rho: float = 0.1, ours: set[str] | None = None, **changes) -> Book:
    names = sorted(h.symbol for h in holdings)
    known = {(a, b): rho for i, a in enumerate(names) for b in names[i + 1 :]}
    mine = frozenset(names if ours is None else ours)
    return Book(tuple(holdings), mine, Decimal(10_000), known, limits(**FEW | changes))


class TestFigures:
    def test_gross_net_and_sides(self):
        seen = measure(book(held(BTC, 3000), held(ETH, 1000, side=Side.SHORT)))
        assert (seen.gross, seen.net, seen.long, seen.short) == (4000, 2000, 3000, 1000)
        assert (seen.leverage, seen.risk_share, seen.positions) == (0.4, 0.01, 2)

    @pytest.mark.parametrize(("risks", "h"), [((50, 50), 0.5), ((50, 50, 50, 50), 0.25), ((100,), 1.0), ((0, 0), None)])
    def test_concentration_is_herfindahls_index_over_the_shares_of_risk(self, risks, h):
        names = [f"S{i}/USDT:USDT" for i in range(len(risks))]
        assert measure(book(*(held(n, risk=r) for n, r in zip(names, risks, strict=True)))).herfindahl == h

    def test_pairs_count_the_directions_in_and_come_worst_first(self):
        seen = balance.pairs(book(held(BTC), held(ETH, side=Side.SHORT), rho=0.9))
        assert [(p.first, p.second, p.rho) for p in seen] == [(BTC, ETH, -0.9)]
        unknown = Book((held(BTC), held(ETH)), frozenset(), Decimal(1), {}, limits())
        assert balance.pairs(unknown)[0].rho is None

    def test_a_portfolio_needs_an_equity(self):
        for nothing in (Decimal(0), Decimal("NaN")):
            with pytest.raises(ValueError, match="positive equity"):
                Book((), frozenset(), nothing, {}, limits())


class TestTrims:
    def test_a_portfolio_within_its_limits_is_left_alone(self):
        assert weigh(book(held(BTC), held(ETH), held(SOL))).trims == ()

    def test_too_much_on_takes_from_the_largest(self):
        (trim,) = weigh(book(held(BTC, 20_000, 10), held(ETH, 16_000, 10))).trims
        assert (trim.symbol, trim.why, trim.setting) == (BTC, Why.LEVERAGE, "QT_MAX_LEVERAGE")
        assert (trim.share, trim.value, trim.limit) == (Decimal("0.3"), 3.6, 3.0)
        assert trim.after.leverage == 3.0

    def test_what_is_not_ours_is_counted_and_never_trimmed(self):
        (trim,) = weigh(book(held(BTC, 35_000, 0), held(ETH, 1000, 10), ours={ETH})).trims
        assert (trim.symbol, trim.share) == (ETH, 1)
        assert weigh(book(held(BTC, 35_000, 0), ours=set())).trims == ()

    def test_one_symbol_that_outgrew_a_trades_risk_is_cut_to_it(self):
        (trim,) = weigh(book(held(BTC, risk=100), held(ETH, risk=50))).trims
        assert (trim.symbol, trim.why, trim.share) == (BTC, Why.CONCENTRATION, Decimal("0.5"))
        assert trim.facts["share"] == pytest.approx(2 / 3, abs=1e-5) and trim.after.herfindahl == 0.5
        assert weigh(book(held(BTC, risk=54), held(ETH, risk=50))).trims == (), "a tenth of slack"

    def test_all_stops_together_within_the_open_risk(self):
        names = [f"S{i}/USDT:USDT" for i in range(7)]
        trims = weigh(book(*(held(n, 100, 50) for n in names))).trims
        assert [(t.why, t.symbol, t.share) for t in trims] == [(Why.OPEN_RISK, names[0], Decimal(1))]
        assert trims[0].after.risk_share == 0.03

    def test_two_that_move_together_may_lose_what_one_trade_may(self):
        (trim,) = weigh(book(held(BTC, risk=50), held(ETH, risk=40), rho=0.9)).trims
        assert (trim.symbol, trim.why, trim.share) == (BTC, Why.CORRELATED, Decimal("0.8"))
        assert (trim.value, trim.limit, trim.facts["other"], trim.facts["joint_risk"]) == (0.9, 0.7, ETH, 0.009)

    def test_opposite_sides_and_stops_past_the_entry_need_no_trim(self):
        assert weigh(book(held(BTC), held(ETH, side=Side.SHORT), rho=0.9)).trims == ()
        assert weigh(book(held(BTC, risk=0), held(ETH, risk=50), rho=0.9)).trims == ()

    def test_the_limit_of_correlation_itself_is_allowed(self):
        assert weigh(book(held(BTC), held(ETH), rho=0.7)).trims == ()

    def test_after_all_trims_every_limit_holds(self):
        names = [f"S{i}/USDT:USDT" for i in range(8)]
        wild = book(*(held(n, 6000, 40 + 20 * i) for i, n in enumerate(names)), rho=0.8)
        left = wild
        for trim in weigh(wild).trims:
            left = left.cut(trim.symbol, trim.share)
        assert weigh(left).trims == ()
        assert measure(left).leverage <= 3.0000001 and measure(left).risk_share <= 0.0300001


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_default(db, settings):
    settings.QUANTUM = load({})


def account(equity: int = 10_000) -> None:
    row = {"balance": equity, "available": equity, "margin_used": 0, "unrealized": 0, "mode": "practice"}
    AccountSnapshot.objects.create(at=NOW, equity=equity, **row)


def twins(*symbols: str, bars: int = 260) -> None:
    """The same closes for all, so that they move together."""
    close = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.001, bars)))
    start = NOW.replace(second=0) - bars * timedelta(minutes=1)
    for symbol in symbols:
        bars_ = [Bar(symbol, start + i * timedelta(minutes=1), c, c * 1.001, c * 0.999, c, 1.0)
                 for i, c in enumerate(close.tolist())]  # fmt: skip
        feed_rows.store(bars_, "1m", NOW)


def position(symbol: str, **changes) -> Position:
    row = {"quantity": 33, "opened_quantity": 33, "stop_price": Decimal("98.5"), "mark_price": Decimal(100)}
    return make.position(symbol=symbol, decision=make.decision(), **row | changes)


def tick(at: datetime = NOW):
    return run("portfolio_balancer", at, called_by="beat")


@pytest.mark.usefixtures("by_default")
class TestModule:
    def test_without_positions_it_idles_and_says_so(self):
        account()
        assert tick().idle_reason == "no open positions"
        assert (BalanceLook.objects.count(), ModuleState.objects.get().last_work) == (0, None)

    def test_without_an_account_it_measures_nothing(self):
        position(BTC)
        assert tick().idle_reason == "the account is not known"

    def test_it_measures_from_stored_candles_and_proposes_once(self):
        account()
        twins(BTC, ETH)
        make_both = [position(BTC), position(ETH)]
        report = tick()
        assert (report.examined, report.actions) == (2, 1)
        look = BalanceLook.objects.get()
        assert (look.asked_by, look.pairs[0]["rho"], look.figures["gross"]) == ("beat", 1.0, "6600")
        row = TrimProposal.objects.get()
        assert (row.why, row.state, row.setting) == ("CORRELATED", "open", "QT_MAX_CORRELATION")
        assert row.position in make_both and 0 < row.quantity <= 33 and row.after["risk_share"] == 0.005
        later = NOW + timedelta(minutes=1)
        assert tick(later).actions == 0
        row.refresh_from_db()
        assert (TrimProposal.objects.count(), row.seen_at) == (1, later)

    def test_a_proposal_that_is_not_right_any_more_expires(self):
        account()
        twins(BTC, ETH)
        position(BTC)
        other = position(ETH)
        tick()
        Position.objects.filter(pk=other.pk).update(stop_price=101)
        tick(NOW + timedelta(minutes=1))
        row = TrimProposal.objects.get()
        assert (row.state, row.ended_by) == ("expired", "portfolio_balancer")

    def test_it_never_orders_anything(self):
        account()
        twins(BTC, ETH)
        position(BTC)
        position(ETH)
        tick()
        assert not Position.objects.filter(intents__isnull=False).exists()

    def test_the_executor_asks_with_what_it_has_just_accepted(self):
        position(BTC)
        report = store.look_with(desk(holdings=(held(BTC),)), [held(ETH)], NOW)
        assert report.examined == 2
        look = BalanceLook.objects.get()
        assert (look.asked_by, look.figures["positions"]) == ("executor", 2)
        assert store.look_with(None, [], NOW).idle_reason == "no bar was judged"
        assert store.look_with(desk(), [], NOW).idle_reason == "no open positions"
        assert "not known" in store.look_with(desk(holdings=(held(BTC),), equity=None), [], NOW).idle_reason

    def test_looks_are_bounded(self, monkeypatch):
        monkeypatch.setattr(store, "KEEP", 3)
        account()
        position(BTC)
        for minute in range(6):
            tick(NOW + timedelta(minutes=minute))
        assert BalanceLook.objects.count() == 3

    def test_its_interval_is_the_setting(self, settings):
        assert PortfolioBalancer.every == timedelta(seconds=settings.QUANTUM.QT_PORTFOLIO_BALANCER_INTERVAL)
