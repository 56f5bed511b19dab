"""The answers' fields for OpenAPI: name, kind, meaning. `?` may be null, `[X]` is a list, `{X}` maps names to X.

Documentation alone: answers are not checked against it while they are made, but by the tests.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
SHAPES: dict[str, str] = {
    "System": """
        mode text                practice, paper, testnet or live
        venue text               where orders go
        venue_url text?          the practice exchange's address; null where orders go to the venue
        data_source text         where the market comes from
        playing text             the same in words
        timeframe text           the played bar's width
        armed boolean            orders with real money may leave
        armed_until time?        when that ends
        execution_enabled boolean  QT_ENABLE_EXECUTION
        switch text              active, reducing or halted
        version text             the program's version
        build text               the program's build
        config_hash text         fingerprint of the settings
        started_at time          when this web process began
        now time                 the server's time""",
    "Module": """
        name text                its short name
        title text               its name on the page
        configured boolean       it must run here
        liveness text            never, up, late or down
        last_tick time?          when it last ran
        last_work time?          when it last did something useful
        examined integer?        items that its last tick looked at
        actions integer?         what its last tick did
        idle_reason text?        why it had nothing to do
        last_error text?         how a tick ended that failed
        last_error_at time?      when that was
        called_by text?          who called it last: beat, stream, a person
        every_s number           how often it must run
        lag_ms integer?          how late its last tick began
        lag_s number?            the same in seconds""",
    "RejectionCode": """
        code text                such as COOLDOWN_ACTIVE
        stage text?              where it is said
        title text?              its short name
        sentence text?           what it means
        setting text?            the setting that decides
        fix text?                what to do""",
    "Vote": """
        model text               kind and version
        kind text                lightgbm, xgboost ...
        version text             of the model
        side text                long or short
        probability number       calibrated""",
    "Signal": """
        id integer               its number
        symbol text              as ccxt writes it
        side text                long or short
        confidence number        calibrated probability that the target comes before the stop
        threshold number         what it needed
        agreement number         share of the votes for its side
        votes [Vote]             one for each model that voted
        excluded [object]        models that did not vote, and why
        price money              last close
        atr number               ATR14
        r number                 stop distance in price
        at time                  close of the judged bar
        mode text                the mode that it was made in""",
    "Rejection": """
        code text                such as COOLDOWN_ACTIVE
        value any                what was measured
        limit any                what it was measured against
        setting text?            the setting to change
        sentence text            the same in words""",
    "GateAnswer": """
        name text                the gate
        passed boolean?          null: it was not asked""",
    "Decision": """
        id integer               its number
        signal integer           the signal that it settles
        symbol text              as ccxt writes it
        side text                long or short
        confidence number        the signal's
        outcome text             traded, rejected, failed or pending
        code text?               the first failing gate's, or why it failed
        sentence text            the reason in words
        rejections [Rejection]   every no
        gates [GateAnswer]       every gate's answer, in their order
        rank integer?            among the signals of its batch that passed
        policy_version integer?  the policy that judged it
        at time                  when it was decided
        settled_at time?         when its outcome was known
        mode text                the mode that it was made in""",
    "Reason": """
        code text                the code
        n integer                how often
        sentence text            its median case in words
        setting text             the setting that decides""",
    "Funnel": """
        since time               the window's begin
        until time               and its end
        bars integer             judged bars
        symbols integer          symbols in them
        evaluated integer        those with enough fresh data
        flat integer             those without a signal
        not_evaluated {integer}  the others by code
        signals integer          signals
        traded integer           signals that were filled
        failed integer           signals whose order failed
        pending integer          signals whose outcome is not known yet
        rejected integer         signals that a gate rejected
        by_code {integer}        rejections by first code
        failed_by_code {integer} failures by code
        dominant Reason?         what stopped most
        law_holds boolean        signals = traded + rejected + failed + pending
        as_of time               the newest judged bar's moment""",
    "Cycle": """
        id integer               its number
        timeframe text           the bar's width
        bar time                 open time of the judged bar
        at time                  when it was judged
        symbols integer          in the universe
        evaluated integer        with enough fresh data
        flat integer             without a signal
        facts object             why they were flat
        not_evaluated {integer}  the others by code
        absent {any}             and their names
        signals integer          signals
        policy_version integer?  the policy of that moment
        called_by text           who called the executor
        lag_ms integer           from the bar's close to the tick
        took_ms integer          how long judging took
        mode text                the mode that it was made in""",
    "Policy": """
        regime text?             TRENDING, RANGING or NORMAL
        volatility text?         LOW, NORMAL, HIGH or EXTREME
        min_confidence number?   what a signal needs
        size_factor number?      what sizes are multiplied by
        entries_allowed boolean? none are in extreme volatility
        version integer?         counts up
        since time?              in force since
        why text?                what it was derived from
        facts object             the measured values that it was derived from
        as_of time?              when it was asked""",
    "Counterfactual": """
        code text                first code of the rejection
        n integer                rejected signals whose path is known to its end
        unknown integer          those whose path a gap in the data hides
        mean_r number?           what they would have brought on average, in R after costs
        ci_low number?           95 % interval; null while the sample is too short
        ci_high number?          its upper end
        verdict text             saved, cost or unclear""",
    "Account": """
        equity money?            balance and what is open
        balance money?           what is settled
        available money?         free margin
        margin_used money?       bound margin
        unrealized money?        open profit and loss
        realized_today money?    closed trades since midnight UTC, net
        fees_today money?        fees since midnight UTC
        funding_today money?     funding since midnight UTC; received is positive
        daily_loss_used number?  today's loss as a share of equity
        daily_loss_limit number? at most
        drawdown number?         from today's peak, as a share
        mode text                the mode
        as_of time?              when the venue showed it""",
    "Guard": """
        price money?             trigger price
        order integer            our order's number
        order_id text?           the venue's
        client_order_id text     ours at the venue
        kind text                the order's type
        triggered boolean        it was triggered and has not filled
        verified_at time?        when it was last read at the venue""",
    "Stop": """
        price money?             trigger price
        order integer            our order's number
        order_id text?           the venue's
        client_order_id text     ours at the venue
        kind text                the order's type
        triggered boolean        it was triggered and has not filled
        verified_at time?        when it was last read at the venue
        verified_age_s number?   seconds since then
        seconds_unprotected number  without a stop so far, ours
        reduce_only boolean      it can only reduce
        matches_quantity boolean it covers the whole position""",
    "Position": """
        id integer               its number
        symbol text              as ccxt writes it
        side text                long or short
        status text              open, closing or closed
        quantity money           what is left
        opened_quantity money    what was bought or sold
        notional money?          at the mark price
        leverage integer         the position's setting
        margin_mode text         isolated or cross
        entry_price money        average
        mark_price money?        newest
        mark_at time?            and its time
        liquidation_price money? the venue's
        unrealized_pnl money?    at the mark price
        realized_pnl money       closed parts
        r number?                open profit in R
        fees money               paid so far
        funding money            received so far
        opened_at time           first fill
        expires_at time          time exit
        closed_at time?          when it was flat
        close_reason text?       target, stop, time ...
        target_price money?      resting take-profit
        trailing boolean         the trailing stop is active
        decision integer?        that opened it
        seconds_unprotected number  without a stop, ours
        seconds_outage number    without a stop while we were dead
        stop Stop?               the working stop at the venue
        backstop Guard?          the one farther out
        mode text                the mode that it was made in""",
    "Order": """
        id integer               its number
        client_order_id text     ours at the venue
        venue_order_id text?     the venue's
        symbol text              as ccxt writes it
        kind text                entry, stop, backstop, target or exit
        side text                buy or sell
        type text                MARKET, STOP ...
        status text              sending, new, partial, filled, canceled, refused, expired, unknown ...
        quantity money?          wanted; null closes the position
        price money?             limit price
        trigger money?           stop price
        reduce_only boolean      it can only reduce
        close_position boolean   it closes whatever is there
        filled money             so far
        average_price money?     of the fills
        error_code integer?      the venue's
        error text?              and its words
        reason text?             why it was sent
        requester text?          who wanted it
        decision integer?        of an entry
        position integer?        of every other order
        created_at time          when it was wanted
        sent_at time             when it was sent
        updated_at time          when it last changed
        verified_at time?        when it was last read at the venue
        mode text                the mode that it was made in""",
    "Fill": """
        id integer               its number
        trade_id text            the venue's
        order integer?           our order's number
        venue_order_id text      the venue's
        position integer?        what it opened or closed
        symbol text              as ccxt writes it
        side text                buy or sell
        price money              of this fill
        quantity money           of this fill
        fee money                in USDT
        realized money           as the venue booked it
        maker boolean            it rested in the book
        at time                  the venue's time
        mode text                the mode that it was made in""",
    "Trade": """
        id integer               its number
        position integer         that it was
        symbol text              as ccxt writes it
        side text                long or short
        quantity money           in all
        entry_price money        average
        exit_price money         average
        gross money              before costs
        fees money               paid
        funding money            received
        net money                gross - fees + funding
        r number                 net in R
        opened_at time           first fill
        closed_at time           last fill
        close_reason text        target, stop, time ...
        mode text                the mode that it was made in""",
    "TradeStats": """
        n integer                trades
        wins integer             with a net above 0
        win_rate number?         null without trades
        net money?               sum
        gross money?             sum
        fees money?              sum
        funding money?           sum
        mean_r number?           mean result in R
        as_of time?              the newest close""",
    "Candle": """
        open_time time           the bar's begin
        open number              first price
        high number              highest
        low number               lowest
        close number             last
        volume number            in the base currency""",
    "UniverseRow": """
        symbol text              as ccxt writes it
        tier text?               by traded volume
        rank integer?            by traded volume
        last_candle_at time?     close of its newest candle
        age_s number?            and its age
        status text?             in or out
        why text?                the reason""",
    "Universe": """
        symbols [UniverseRow]    in and out
        snapshot_at time?        when they were chosen
        age_s number?            and how long ago
        source text?             where the list comes from
        as_of time?              when they were chosen""",
    "Error": """
        code text                such as bad_request
        message text             what was wrong, in words
        fields {text}            each wrong field and why""",
}
FULLER = {  # a shape, and what replaces or follows its fields
    "DecisionInFull": ("Decision", """
        signal Signal            the signal that it settles
        ticket object            the order that was wanted; empty where there was none"""),
}  # fmt: skip
KINDS: dict[str, Schema] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "money": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "text": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "any": {},
}
ERRORS: dict[int, tuple[str, str, dict[str, str]]] = {
    400: ("bad_request", "limit: must be a whole number from 1 to 1000",
          {"limit": "must be a whole number from 1 to 1000"}),
    401: ("unauthorized", "Log in, or send Authorization: Bearer KEY.", {"Authorization": "is missing"}),
    403: ("not_allowed", "This user has no role that may look.", {"user": "has no role"}),
    404: ("not_found", "There is no decision 7.", {"id": "no decision 7"}),
}  # fmt: skip
OPTIONAL = {"System": ("venue_url",), "Policy": ("facts",), "Universe": ("source",)}  # only in some answers
SAID = {400: "What was asked makes no sense.", 401: "No living key.", 403: "No role for it.", 404: "There is none."}


