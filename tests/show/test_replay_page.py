"""The page of the 198."""

import pytest

pytestmark = pytest.mark.django_db


def test_the_page_says_what_will_be_played_and_plays_it(reader):
    before = reader.get("/replay/").content.decode()
    assert "Replay the 198" in before and "AGAINST_TREND_SHORT" not in before
    after = reader.get("/replay/?play=198").content.decode()
    assert "198 signals: nothing then, 4 trades now." in after
    assert "planned=4 submitted=0" in after
    assert "<b>198</b> = <b>4</b> traded + <b>194</b> rejected" in after


def test_whoever_is_not_logged_in_is_sent_to_the_login(client):
    assert client.get("/replay/").headers["Location"].startswith("/login/")
