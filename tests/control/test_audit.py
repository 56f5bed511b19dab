from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from monitoring.control import audit
from monitoring.models import AuditEntry

pytestmark = pytest.mark.django_db


def write(now, rows: int = 3) -> None:
    for n in range(rows):
        after = {"n": n, "money": Decimal("1.50"), "share": 0.32, "whole": 2.0, "big": 1e20, "text": "ÅØ \U0001f512"}
        audit.append(who="eva", action="test", after=after, reason=f"row {n}", now=now)


def test_rows_follow_each_other_and_hold_after_a_round_trip(now):
    write(now)
    assert list(AuditEntry.objects.values_list("seq", flat=True)) == [1, 2, 3]
    assert audit.verify() == audit.Verified(3)


@pytest.mark.parametrize(
    "change",
    [{"reason": "other"}, {"who": "mallory"}, {"after": {"n": 7}}, {"seq": 9}, {"previous": "f" * 64}],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_is_named(now, change):
    write(now)
    AuditEntry.objects.filter(seq=2).update(**change)
    result = audit.verify()
    assert (result.ok, result.bad_seq, result.rows) == (False, 2, 1)


def test_a_missing_row_is_named(now):
    write(now)
    AuditEntry.objects.filter(seq=2).delete()
    assert audit.verify().bad_seq == 2


def test_a_row_that_can_not_be_hashed_is_named_too(now):
    write(now)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE monitoring_auditentry SET after = %s WHERE seq = 2", ['{"n": 1e999}'])
    result = audit.verify()
    assert (result.bad_seq, result.rows) == (2, 1)


def test_the_newest_rows_alone_are_walked_from_the_row_before_them(now):
    write(now, 6)
    AuditEntry.objects.filter(seq=2).update(reason="other")
    newest = audit.verify(newest=3)
    assert (newest, newest.head) == (audit.Verified(3), AuditEntry.objects.get(seq=6).hash)
    AuditEntry.objects.filter(seq=3).update(hash="f" * 64)
    assert audit.verify(newest=3).bad_seq == 4
    assert audit.verify(newest=4).bad_seq == 3
    assert audit.verify(newest=9).bad_seq == 2


def test_a_row_that_is_missing_before_the_newest_is_named(now):
    write(now, 6)
    AuditEntry.objects.filter(seq=3).delete()
    assert (audit.verify(newest=3).bad_seq, audit.verify(newest=2)) == (3, audit.Verified(2))


def test_numbers_that_are_none_never_enter_the_chain(now):
    with pytest.raises(ValueError, match="Out of range float"):
        audit.append(who="eva", action="test", after={"value": float("nan")}, now=now)
    assert not AuditEntry.objects.exists()


def test_the_command_says_how_many_rows_hold_or_which_is_bad(now, capsys):
    write(now)
    call_command("audit", "verify")
    assert "3 rows, the chain holds" in capsys.readouterr().out
    AuditEntry.objects.filter(seq=3).update(reason="other")
    with pytest.raises(CommandError, match="row 3 was changed"):
        call_command("audit", "verify")


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_leave_one_unbroken_chain(now):
    def one(n: int) -> None:
        audit.append(who=f"writer {n}", action="test", now=now)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    assert audit.verify() == audit.Verified(40)
