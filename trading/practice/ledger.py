"""The exchange's own memory: one SQLite file. Every change is one transaction, committed before its answer leaves.

Open orders, positions and the account live in the engine; the ledger holds them too, with all that is over.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trading.practice.values import OPEN, Algo, Fill, Income, Order, Position, pack, unpack

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS positions (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, symbol TEXT, client_id TEXT, open INTEGER, body TEXT);
CREATE TABLE IF NOT EXISTS algos (id INTEGER PRIMARY KEY, symbol TEXT, client_id TEXT, open INTEGER, body TEXT);
CREATE TABLE IF NOT EXISTS fills (id INTEGER PRIMARY KEY, symbol TEXT, order_id INTEGER, time INTEGER, body TEXT);
CREATE TABLE IF NOT EXISTS income (id INTEGER PRIMARY KEY, symbol TEXT, kind TEXT, time INTEGER, body TEXT);
CREATE INDEX IF NOT EXISTS orders_by_client ON orders (client_id);
CREATE INDEX IF NOT EXISTS orders_open ON orders (open) WHERE open;
CREATE INDEX IF NOT EXISTS algos_by_client ON algos (client_id);
CREATE INDEX IF NOT EXISTS algos_open ON algos (open) WHERE open;
CREATE INDEX IF NOT EXISTS fills_by_symbol ON fills (symbol, time);
CREATE INDEX IF NOT EXISTS fills_by_order ON fills (order_id);
CREATE INDEX IF NOT EXISTS income_by_time ON income (time);
"""
TABLES = ("meta", "positions", "orders", "algos", "fills", "income")


@dataclass(slots=True)
class Changes:
    """What one request or one step of time changed."""

    orders: dict[int, Order] = field(default_factory=dict)
    algos: dict[int, Algo] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    income: list[Income] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.orders or self.algos or self.positions or self.fills or self.income)


class LedgerError(Exception):
    """The file can't be used; the message says why in one line."""


