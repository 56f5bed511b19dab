"""A Norwegian page holds no English sentence of ours, empty or full; what was stored in English is told anew."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import translation

from monitoring.control import audit
from monitoring.models import Incident, RemedyAttempt
from monitoring.show import minds, panels
from monitoring.show.audience import Audience
from monitoring.show.labels import CLOSED
from monitoring.show.scene import Scene
from monitoring.watch import told
from monitoring.watch.retold import TEMPLATES, patterns, retold
from tests import po
from tests.show import factories as make
from tests.show import ledgers
from trading.models import (
    Decision,
    Directive,
    ModelFinding,
    ModuleState,
    PolicyVersion,
    SwitchChange,
    Trade,
    TrainingRun,
)

PAGES = [
    "/", "/decisions/", "/decisions/?outcome=rejected", "/positions/", "/orders/", "/trades/", "/modules/", "/models/",
    "/policy/", "/incidents/", "/universe/", "/health/", "/replay/", "/replay/?play=198", "/settings/", "/setup/",
    "/audit/", "/no-such-page/", "/decisions/999999999/", "/orders/?limit=-1",
]  # fmt: skip
CATALOGUE = settings.BASE_DIR / "locale/nb/LC_MESSAGES/django.po"
PLACES = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+(?::\w+)?\}|%%|<[^>]*>")


POLICY = (
    "Ranging: trend strength 17, trending from 25; volatility normal: 0.90\u00a0% per bar, high from 1.5\u00a0%; "
    "median of 12 symbols"
)


def sentences() -> set[str]:
    """What may not stand on a Norwegian page: the longer pieces of each text between its places."""
    english, norwegian = set(), []
    for one in po.read(CATALOGUE):
        for n, said in one.told.items():
            text = one.plural if n else one.id
            norwegian.append(said)
            if said != text:
                english |= {piece.strip() for piece in PLACES.split(text)}
    kept = {piece for piece in english if len(piece) > 12 and " " in piece}
    everything = "\n".join(norwegian)
    return {piece for piece in kept if piece not in everything}


ENGLISH = sentences()


def read(client, path: str, **extra) -> str:
    client.cookies["language"] = "nb"
    return html.unescape(client.get(path, **extra).content.decode())


def english_on(page: str) -> set[str]:
    return {piece for piece in ENGLISH if piece in page}


def full(now) -> None:
    """Something of everything that a page tells."""
    ledgers.books(now)
    for trade, reason in zip(Trade.objects.all(), CLOSED, strict=False):
        Trade.objects.filter(pk=trade.pk).update(close_reason=reason)
    SwitchChange.objects.create(state="reducing", at=now, by="bjørn", reason="reducing, no reason given")
    PolicyVersion.objects.update(why=POLICY)
    make.training(now)
    TrainingRun.objects.create(
        started_at=now - timedelta(hours=1), beat_at=now, finished_at=now, outcome="failed",
        stage="reading history", error="history is too short for its folds", trigger="samples",
        reason="212 new labelled signals", requested_by="retraining_orchestrator",
    )  # fmt: skip
    params = {"symbol": "BTC/USDT:USDT", "seconds": 29_880, "limit": 90, "symbols": 3, "of": 12}
    incident = Incident.objects.create(
        key="FEED_STALE:all", code="FEED_STALE", severity="critical", subsystem="data_feed", params=params,
        first_seen=now, last_seen=now, impacts_trading=True, remedy="backfill_candles", attempts=1,
    )  # fmt: skip
    RemedyAttempt.objects.create(
        incident=incident, action="backfill_candles", at=now, done=True, detail="0 candles fetched for 12 symbols"
    )
    Directive.objects.create(key="x", level="NO_NEW_TRADES", reason="All candles are old", by="self_healing", at=now)
    few = {"verdict": "unknown", "code": "TOO_FEW", "n": 41, "wanted": 200}
    ModelFinding.objects.create(
        at=now, kind="ensemble", version="7", verdict="unknown", n=41, level="advise", mode="practice",
        **dict.fromkeys(minds.TOPICS, few),
    )  # fmt: skip
    audit.append(who="bjørn", action="limits.loosen", target="QT_MAX_POSITIONS", before={"value": 4},
                 after={"value": 6}, now=now)  # fmt: skip
    told_idle = iter(sample(template) for template in TEMPLATES)
    for state in ModuleState.objects.order_by("name"):
        state.idle_reason = next(told_idle)
        state.save()


def sample(template: str) -> str:
    return re.sub(r"%\(\w+\)s", "7", template)


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_house_speaks_norwegian(reader, path):
    page = read(reader, path)
    assert '<html lang="nb"' in page
    assert not english_on(page)


def test_a_full_house_speaks_norwegian(reader, now):
    full(now)
    trade, one = Trade.objects.first(), Decision.objects.filter(outcome="rejected").last()
    found = {}
    for path in [*PAGES, f"/trades/{trade.pk}/", f"/decisions/{one.pk}/", f"/charts/decisions/{one.pk}/"]:
        if left := english_on(read(reader, path)):
            found[path] = left
    assert not found


def test_the_door_speaks_norwegian(client, db):
    page = read(client, "/login/")
    assert "Passord" in page
    assert not english_on(page)
    client.cookies["language"] = "nb"
    wrong = client.post("/login/", {"username": "x", "password": "y"}).content.decode()
    assert "hører ikke sammen" in wrong


def test_english_would_be_found(client, db):
    client.cookies["language"] = "en"
    assert english_on(html.unescape(client.get("/login/").content.decode()))


def test_a_browser_that_prefers_norwegian_gets_it_without_choosing(client, db):
    page = client.get("/login/", headers={"accept-language": "nb-NO,nb;q=0.9,en;q=0.5"}).content.decode()
    assert '<html lang="nb"' in page


def test_both_languages_say_the_same_numbers(now, db):
    make.holdings(now)
    make.no_trades(now)
    for name in ("verdict", "funnel", "equity", "account", "positions"):
        numbers = []
        for language in ("en", "nb"):
            with translation.override(language):
                drawn = panels.render([name], now, Scene(now, audience=Audience(language)))[0].html
                numbers.append(sorted(re.findall(r"\d[\d,.]*\d|\d", re.sub(r"<[^>]*>", " ", drawn))))
        assert numbers[0] == numbers[1], name


def test_a_rejection_is_told_anew_from_its_code_and_numbers(now, db):
    row = make.rejected(make.signal(make.cycle(now), "BTC/USDT:USDT"), make.low(0.36))
    with translation.override("en"):
        assert told.decided(row) == row.sentence
    with translation.override("nb"):
        assert told.decided(row) == "0.36, krever 0.40 mens markedet går sidelengs."
    row.rejections = [row.rejections[0] | {"code": "OF_ANOTHER_VERSION"}]
    row.code = "OF_ANOTHER_VERSION"
    with translation.override("nb"):
        assert told.decided(row) == row.sentence


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_a_module_wrote_is_recognised(template):
    stored = sample(template)
    assert retold(stored) == stored
    with translation.override("nb"):
        assert retold(stored) == translation.gettext(found(stored)) % Sevens()


class Sevens(dict):
    def __missing__(self, name: str) -> str:
        return "7"


def found(stored: str) -> str:
    return next(template for template, pattern in patterns() if pattern.fullmatch(stored))


@pytest.mark.parametrize(
    ("stored", "norwegian"),
    [("training: cross-checking lightgbm, fold 1 of 3, 12% done, about 4 s left",
      "trening: krysskontrollerer lightgbm, del 1 av 3, 12% ferdig, omtrent 4 s igjen"),
     ("37 of 200 new labelled signals; champions 3 of 500 bars old; nothing found against them",
      "37 av 200 nye merkede signaler; mestrene er 3 av 500 stolper gamle; ingenting funnet mot dem"),
     ("Ranging: trend strength 17, trending from 25; volatility normal: 0.90\u00a0% per bar, high from 1.5\u00a0%; "
      "median of 12 symbols",
      "Sidelengs: trendstyrke 17, i trend fra 25; volatilitet normal: 0.90\u00a0% per stolpe, høy fra 1.5\u00a0%; "
      "median av 12 symboler"),
     ("waiting: loading history: 4 of 12 symbols", "venter: laster historikk: 4 av 12 symboler"),
     ("kablene byttes; vent litt", "kablene byttes; vent litt"),
     ("", "")],
)  # fmt: skip
def test_sentences_within_sentences_are_retold_too(stored, norwegian):
    with translation.override("nb"):
        assert retold(stored) == norwegian


@pytest.mark.parametrize("path", ["funnel", "decisions", "rejection-codes", "scorecard", "modules"])
def test_machines_are_told_in_english_as_it_is_stored(reader, now, path):
    full(now)
    client = reader
    plain = client.get(f"/api/v1/{path}").json()
    client.cookies["language"] = "nb"
    answer = client.get(f"/api/v1/{path}", headers={"accept-language": "nb"})
    assert answer.status_code == 200
    assert words(answer.json()) == words(plain)


def words(told) -> set[str]:
    """Every text in an answer, its numbers and ages left out."""
    if isinstance(told, dict):
        return {word for value in told.values() for word in words(value)}
    if isinstance(told, list):
        return {word for value in told for word in words(value)}
    if not isinstance(told, str):
        return set()
    told = re.sub(r"[\d.,:]+", "0", told)
    return {re.sub(r"0\xa0(?:s|min|h)(?: 0\xa0(?:s|min|h))*", "0", told)}  # 2 min is 2 min 1 s a moment later


@pytest.mark.parametrize("suffix", ["md", "html"])
def test_the_report_is_norwegian_to_its_last_sentence(db, now, settings, tmp_path, suffix):
    settings.VAR = tmp_path
    full(now)
    ModuleState.objects.filter(name="executor").update(last_error="på vakt: æøå", last_error_at=now, last_tick=now)
    path = tmp_path / f"rapport.{suffix}"
    with pytest.raises(SystemExit):
        call_command("doctor", "--report", str(path), "--language", "nb", stdout=StringIO())
    said = html.unescape(path.read_text(encoding="utf-8")).replace("\\", "")
    assert not english_on(said)
    assert "på vakt: æøå" in said
