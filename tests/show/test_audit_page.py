"""The page of the audit trail: what it says of the chain, of each row, to whom, and to senseless questions."""

import ast
import html
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.admin.acting import Edited
from monitoring.control import audit
from monitoring.models import AuditEntry
from monitoring.show import audited, ledger
from monitoring.show.audited import Change, changes
from tests.show import factories as make
from tests.show.test_pages import text as written

pytestmark = pytest.mark.django_db
PATH = "/audit/"
ACT = re.compile(r"switch|(?!trading|monitoring)[a-z]+(\.[a-z]+)+")  # the others are names of queued tasks


def text(answer):
    """The page's words, in one line."""
    return " ".join(html.unescape(written(answer)).split())


def keys(answer):
    return [int(key) for key in re.findall(r'<tr data-key="(\d+)"', answer.content.decode())]


def loosen(now, **given):
    row = {"who": "olaf", "action": "limits.loosen", "target": "QT_MAX_POSITIONS", "reason": "calm"}
    row |= {"before": {"value": 4, "source": "database"}, "after": {"value": 6, "source": "database"}, "now": now}
    return audit.append(**row | given)


def many(now, n):
    for _ in range(n):
        loosen(now)


# -- who sees it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["risk officer", "admin"])
def test_risk_officers_and_admins_read_it_and_are_led_there(client, now, role):
    client.force_login(make.user("rita", roles=(role,)))
    loosen(now)
    page = client.get(PATH)
    assert (page.status_code, keys(page)) == (200, [1])
    assert 'href="/audit/" aria-current="page"' in page.content.decode()


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_are_told_who_reads_it_and_are_not_led_there(client, now, role):
    client.force_login(make.user("vera", roles=(role,)))
    loosen(now, reason="a secret plan")
    page = client.get(PATH)
    assert page.status_code == 403
    assert "The audit trail is read by risk officers and admins." in text(page)
    assert "a secret plan" not in text(page)
    assert 'href="/audit/"' not in client.get("/").content.decode()


def test_a_superuser_without_a_role_reads_the_other_pages_only(client):
    client.force_login(make.user("root", roles=(), is_superuser=True, is_staff=True))
    assert client.get(PATH).status_code == 403
    assert 'href="/orders/"' in client.get("/orders/").content.decode()


def test_a_stranger_is_led_to_the_door(client):
    assert client.get(PATH).url == f"/login/?next={PATH}"


def test_nothing_is_done_there(reader):
    assert reader.post(PATH).status_code == 405


# -- the chain --------------------------------------------------------------------------------------------------------


def test_an_empty_page_teaches_what_will_appear(reader):
    page = text(reader.get(PATH))
    assert "The audit trail has no row yet, so there is nothing to verify." in page
    assert "Each act that changes something becomes a row the moment it is done" in page
    assert "whole" not in page and "Verified" not in page


def test_a_whole_chain_is_the_headline_with_its_newest_hash(reader, now):
    many(now, 3)
    answer = reader.get(PATH)
    said = "The audit chain is whole: each of 3 rows matches its hash and follows the row before it."
    assert said in text(answer)
    assert AuditEntry.objects.get(seq=3).hash in text(answer)
    assert 'data-tone="ok"' in answer.content.decode()


@pytest.mark.parametrize(
    ("break_it", "why", "seen"),
    [
        (lambda rows: rows.filter(seq=2).update(reason="other"), "row 2 was changed after it was written", 2),
        (lambda rows: rows.filter(seq=2).update(previous="f" * 64), "row 2 does not follow the row before it", 2),
        (lambda rows: rows.filter(seq=2).delete(), "row 2 is missing: the next one is 3", 3),
    ],
    ids=["changed", "unchained", "missing"],
)
def test_a_broken_chain_names_its_first_bad_row_and_what_to_do(reader, now, break_it, why, seen):
    many(now, 4)
    break_it(AuditEntry.objects)
    answer = reader.get(PATH)
    page = text(answer)
    assert f"The audit chain is broken: {why}. The 1 row walked before it holds." in page
    assert "Compare row 2 and its neighbours with an older export or backup" in page
    html = answer.content.decode()
    assert 'data-tone="fail"' in html and f'href="/audit/?cursor={seen + 2}"' in html
    assert f'<tr data-key="{seen}" class="is-bad">' in html and html.count("is-bad") == 1
    assert "whole" not in page