def of(kind: str) -> Schema:
    """A kind's schema."""
    if kind.endswith("?"):
        known = of(kind[:-1])
        return known | {"type": [known["type"], "null"]} if "type" in known else {"anyOf": [known, {"type": "null"}]}
    if kind.startswith("["):
        return {"type": "array", "items": of(kind[1:-1])}
    if kind.startswith("{"):
        return {"type": "object", "additionalProperties": of(kind[1:-1])}
    return dict(KINDS[kind]) if kind in KINDS else {"$ref": f"#/components/schemas/{kind}"}


def component(name: str) -> Schema:
    """A shape's schema, every field with its meaning."""
    like, more = FULLER.get(name, (name, ""))
    lines = [line.split(None, 2) for line in (SHAPES[like] + more).strip().splitlines()]
    properties = {field: of(kind) | {"description": about} for field, kind, about in lines}
    required = [field for field in properties if field not in OPTIONAL.get(name, ())]
    return {"type": "object", "properties": properties, "required": required}


def components() -> dict[str, Schema]:
    return {name: component(name) for name in (*SHAPES, *FULLER)}


def told(schema: Schema, *refusals: int) -> Schema:
    """The answers of an endpoint for OpenAPI: the good one, and what may be refused."""
    good = {200: {"description": "OK", "content": {"application/json": {"schema": schema}}}}
    return {"responses": good | {status: refusal(status) for status in (*refusals, 400, 401, 403)}}


def refusal(status: int) -> Schema:
    code, message, fields = ERRORS[status]
    schema = {"type": "object", "properties": {"error": of("Error")}, "required": ["error"]}
    example = {"error": {"code": code, "message": message, "fields": fields}}
    return {"description": SAID[status], "content": {"application/json": {"schema": schema, "example": example}}}


def one(name: str, *refusals: int) -> Schema:
    return told(of(name), *refusals)


def many(name: str, **more: str) -> Schema:
    """A list's answer: a page of items and the cursor of the next; `more` are further fields by kind."""
    properties = {"items": of(f"[{name}]"), "next": of("text?"), "as_of": of("time")}
    properties |= {field: of(kind) for field, kind in more.items()}
    return told({"type": "object", "properties": properties, "required": list(properties)})


def named(**kinds: str) -> Schema:
    """An answer of a few fields."""
    properties = {name: of(kind) for name, kind in kinds.items()}
    return told({"type": "object", "properties": properties, "required": list(properties)})
