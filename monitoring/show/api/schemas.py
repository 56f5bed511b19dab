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
        status text              running, idle, late, off, never_ran, down, failed, stuck, failing, half ...
        alarm boolean            that is an alarm
        why text                 why it is what it is
        configured boolean       it must run here, and nobody has switched it off
        built boolean?           its process could load it; null where no process has said so
        called object            its own ticks of the last hour, how many were due, their share, and by whom
        effect object            what it did in the last hour; and what waited upstream (asked) and was done of it
        process text             the process that runs it
        build text?              the commit that its last tick ran
        code text?               hash of the program's files that it ran
        config_hash text?        fingerprint of the settings that it ran with
        liveness text            never, up, late or down
        last_tick time?          when it last ran
        last_work time?          when it last did something useful
        examined integer?        items that its last tick looked at
        actions integer?         what its last tick did
        failed integer?          items that its last tick could not do
        idle_reason text?        why it had nothing to do
        last_error text?         how a tick ended that failed
        last_error_at time?      when that was
        called_by text?          who called it last: beat, stream, a person
        every_s number           how often it must run
        lag_ms integer?          how late its last tick began
        lag_s number?            the same in seconds""",
    "Process": """
        name text                web, worker (the trading loop), stream, trainer, beat
        host text                the machine
        pid integer              the process's number there
        liveness text            never, up, late or down
        build text               the commit that it runs
        code text                hash of the program's files as it started
        config_hash text         fingerprint of its settings
        differs [text]           code, config: what it runs otherwise than the web process does
        started_at time          when it began
        beat_at time             its newest heartbeat
        work_at time?            when it last finished something
        works integer            things finished since it began
        doing text?              what it has been at for longest
        doing_since time?        since when
        lag_ms integer           how late its newest heartbeat was
        broken object            modules that it could not load, and why""",
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
        symbols_not_evaluated {integer}  different symbols among them, by code
        signals integer          signals
        symbols_with_signals integer  different symbols that had one
        traded integer           signals that were filled
        failed integer           signals whose order failed
        pending integer          signals whose outcome is not known yet
        rejected integer         signals that a gate rejected
        by_code {integer}        rejections by first code
        symbols_by_code {integer}  different symbols among them, by code
        failed_by_code {integer} failures by code
        dominant Reason?         what stopped most
        law_holds boolean        signals = traded + rejected + failed + pending
        as_of time               the newest judged bar's moment""",
    "Proof": """
        sentence text            what can be looked up
        href text?               where""",
    "Problem": """
        rank integer             1 matters most
        severity text            critical, high, medium or low
        title text               what it is
        cause text               what was measured, the limit, the setting, who changed it, what another value gives
        evidence [Proof]         what proves it
        steps [text]             what to do, in order
        action object?           a safe thing to press: control, target, href; null where there is none
        code text                the cause's code
        subject text?            what it hits: a code, symbol, module, position
        key text                 code and subject
        setting text?            the setting behind it
        share number             of the window's signals that it explains
        since time?              since when
        because text?            key of the problem that it follows from""",
    "ReasonInFull": """
        code text                the rejection's code
        n integer                how often
        of integer               of so many signals, or judgements
        symbols integer          different symbols
        judged boolean           false: symbols that could not be judged
        sentence text            its median case in words
        setting text?            its setting, default, and who changed it last
        otherwise text?          what another value would have given""",
    "OnPurpose": """
        code text                HALTED, REDUCING, FLAT or a rejection code that is meant
        sentence text            the same in words
        share number             of the window's signals
        since time?              since when""",
    "Diagnosis": """
        verdict text             the headline
        problems [Problem]       what matters most first
        reasons [ReasonInFull]   why signals did not trade
        on_purpose [OnPurpose]   what stands still because it is meant to
        looked_for integer       causes that were looked for
        window_s number          the window in seconds
        as_of time               when that was""",
    "Differing": """
        signal integer           its number
        decision integer         its decision's number
        symbol text              as ccxt writes it
        side text                long or short
        at time                  close of the judged bar
        net_r number?            what its path brought or would have brought, in R after costs; null: not known yet""",
    "Mean": """
        n integer                signals whose whole horizon is over and whose path is known
        unknown integer          those whose path a gap in the data hides
        mean_r number?           their mean in R after costs
        ci_low number?           95 % interval; null while the sample is too short
        ci_high number?          its upper end""",
    "WhatIf": """
        setting text             the limit
        value number             the value that was judged with
        in_force number          the value in force now
        since time               the window's begin
        until time               and its end
        bars integer             bars that were judged again
        signals integer          signals in them
        rejected integer         of them rejected then
        would_have_passed integer  of the rejected
        would_not_have_passed integer  of those that passed
        passed [Differing]       the former, the newest 200
        stopped [Differing]      the latter, the newest 200
        result Mean              what the former would have brought
        not_measured integer     signals whose correlation can't be measured any more
        older integer            signals of the window that lie too far back to be judged again
        bars_without_desk integer  bars whose desk was not kept
        sentence text            the same in words
        mode text                the mode""",
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
        why text?                the reason, or what is wrong with its data: stale, frozen, gap, quarantine""",
    "Universe": """
        symbols [UniverseRow]    in and out
        snapshot_at time?        when they were chosen
        age_s number?            and how long ago
        source text?             where the list comes from
        as_of time?              when they were chosen""",
    "Clock": """
        offset_ms integer        positive: the exchange's clock is ahead of ours
        round_trip_ms integer    of the question
        state text               ok, warn, fail (entries are denied) or unknown
        measured_at time         by our clock""",
    "Gap": """
        symbol text              as ccxt writes it
        first time               open time of the first missing candle
        last time                and of the last one
        missing integer          candles
        found_at time            when it was found
        asked integer            how often the exchange was asked for it""",
    "Refusal": """
        kind text                such as nan or spike
        count integer            of the last day
        symbols integer          how many were hit
        fields {integer}         which fields were wrong, and how often
        put_aside boolean        false: noted, and used all the same
        last_seen time           the newest""",
    "Lacking": """
        symbol text              as ccxt writes it
        code text                why it was not judged at the newest bar
        value number?            what was measured
        limit number?            and what is needed""",
    "DataQuality": """
        clock Clock?             the reading that is farthest off
        gaps [Gap]               open ones, the newest first, at most 50
        open_gaps integer        all of them
        filled_gaps integer      within the last day
        refused [Refusal]        candles that were not believed, or noted
        lacking [Lacking]        symbols that the newest bar left out for want of data
        frozen [text]            symbols that stand still although trades are told
        paused boolean           nothing is traded anywhere
        bar time?                the newest bar that was judged
        as_of time               when it was read""",
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
