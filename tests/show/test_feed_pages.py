"""The table of decisions: repeats folded page by page, nothing shown twice and nothing lost, counted by answer."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.show.feed import Line, fold_page
from tests.show import factories as make
from tests.show.test_pages import text
from trading.models import CooldownClear, Decision, SignalOutcome

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(number, bar=1, code="LOW_CONFIDENCE", outcome="rejected"):
    return Line(number, NOW, "BTC/USDT:USDT", "long", 0.4, outcome, code, (), "", bar)


def test_a_page_ends_where_one_more_line_would_begin_and_says_where():
    told = [line(9), line(8), line(7, code="CORRELATION"), line(6), line(5, bar=0), line(4, bar=0)]
    first, last = fold_page(told, 2)
    assert [(one.id, one.more) for one in first] == [(9, 2), (7, 0)]
    assert last == 6
    second, last = fold_page([one for one in told if one.id < last], 2)
    assert [(one.id, one.more) for one in second] == [(5, 1)]
    assert last == 4


def test_nothing_makes_an_empty_page():
    assert fold_page([], 50) == ([], None)


def test_the_span_of_a_batch_holds_its_own_time_alone():
    one = line(1)
    assert one.at < one.until <= one.at + timedelta(microseconds=1)


def walked(reader, query=""):
    """Every line's id and how many more stand behind it, over all pages."""
    found = []
    while True:
        page = reader.get(f"/decisions/{query}").content.decode()
        lines = re.findall(r'<li data-key="(\d+)"(.*?)</li>', page, re.DOTALL)
        found += [(int(key), int((re.search(r">(\d+) more like it", rest) or [0, 0])[1])) for key, rest in lines]
        onward = re.search(r'href="([^"]+)" rel="next">Older', page)
        if not onward:
            return found
        query = onward[1].replace("&amp;", "&")


def test_all_pages_together_account_for_every_decision_once(reader, now):
    make.no_trades(now)
    told = walked(reader)
    assert len({key for key, _ in told}) == len(told)
    assert sum(1 + more for _, more in told) == Decision.objects.count() == 198


def test_a_folded_line_leads_to_all_of_its_repeats(reader, now):
    make.no_trades(now)
    html = reader.get("/decisions/").content.decode()
    found = re.search(r'href="(/decisions/\?code=\w+&amp;since=[^"]+)">(\d+) more like it', html)
    page = reader.get(found[1].replace("&amp;", "&"))
    assert page.content.decode().count("<li data-key=") == int(found[2]) + 1


def test_of_one_code_every_decision_has_its_line(reader, now):
    make.no_trades(now)
    told = walked(reader, "?code=COOLDOWN_ACTIVE")
    assert len(told) == 171
    assert not any(more for _, more in told)


def test_the_strip_counts_every_answer_and_leads_to_it_and_back(reader, now):
    make.no_trades(now)
    page = reader.get("/decisions/?symbol=BTCUSDT")
    html = page.content.decode()
    counted = dict(re.findall(r'class="chip is-\w+" href="[^"]+">(\w+) <b>(\d+)</b>', html))
    mine = Decision.objects.filter(signal__symbol="BTC/USDT:USDT")
    assert sum(map(int, counted.values())) == mine.count()
    assert int(counted["COOLDOWN_ACTIVE"]) == mine.filter(code="COOLDOWN_ACTIVE").count()
    href = re.search(r'href="([^"]+)">COOLDOWN_ACTIVE <b>', html)[1].replace("&amp;", "&")
    chosen = reader.get(f"/decisions/{href}").content.decode()
    back = re.search(r'href="([^"]+)" aria-current="true">COOLDOWN_ACTIVE', chosen)[1].replace("&amp;", "&")
    assert "code" not in back
    assert "symbol=BTCUSDT" in back


def test_the_headline_counts_by_outcome(reader, now):
    make.no_trades(now)
    assert "198 decisions: 195 rejected, 1 failed, 2 pending." in text(reader.get("/decisions/"))
    assert "171 decisions of COOLDOWN_ACTIVE." in text(reader.get("/decisions/?code=COOLDOWN_ACTIVE"))


def test_exports_follow_the_filters(reader, now):
    make.no_trades(now)
    html = reader.get("/decisions/?code=CORRELATION").content.decode()
    assert "/api/v1/export/decisions.csv?code=CORRELATION&amp;bom=1" in html


def test_an_empty_table_says_when_the_first_one_comes(reader):
    page = text(reader.get("/decisions/"))
    assert "The first signals are decided right after the models are trained." in page
    assert "No bar has been judged yet." in page


def test_the_table_makes_a_fixed_number_of_queries(reader, now, django_assert_max_num_queries):
    make.no_trades(now)
    with django_assert_max_num_queries(24):
        reader.get("/decisions/")


@pytest.mark.parametrize("query", ["since=yesterday", "until=x", "since=2026-01-02&until=2026-01-01", "outcome=maybe"])
def test_a_senseless_span_is_refused_by_name(reader, query):
    page = reader.get(f"/decisions/?{query}")
    assert page.status_code == 400
    assert query.split("=")[0] in text(page)


def cooled(now):
    make.policy(now)
    of = make.cycle(now, flat=10, signals=2)
    entered = make.decided(make.signal(of, "LINK/USDT:USDT", confidence=0.61), "traded")
    order = make.entry(entered, sent_at=now - timedelta(seconds=30))
    later = make.signal(make.cycle(now, 1, flat=11, signals=1), "LINK/USDT:USDT", confidence=0.61)
    return make.rejected(later, make.cooldown(30, 120)), order


def test_a_decision_offers_to_clear_the_cooldown_while_it_lasts(reader, now):
    d, order = cooled(now)
    assert 'action="/control/cooldown/"' in reader.get(f"/decisions/{d.pk}/").content.decode()
    CooldownClear.objects.create(
        order=order, symbol="LINK/USDT:USDT", cleared_by="mira", cleared_at=now, reason="the release is out"
    )
    assert 'action="/control/cooldown/"' not in reader.get(f"/decisions/{d.pk}/").content.decode()


def test_a_viewer_is_offered_no_control(client, now):
    d, _ = cooled(now)
    client.force_login(make.user("ida", ["viewer"]))
    assert 'action="/control/' not in client.get(f"/decisions/{d.pk}/").content.decode()


def test_what_a_rejected_signal_would_have_done_is_told_when_it_is_known(reader, now):
    d, _ = cooled(now)
    assert "at the latest when its horizon is over" in text(reader.get(f"/decisions/{d.pk}/"))
    SignalOutcome.objects.create(
        signal=d.signal, ended="target", hit=True, bars=12, gross_r=2.5, net_r=2.38, target_r=2.5, horizon=48,
        ended_at=now, matures_at=now, at=now, mode="practice",
    )  # fmt: skip
    page = text(reader.get(f"/decisions/{d.pk}/"))
    assert "+2.38 R the target of 2.5 R came after 12 bars" in page
