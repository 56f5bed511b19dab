"""A start that is refused: every reason as a person reads it, and as JSON for the doctor's readers."""

from __future__ import annotations

import json
from collections.abc import Sequence

CODE = "START_REFUSED"
EXIT = 2


def told(problems: Sequence[str], said: Sequence[str]) -> str:
    """What stderr gets; the doctor, `said` being the command line, also names the code of what it found."""
    first = "Quantum can't start with these settings:"
    return "\n".join([f"{CODE}: {first}" if doctor(said) else first, *(f"  - {one}" for one in problems)]) + "\n"


def answer(problems: Sequence[str], said: Sequence[str]) -> str:
    """What stdout gets: JSON in the shape of the doctor's answer, where that was asked for; else nothing."""
    if not (doctor(said) and "--json" in said):
        return ""
    refused = [{"code": CODE, "severity": "critical", "cause": one} for one in problems]
    return json.dumps({"exit_code": EXIT, "problems": refused}, ensure_ascii=False, indent=1) + "\n"


def doctor(said: Sequence[str]) -> bool:
    return len(said) > 1 and said[1] == "doctor"
