"""What the venue tells of our account, and how it is set for a symbol."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from trading.exchange import wire
from trading.exchange.asking import Asks
from trading.exchange.errors import Refused
from trading.exchange.venue import Account, VenuePosition


class AccountCalls(Asks):
    """Equity, positions, rights, and the settings that an entry needs."""

    def account(self) -> Account:
        return self._ask("fapiPrivateV3GetAccount", {}, lambda raw: wire.account(raw, self.now()))

    def positions(self) -> list[VenuePosition]:
        found = self._ask("fapiPrivateV3GetPositionRisk", {}, lambda rows: wire.perpetuals(wire.position, rows))
        if all(p.leverage for p in found):
            return found
        leverages = self._ask("fapiPrivateV2GetAccount", {}, _leverages)
        return [replace(p, leverage=p.leverage or leverages.get(p.symbol)) for p in found]

    def amounts(self) -> dict[str, Decimal]:
        """What is held by symbol, shorts below zero, as the account's own list has it."""
        return self._ask("fapiPrivateV3GetAccount", {}, wire.amounts)

    def one_way(self) -> bool:
        return self._ask("fapiPrivateGetPositionSideDual", {}, lambda raw: not wire.true(raw["dualSidePosition"]))

    def multi_assets(self) -> bool:
        """Other assets than USDT count as collateral."""
        return self._ask("fapiPrivateGetMultiAssetsMargin", {}, lambda raw: wire.true(raw["multiAssetsMargin"]))

    def may_trade(self) -> bool:
        return self._ask("fapiPrivateV2GetAccount", {}, lambda raw: wire.true(raw["canTrade"]))

    def may_withdraw(self) -> bool | None:
        """Whether this key may take money out; None where the venue does not tell (its demo environment)."""
        if "sapi" not in self.client.urls["api"]:
            return None
        try:
            return self._ask("sapiGetAccountApiRestrictions", {}, lambda raw: wire.true(raw["enableWithdrawals"]))
        except Refused:
            return None

    def symbol_settings(self, symbol: str) -> tuple[str, int]:
        """Margin mode (`isolated` or `cross`) and leverage that a new position would have."""
        params = {"symbol": wire.market_id(symbol)}
        return self._ask("fapiPrivateGetSymbolConfig", params, lambda rows: wire.symbol_settings(rows[0]))

    def set_leverage(self, symbol: str, leverage: int) -> None:
        params = {"symbol": wire.market_id(symbol), "leverage": leverage}
        self._ask("fapiPrivatePostLeverage", params, lambda raw: raw["leverage"], write=True)

    def set_margin_mode(self, symbol: str, mode: str) -> None:
        """`isolated` or `cross`; that it is so already is no error."""
        params = {"symbol": wire.market_id(symbol), "marginType": "ISOLATED" if mode == "isolated" else "CROSSED"}
        try:
            self._ask("fapiPrivatePostMarginType", params, lambda raw: raw["code"], write=True)
        except Refused as refusal:
            if refusal.code != -4046:
                raise


def _leverages(raw: Any) -> dict[str | None, int]:
    return {wire.symbol_of(p["symbol"]): int(p["leverage"]) for p in raw["positions"]}
