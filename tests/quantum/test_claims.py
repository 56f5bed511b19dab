import socket

import pytest

from quantum.claims import CannotStart, check_ports, lock, ports
from quantum.config import load
from quantum.programs import PARTS, chosen


def test_a_port_in_use_is_named_with_its_setting():
    with socket.socket() as other, socket.socket() as second:
        for one in (other, second):
            one.bind(("127.0.0.1", 0))
            one.listen()
        taken = {"PORT": other.getsockname()[1], "QT_PRACTICE_URL": second.getsockname()[1]}
        with pytest.raises(CannotStart) as refused:
            check_ports(taken)
    for name, port in taken.items():
        assert f"{name}: port {port} is in use" in str(refused.value)


def test_a_free_port_is_fine_and_one_port_for_two_is_not():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_ports({"PORT": port})
    with pytest.raises(CannotStart, match="PORT and QT_PRACTICE_URL are the same port"):
        check_ports({"PORT": port, "QT_PRACTICE_URL": port})


def test_a_second_run_on_the_same_folder_is_refused_and_says_who_runs(tmp_path):
    with lock(tmp_path / "locks", ["web", "beat"]):
        with pytest.raises(CannotStart, match=r"Another run \(process \d+\) is using .* its beat is running"):
            lock(tmp_path / "locks", ["beat", "worker"])
        lock(tmp_path / "locks", ["stream"]).close()
    lock(tmp_path / "locks", ["web", "beat"]).close()


@pytest.mark.parametrize(
    ("environ", "only", "names"),
    [
        ({}, (), ["practice", "web", "worker", "trainer", "beat", "stream"]),
        ({}, PARTS, ["practice", "web", "worker", "trainer", "beat", "stream"]),
        ({}, ("worker",), ["worker", "trainer"]),
        ({}, ("web", "stream"), ["web", "stream"]),
        (
            {"QT_MODE": "testnet", "QT_API_KEY": "k", "QT_API_SECRET": "s"},
            (),
            ["web", "worker", "trainer", "beat", "stream"],
        ),
    ],
)
def test_the_programs_of_a_run(environ, only, names):
    programs = chosen(load(environ), only, 8000, "python")
    assert [program.name for program in programs] == names
    wanted = ports(load(environ), programs, 8000)
    assert ("PORT" in wanted, "QT_PRACTICE_URL" in wanted) == ("web" in names, "practice" in names)


def test_processes_end_before_what_they_need():
    stage = {program.name: program.stage for program in chosen(load({}), (), 8000, "python")}
    assert all(stage[name] < stage["practice"] for name in ("stream", "beat", "worker", "trainer", "web"))


def test_everything_ends_well_within_ten_seconds():
    graces: dict[int, float] = {2: 1}  # Valkey's
    for program in chosen(load({}), (), 8000, "python"):
        graces[program.stage] = max(graces.get(program.stage, 0), program.grace)
    assert sum(graces.values()) <= 8


def test_the_page_learns_the_port_it_was_given():
    (web,) = chosen(load({}), ("web",), 8123, "python")
    assert web.env["PORT"] == "8123" and "8123" in web.argv


def test_a_run_has_queues_of_its_mode():
    trade, work = chosen(load({}), ("worker",), 8000, "python")
    assert "practice-trade" in trade.argv and "practice-work,practice-train" in work.argv
