"""What OpenAPI says of the answers is what they are."""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from monitoring.control import apikeys
from tests.show import factories as make
from trading.models import SignalOutcome

pytestmark = pytest.mark.django_db
PLAIN = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "null": type(None)}
READ = [
    "system", "modules", "rejection-codes", "cycle", "funnel", "signals", "signals/{signal_id}", "decisions",
    "decisions/{decision_id}", "policy", "counterfactuals", "account", "positions", "orders", "fills", "trades",
    "trades/stats", "candles", "universe", "data-quality",
]  # fmt: skip


@pytest.fixture
def api(now):
    return Client(headers={"Authorization": f"Bearer {apikeys.create(make.user(), now)[1]}"})


@pytest.fixture
def busy(now):
    make.holdings(now)
    make.no_trades(now)
    signal = make.rejected(make.signal(make.cycle(now, 90), "BTC/USDT:USDT"), make.low(0.33)).signal
    SignalOutcome.objects.create(signal=signal, ended="stop", hit=False, net_r=-1.1, target_r=2.5, horizon=48,
                                 matures_at=now - timedelta(minutes=1), at=now, mode=make.MODE)  # fmt: skip


@pytest.fixture
def spoken(api):
    return api.get("/api/v1/openapi.json").json()


def schema_of(spoken, path):
    return spoken["paths"][f"/api/v1/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]


def faults(value, schema, spoken, at="answer"):
    """Where the value is not what the schema says."""
    if "$ref" in schema:
        return faults(value, spoken["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], spoken, at)
    if "anyOf" in schema:
        tried = [faults(value, one, spoken, at) for one in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    if not fits(value, schema.get("type")):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if isinstance(value, str):
        return [] if well_written(value, schema) else [f"{at}: {value!r} is not written as {schema}"]
    if isinstance(value, list):
        return [fault for i, one in enumerate(value) for fault in faults(one, schema["items"], spoken, f"{at}[{i}]")]
    return inside(value, schema, spoken, at) if isinstance(value, dict) else []


def fits(value, kinds):
    if kinds is None:
        return True
    kinds = kinds if isinstance(kinds, list) else [kinds]
    number = "number" in kinds and isinstance(value, (int, float)) and not isinstance(value, bool)
    return number or type(value) in [PLAIN[kind] for kind in kinds if kind in PLAIN]


def well_written(text, schema):
    if schema.get("format") == "date-time":
        return text.endswith("Z") and datetime.fromisoformat(text).tzinfo is not None
    return re.fullmatch(schema.get("pattern", r"(?s).*"), text) is not None


def inside(value, schema, spoken, at):
    known = schema.get("properties")
    if known is None:
        rest = schema.get("additionalProperties", {})
        return [fault for name, one in value.items() for fault in faults(one, rest, spoken, f"{at}.{name}")]
    wrong = [f"{at}.{name} is not documented" for name in value.keys() - known.keys()]
    wrong += [f"{at}.{name} is missing" for name in set(schema["required"]) - value.keys()]
    return wrong + [
        fault
        for name in value.keys() & known.keys()
        for fault in faults(value[name], known[name], spoken, f"{at}.{name}")
    ]


def asked(api, path):
    if "{" in path:
        listed = api.get(f"/api/v1/{path.split('/')[0]}").json()["items"]
        path = f"{path.split('/')[0]}/{listed[0]['id']}"
    answer = api.get(f"/api/v1/{path}" + ("?symbol=BTCUSDT" if path == "candles" else ""))
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("path", READ)
def test_a_busy_house_answers_as_documented(api, spoken, busy, path):
    answer = asked(api, path)
    assert faults(answer, schema_of(spoken, path), spoken) == []
    assert answer.get("items", True)


@pytest.mark.parametrize("path", [path for path in READ if "{" not in path and path != "candles"])
def test_an_empty_house_too(api, spoken, path):
    assert faults(asked(api, path), schema_of(spoken, path), spoken) == []


def test_a_wrong_answer_would_be_noticed(api, spoken, busy):
    answer = asked(api, "trades")
    row = answer["items"][0]
    row["net"], row["extra"] = 14.28, 1
    del row["symbol"]
    told = faults(answer, schema_of(spoken, "trades"), spoken)
    assert len(told) == 3


def test_every_field_has_a_meaning_and_every_refusal_an_example(spoken):
    for name, shape in spoken["components"]["schemas"].items():
        for field, told in shape.get("properties", {}).items():
            assert told.get("description") or name not in ("Decision", "Position", "Order"), (name, field)
    refusals = spoken["paths"]["/api/v1/decisions"]["get"]["responses"]
    assert refusals["400"]["content"]["application/json"]["example"]["error"]["fields"]
    assert "404" in spoken["paths"]["/api/v1/decisions/{decision_id}"]["get"]["responses"]
