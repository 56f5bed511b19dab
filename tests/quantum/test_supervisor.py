import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitoring.watch import restarts
from quantum.config import BASE
from quantum.supervisor import Supervisor


def until(true: Callable[[], object], seconds: float = 20) -> bool:
    """Look again and again; False when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    """Running, and not a zombie that waits for its parent."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Run:
    """One supervisor process over dummies."""

    def __init__(self, folder: Path, *wanted: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.quantum.dummies", str(folder), *wanted],
            cwd=BASE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def pids(self, name: str) -> list[int]:
        path = self.folder / f"{name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def every_pid(self) -> list[int]:
        return [pid for path in self.folder.glob("*.pids") for pid in self.pids(path.stem)]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        output = self.process.communicate(timeout=20)[0]
        return self.process.returncode, output


@pytest.fixture
def run(tmp_path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(*wanted: str) -> Run:
        runs.append(Run(tmp_path, *wanted))
        return runs[-1]

    yield start
    for one in runs:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process(run, number):
    one = run("a=sleeps", "b=sleeps")
    assert until(lambda: one.pids("a") and one.pids("b"))
    code, _ = one.end(number)
    assert code == 0
    assert not any(alive(pid) for pid in one.every_pid())


def test_a_process_that_does_not_listen_and_its_own_children_are_killed(run):
    one = run("a=stubborn", "b=parent")
    assert until(lambda: (one.folder / "a.pids.deaf").exists() and len(one.pids("b")) == 2)
    code, _ = one.end()
    assert code == 0
    assert not any(alive(pid) for pid in one.every_pid())


def test_what_is_killed_is_started_again(run):
    one = run("a=sleeps")
    assert until(lambda: one.pids("a"))
    os.kill(one.pids("a")[0], signal.SIGKILL)
    assert until(lambda: len(one.pids("a")) == 2 and alive(one.pids("a")[1]))
    code, output = one.end()
    assert code == 0
    assert "a was ended by SIGKILL; starting it again in 0.05 s (1 of 3 within 60 s)" in output


@pytest.mark.parametrize("kind", ["sleeps", "stubborn"])
def test_a_process_is_started_again_where_somebody_asks_for_it(run, kind):
    """Also one that does not listen: it is killed after its grace. What is asked of nobody here stays where it is."""
    one = run(f"a={kind}", "b=sleeps")
    assert until(
        lambda: one.pids("a") and one.pids("b") and (kind == "sleeps" or (one.folder / "a.pids.deaf").exists())
    )
    restarts.ask(one.folder / "restarts", "elsewhere", "not ours")
    restarts.ask(one.folder / "restarts", "a", "nothing was heard of it")
    assert until(lambda: len(one.pids("a")) == 2 and alive(one.pids("a")[1]))
    assert not alive(one.pids("a")[0]) and len(one.pids("b")) == 1
    assert [path.name for path in (one.folder / "restarts").iterdir()] == ["elsewhere"]
    code, output = one.end()
    assert code == 0
    assert "a is ended, to be started again: nothing was heard of it" in output


def test_a_name_that_is_no_programs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no program's name"):
        restarts.ask(tmp_path, "../a", "")


def test_what_keeps_dying_is_given_up_and_the_others_live_on(run):
    one = run("a=dies", "b=sleeps")
    assert until(lambda: len(one.pids("a")) == 3 and one.pids("b"))
    seen = []
    assert until(lambda: seen.append(one.process.stdout.readline()) or "LOST a" in seen[-1])
    assert alive(one.pids("b")[0]) and one.process.poll() is None
    code, _ = one.end()
    assert code == 1
    assert "a | CommandError: I always die" in "".join(seen)
    assert "is given up" in "".join(seen)
    assert len(one.pids("a")) == 3


def test_what_dies_before_its_first_answer_ends_the_start(run):
    one = run("awaited=dies", "b=sleeps")
    assert one.process.wait(20) == 1
    output = one.process.stdout.read()
    assert "awaited ended (exit 1) before it answered" in output and "LOST" not in output
    assert len(one.pids("awaited")) == 1
    assert not any(alive(pid) for pid in one.every_pid())


@pytest.mark.parametrize("wanted", [("vital=dies", "b=sleeps"), ("a=dies",)])
def test_without_a_vital_process_or_any_at_all_everything_ends(run, wanted):
    one = run(*wanted)
    assert one.process.wait(20) == 1
    assert not any(alive(pid) for pid in one.every_pid())


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own leash is Linux's; elsewhere a parent watch")
def test_a_killed_supervisor_leaves_no_orphans(run):
    one = run("a=sleeps", "b=stubborn")
    assert until(lambda: one.pids("a") and (one.folder / "b.pids.deaf").exists())
    one.process.kill()
    assert until(lambda: not any(alive(pid) for pid in one.every_pid()), 5)


def test_the_watching_leash_ends_its_command_with_its_parent(tmp_path):
    """What systems without the kernel's leash use."""
    marks = tmp_path / "pids"
    command = f"import os, time; open({str(marks)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    leash = [sys.executable, str(BASE / "quantum" / "leash.py"), "--watch"]
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, subprocess, sys, time;"
            f"subprocess.Popen([*{leash!r}, str(os.getpid()), sys.executable, '-c', {command!r}]); time.sleep(60)",
        ]
    )
    assert until(lambda: marks.exists() and marks.read_text())
    pid = int(marks.read_text())
    parent.kill()
    parent.wait()
    assert until(lambda: not alive(pid), 10)


def test_a_leash_whose_parent_is_gone_starts_nothing(tmp_path):
    leash = [sys.executable, str(BASE / "quantum" / "leash.py"), "1", sys.executable, "-c", "print('started')"]
    done = subprocess.run(leash, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_what_may_be_cut_is_cut_when_the_end_is_asked_for(tmp_path):
    one, done = Supervisor(tmp_path, print), []
    with one.cut_when_asked():
        done.append("before")
        one.asked(signal.SIGTERM, None)
        done.append("after")
    assert done == ["before"] and one.over
    one.asked(signal.SIGTERM, None)  # nothing to cut any more: nothing is raised