class Ledger:
    """`path` None keeps it in memory (replay, tests); the code path is the same."""

    def __init__(self, path: Path | None = None, *, fresh: bool = False) -> None:
        self.path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=5, check_same_thread=False)
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)
            if fresh:
                self._db.executescript("BEGIN;" + "".join(f"DELETE FROM {t};" for t in TABLES) + "COMMIT;")
        except sqlite3.Error as error:
            raise LedgerError(f"{path}: not a usable ledger ({error})") from error

    def close(self) -> None:
        self._db.close()

    def write(self, changes: Changes, meta: dict[str, Any]) -> None:
        """Everything, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._put(
                "orders",
                ((o.order_id, o.symbol, o.client_id, o.status in OPEN, _text(o)) for o in changes.orders.values()),
            )
            self._put(
                "algos",
                (
                    (a.algo_id, a.symbol, a.client_id, a.status in ("NEW", "TRIGGERED"), _text(a))
                    for a in changes.algos.values()
                ),
            )
            self._put("positions", ((p.symbol, _text(p)) for p in changes.positions.values()))
            self._put("fills", ((f.trade_id, f.symbol, f.order_id, f.time, _text(f)) for f in changes.fills))
            self._put("income", ((i.income_id, i.symbol, i.kind, i.time, _text(i)) for i in changes.income))
            self._put("meta", ((name, json.dumps(body)) for name, body in meta.items()))
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._db.execute("ROLLBACK")
            raise

    def _put(self, table: str, rows: Iterable[tuple]) -> None:
        for row in rows:
            self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(row))})", row)

    # -- what was ------------------------------------------------------------------------------------------------------
    def recall(self, name: str) -> Any:
        """One meta entry, or None."""
        row = self._db.execute("SELECT body FROM meta WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def remember(self, name: str, body: Any) -> None:
        self.write(Changes(), {name: body})

    def positions(self) -> list[Position]:
        return [
            unpack(Position, json.loads(body)) for (body,) in self._db.execute("SELECT body FROM positions ORDER BY id")
        ]

    def open_orders(self) -> list[Order]:
        return self._rows(Order, "SELECT body FROM orders WHERE open ORDER BY id")

    def open_algos(self) -> list[Algo]:
        """Resting ones, and triggered ones whose order still works."""
        return self._rows(Algo, "SELECT body FROM algos WHERE open ORDER BY id")

    def at_stake(self) -> set[str]:
        """Symbols with a position or an open order."""
        held = {p.symbol for p in self.positions() if p.amount}
        return held | {o.symbol for o in self.open_orders()} | {a.symbol for a in self.open_algos()}

    def order(self, order_id: int | None, client_id: str | None, symbol: str | None = None) -> Order | None:
        """By id, or the newest with this client id."""
        return self._one(Order, "orders", {"id": order_id, "client_id": client_id, "symbol": symbol})

    def algo(self, algo_id: int | None, client_id: str | None) -> Algo | None:
        return self._one(Algo, "algos", {"id": algo_id, "client_id": client_id})

    def orders(self, symbol: str, after: int = 0, limit: int = 500) -> list[Order]:
        return self._newest(Order, "orders", "symbol = ? AND id >= ?", (symbol, after), limit)

    def algos(self, symbol: str, limit: int = 500) -> list[Algo]:
        return self._newest(Algo, "algos", "symbol = ?", (symbol,), limit)

    def fills(
        self,
        symbol: str | None = None,
        order_id: int | None = None,
        since: int = 0,
        until: int | None = None,
        from_id: int | None = None,
        limit: int = 500,
    ) -> list[Fill]:
        """Oldest first: from `since` or `from_id` on when given, else the newest `limit`."""
        where, values = _where({"symbol": symbol, "order_id": order_id})
        where += " AND time >= ? AND time <= ? AND id >= ?"
        values += [since, until if until is not None else 2**62, from_id or 0]
        if since or from_id is not None:
            return self._rows(Fill, f"SELECT body FROM fills WHERE {where} ORDER BY id LIMIT {limit:d}", values)
        return self._newest(Fill, "fills", where, values, limit)

    def income(
        self,
        symbol: str | None = None,
        kind: str | None = None,
        since: int = 0,
        until: int | None = None,
        limit: int = 100,
        skip: int = 0,
    ) -> list[Income]:
        """Oldest first: from `since` on when given, else the newest `limit`; `skip` rows of them are left out."""
        where, values = _where({"symbol": symbol, "kind": kind})
        where += " AND time >= ? AND time <= ?"
        values += [since, until if until is not None else 2**62]
        if since:
            sql = f"SELECT body FROM income WHERE {where} ORDER BY id LIMIT {limit:d} OFFSET {skip:d}"
            return self._rows(Income, sql, values)
        return self._newest(Income, "income", where, values, limit)

    def _one(self, kind: type, table: str, columns: dict[str, Any]) -> Any:
        where, values = _where(columns)
        rows = self._newest(kind, table, where, values, 1)
        return rows[0] if rows else None

    def _newest(self, kind: type, table: str, where: str, values: Iterable[Any], limit: int) -> list[Any]:
        return self._rows(kind, f"SELECT body FROM {table} WHERE {where} ORDER BY id DESC LIMIT {limit:d}", values)[
            ::-1
        ]

    def _rows(self, kind: type, sql: str, values: Iterable[Any] = ()) -> list[Any]:
        return [unpack(kind, json.loads(body)) for (body,) in self._db.execute(sql, tuple(values))]


def _text(value: Any) -> str:
    return json.dumps(pack(value))


def _where(columns: dict[str, Any]) -> tuple[str, list[Any]]:
    given = {name: value for name, value in columns.items() if value is not None}
    return " AND ".join(["1"] + [f"{name} = ?" for name in given]), list(given.values())
