"""A supervisor over dummy processes, as a process of its own: `python -m tests.quantum.dummies FOLDER NAME=KIND...`

Kinds: `sleeps`, `stubborn` (ignores TERM), `dies` (at once), `parent` (has a child of its own). Each appends its pid to
FOLDER/NAME.pids; the supervisor's lines go to stdout.
"""

import sys
from pathlib import Path

from monitoring.watch import restarts
from quantum.programs import Program
from quantum.restarts import Budget
from quantum.supervisor import Supervisor

BODY = """
import os, signal, subprocess, sys, time
with open({path!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
    if {kind!r} == "parent":
        file.write(f"{{subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid}}\\n")
if {kind!r} == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open({path!r} + ".deaf", "w").close()
if {kind!r} == "dies":
    sys.exit("CommandError: I always die")
time.sleep(60)
"""


def program(folder: Path, name: str, kind: str, stage: int) -> Program:
    body = BODY.format(path=str(folder / f"{name}.pids"), kind=kind)
    return Program(name, (sys.executable, "-c", body), stage=stage, grace=0.3, vital=name == "vital")


def wishes(supervisor: Supervisor, folder: Path) -> None:
    for name, why in restarts.take(folder, supervisor.children):
        supervisor.restart(name, why)


def main(folder: Path, wanted: list[str]) -> int:
    def say(text: str) -> None:
        print(text, flush=True)

    def lost(name: str, why: str) -> None:
        say(f"LOST {name}")

    supervisor = Supervisor(folder / "log", say, lost, Budget(deaths=3, window=60, first=0.05))
    supervisor.listen()
    pairs = [item.split("=") for item in wanted]
    supervisor.start(*(program(folder, name, kind, stage) for stage, (name, kind) in enumerate(pairs)))
    say("READY")
    if pairs[0][0] == "awaited":
        supervisor.wait_for("awaited", (folder / "answer").exists, 30)
    supervisor.mind(lambda: wishes(supervisor, folder / "restarts"))
    return supervisor.stop()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
