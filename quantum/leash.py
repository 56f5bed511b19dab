"""Runs a command that never outlives its parent: `leash.py [--watch] PARENT_PID COMMAND...`

On Linux the kernel does it (PR_SET_PDEATHSIG, kept across exec, set before the parent is looked at: no gap).
Elsewhere, and with --watch, this process stays, looks at its parent twice a second and passes signals on.
It imports nothing of ours: it runs once before every process.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int | None:
    watch = arguments[0] == "--watch"
    parent, *command = arguments[1:] if watch else arguments
    if watch or sys.platform != "linux":
        return stay(int(parent), command)
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before we asked
        return 1
    return os.execvp(command[0], command)


def stay(parent: int, command: list[str]) -> int:
    """Run the command as a child and end it when our own parent is gone."""
    import subprocess

    child = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: child.send_signal(number))
    while True:
        try:
            return child.wait(0.5)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