def test_the_bad_row_is_marked_in_the_list(reader, now):
    many(now, 3)
    AuditEntry.objects.filter(seq=2).update(reason="other")
    page = reader.get(PATH).content.decode()
    assert page.count("breaks the chain") == page.count("is-bad") == 1
    assert '<tr data-key="2" class="is-bad">' in page


def test_of_a_long_chain_only_the_newest_rows_are_walked_and_no_more_is_claimed(reader, now, monkeypatch):
    monkeypatch.setattr(audited, "RECENT", 3)
    many(now, 5)
    AuditEntry.objects.filter(seq=1).update(reason="other")
    answer = reader.get(PATH)
    page = text(answer)
    assert "The newest 3 of 5 rows match their hashes and follow each other." in page
    assert "The 2 older rows were not walked for this page." in page
    assert "whole" not in page and 'data-tone="ok"' not in answer.content.decode()
    asked = text(reader.get(f"{PATH}?verify=all"))
    assert "The audit chain is broken: row 1 was changed after it was written." in asked


def test_a_longer_chain_than_a_page_walks_is_left_to_the_command(reader, now, monkeypatch):
    monkeypatch.setattr(audited, "RECENT", 2)
    monkeypatch.setattr(audited, "WHOLE", 3)
    many(now, 4)
    page = text(reader.get(f"{PATH}?verify=all"))
    assert "The newest 2 of 4 rows" in page and "only manage.py audit verify walks them all" in page
    assert "Verify all" not in page


def test_verifying_all_keeps_the_filters_and_asks_no_export_for_it(reader, now, monkeypatch):
    monkeypatch.setattr(audited, "RECENT", 2)
    many(now, 3)
    offered = reader.get(f"{PATH}?who=olaf").content.decode()
    assert 'href="/audit/?who=olaf&amp;verify=all"' in offered
    done = reader.get(f"{PATH}?who=olaf&verify=all").content.decode()
    assert 'href="/api/v1/export/audit.jsonl?who=olaf"' in done


# -- rows -------------------------------------------------------------------------------------------------------------


def test_a_row_says_who_did_what_to_what_and_why(reader, now):
    row = loosen(now)
    listed = text(reader.get(PATH)).split("Row", 1)[1].split("Export", 1)[0]
    said = f"olaf Limit loosenedlimits.loosen QT_MAX_POSITIONS value4 →became 6 calm 1{row.hash[:8]}"
    assert listed.strip().endswith(said)


def test_what_was_written_never_becomes_markup(reader, now):
    bad = "<script>alert(1)</script>"
    loosen(now, who=bad, action="<b>", target=bad, reason=bad, before={bad: bad}, after={"list": [{"x": bad}]})
    page = reader.get(f"{PATH}?action=<b>").content.decode()
    assert "<script>alert" not in page and "<b>" not in page
    assert keys(reader.get(PATH)) == [1]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ({"value": 4, "same": 1}, {"value": 6, "same": 1}, [("value", "4", "6")]),
        ({"order_id": 7}, {"left": 0}, [("order_id", "7", None), ("left", None, "0")]),
        ({}, {"done": True, "checks": None}, [("done", None, "yes"), ("checks", None, "nothing")]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [("a.c", "2", "3")]),
        ({"kinds": ["x", "y"]}, {"kinds": []}, [("kinds", "x, y", "nothing")]),
        ({"on": 1}, {"on": True}, [("on", "1", "yes")]),
        ([1], "text", [("", "1", "text")]),
        ({}, {"x": "y" * 400}, [("x", None, "y" * 299 + "…")]),
    ],
)
def test_only_what_differs_is_shown(before, after, shown):
    assert changes(before, after) == tuple(Change(*one) for one in shown)


