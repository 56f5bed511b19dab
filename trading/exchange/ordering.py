"""Orders at the venue: both books, one order by our id, and the two writes: place and cancel."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from trading.exchange import wire
from trading.exchange.asking import Asks
from trading.exchange.errors import NOT_SEEN, Refused
from trading.exchange.venue import OrderRequest, Permit, VenueOrder


class OrderCalls(Asks):
    """Ordinary and conditional orders; every write needs a permit."""

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Both books: ordinary and conditional."""
        params = {"symbol": wire.market_id(symbol)} if symbol else {}
        ordinary = self._ask("fapiPrivateGetOpenOrders", params, lambda rows: wire.perpetuals(wire.order, rows))
        return ordinary + self._ask(
            "fapiPrivateGetOpenAlgoOrders", params, lambda rows: wire.perpetuals(wire.algo_order, rows)
        )

    def order(self, symbol: str, client_order_id: str, *, conditional: bool) -> VenueOrder | None:
        """The order with our id, or None where the venue has none. A triggered one has its spawned order's fate."""
        if not conditional:
            return self._find("fapiPrivateGetOrder", symbol, {"origClientOrderId": client_order_id}, wire.order)
        algo = self._find("fapiPrivateGetAlgoOrder", symbol, {"clientAlgoId": client_order_id}, wire.algo_order)
        if algo is None or not algo.spawned_id:
            return algo
        became = self._find("fapiPrivateGetOrder", symbol, {"orderId": algo.spawned_id}, wire.order)
        return algo if became is None else wire.merged(algo, became)

    def _find(self, endpoint: str, symbol: str, by: dict, parse: Callable[[Any, str], VenueOrder]) -> VenueOrder | None:
        try:
            return self._ask(endpoint, {"symbol": wire.market_id(symbol), **by}, lambda raw: parse(raw, symbol))
        except Refused as refusal:
            if refusal.code in NOT_SEEN:
                return None
            raise

    def place(self, request: OrderRequest, permit: Permit, latest: datetime | None = None) -> VenueOrder:
        """Send one order, once; what could not leave until `latest` (by our clock) is not sent."""
        if permit.client_order_id != request.client_order_id:
            raise ValueError(f"the permit is for {permit.client_order_id}, the order is {request.client_order_id}")
        if request.type.conditional:
            endpoint, params, parse = "fapiPrivatePostAlgoOrder", wire.conditional_params(request), wire.algo_order
        else:
            endpoint, params, parse = "fapiPrivatePostOrder", wire.ordinary_params(request), wire.order
        urgent = request.reduce_only or request.close_position
        until = math.inf if latest is None else self._seconds() + (latest - self.clock()).total_seconds()
        return self._ask(
            endpoint, params, lambda raw: parse(raw, request.symbol), write=True, urgent=urgent, latest=until
        )

    def cancel(self, symbol: str, client_order_id: str, permit: Permit, *, conditional: bool) -> VenueOrder | None:
        """Cancel by our id; None where the venue confirms and tells no more. Refused(-2011): no such open order."""
        if permit is None:
            raise ValueError("a cancellation needs a permit")
        params = {"symbol": wire.market_id(symbol)}
        if conditional:
            params["clientAlgoId"] = client_order_id
            self._ask("fapiPrivateDeleteAlgoOrder", params, lambda raw: raw["algoId"], write=True, urgent=True)
            return None
        params["origClientOrderId"] = client_order_id
        return self._ask("fapiPrivateDeleteOrder", params, lambda raw: wire.order(raw, symbol), write=True, urgent=True)
