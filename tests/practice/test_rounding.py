"""Money rounds the same whoever asked before: ccxt changes how decimals round in the thread that calls it."""

from decimal import Decimal, localcontext

from tests.practice.asking import market_order, wallet
from tests.practice.hand_market import Clock, HandMarket, exchange
from trading.practice import account

MODES = ["ROUND_HALF_EVEN", "ROUND_HALF_UP", "ROUND_UP", "ROUND_DOWN"]


def traded(rounding: str) -> tuple[Decimal, ...]:
    """A wallet after one fill whose fee ends in a five, and after funding that does."""
    with localcontext() as context:
        context.rounding = rounding
        book = account.Account(Decimal(1000))
        account.trade(book, "DOGEUSDT", Decimal(3), Decimal("0.17"), Decimal("0.01"), 1)
        account.trade(book, "DOGEUSDT", Decimal(4), Decimal("0.18"), Decimal("0.01"), 2)
        paid = account.fund(book, "DOGEUSDT", Decimal("0.123456785"), Decimal("0.00015"))
        return book.wallet, book.position("DOGEUSDT").entry, book.position("DOGEUSDT").margin, paid


def test_the_account_is_the_same_however_decimals_round():
    assert len({traded(mode) for mode in MODES}) == 1


def fee(rounding: str) -> str:
    with localcontext() as context:
        context.rounding = rounding
        x = exchange(HandMarket(BTCUSDT=((0, 50_000.1),)), clock=Clock())
        market_order(x, "BUY", "0.013")
        return wallet(x)


def test_a_fee_is_the_same_however_decimals_round():
    assert len({fee(mode) for mode in MODES}) == 1