def test_filters_narrow_the_list(reader, now):
    loosen(now - timedelta(days=2))
    loosen(now - timedelta(days=1), who="mira")
    loosen(now, action="switch", target="", before={"state": "active"}, after={"state": "halted"})
    assert keys(reader.get(PATH)) == [3, 2, 1]
    assert keys(reader.get(f"{PATH}?who=mira")) == [2]
    assert keys(reader.get(f"{PATH}?action=switch&target=")) == [3]
    assert keys(reader.get(f"{PATH}?target=QT_MAX_POSITIONS")) == [2, 1]
    since = (now - timedelta(days=1, hours=1)).strftime("%Y-%m-%dT%H:%M")
    until = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    assert keys(reader.get(f"{PATH}?since={since}&until={until}")) == [2]
    assert "No row is like that." in text(reader.get(f"{PATH}?who=nobody"))


def test_an_act_without_words_can_be_asked_for_and_stands_as_it_is_written(reader, now):
    loosen(now, action="group.change")
    page = reader.get(f"{PATH}?action=group.change").content.decode()
    assert '<option value="group.change" selected>' in page and "<strong>group.change</strong>" in page


def test_older_pages_follow_each_other_without_gap_or_overlap(reader, now):
    many(now, ledger.ROWS + 5)
    first = reader.get(f"{PATH}?who=olaf")
    onward = re.search(r'href="(\?who=olaf&amp;cursor=\d+)"', first.content.decode())[1]
    second = reader.get(PATH + html.unescape(onward))
    assert keys(first) + keys(second) == list(range(ledger.ROWS + 5, 0, -1))
    assert 'href="?who=olaf">Newest' in second.content.decode()


@pytest.mark.parametrize(
    ("query", "field"),
    [("verify=some", "verify"), ("cursor=x", "cursor"), ("since=yesterday", "since"), ("what=1", "what"),
     ("since=2026-02-02&until=2026-01-01", "since"), ("who=a&who=b", "who"), ("action=" + "x" * 61, "action"),
     ("target=a%00b", "target")],
)  # fmt: skip
def test_a_senseless_question_names_its_field(reader, query, field):
    answer = reader.get(f"{PATH}?{query}")
    assert answer.status_code == 400
    assert field in text(answer)


def test_the_page_takes_as_many_queries_for_many_rows_as_for_one(reader, now):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert reader.get(PATH).status_code == 200
        return len(seen)

    many(now, 1)
    reader.get(PATH)
    first = queries()
    many(now, ledger.ROWS + 10)
    assert queries() == first
    trail = [q for q in last(reader) if "auditentry" in q]
    assert len(trail) == 3  # how many there are, the walk, the page


def last(reader):
    with CaptureQueriesContext(connection) as seen:
        reader.get(PATH)
    return [one["sql"] for one in seen]


# -- words for every act ----------------------------------------------------------------------------------------------


def test_every_act_that_is_written_down_has_words():
    named = {"venue.start", "venue.stop"}  # made of two parts where they are written
    for file in (settings.BASE_DIR / "monitoring/control").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name in ("append", "ring", "remember"):
                named |= acts(call)
    named |= {f"{model._meta.model_name}.{verb}" for model, at in admin.site._registry.items()
              if isinstance(at, Edited) for verb in ("add", "change")}  # fmt: skip
    assert {"switch", "limits.loosen", "module.tick", "user.change"} <= named
    assert named == set(audited.ACTIONS)


def acts(call):
    """The names of acts in a call that writes one down."""
    given = [*call.args, *(word.value for word in call.keywords if word.arg == "action")]
    texts = {leaf.value for one in given for leaf in ast.walk(one)
             if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)}  # fmt: skip
    return {one for one in texts if ACT.fullmatch(one)}
