"""A .po file as values: what gettext's own format holds, no more than these tests need."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Entry:
    id: str = ""
    plural: str = ""
    context: str = ""
    told: dict[int, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.id


def read(path: Path) -> list[Entry]:
    """Every entry but the header; an obsolete one raises."""
    found = [entry(block) for block in path.read_text(encoding="utf-8").split("\n\n") if "msgid " in block]
    return [one for one in found if one.id]


def entry(block: str) -> Entry:
    one, pieces, last = Entry(), {}, ""
    for line in block.splitlines():
        if line.startswith("#~"):
            raise ValueError(f"an obsolete entry: {line}")
        if line.startswith("#,"):
            one.flags |= {flag.strip() for flag in line[2:].split(",")}
        elif line.startswith("#") or not line:
            continue
        elif line.startswith('"'):
            pieces[last] += ast.literal_eval(line)
        else:
            last, text = line.split(" ", 1)
            pieces[last] = ast.literal_eval(text)
    one.id, one.plural, one.context = (pieces.pop(name, "") for name in ("msgid", "msgid_plural", "msgctxt"))
    one.told = {int(name[7:-1] or 0) if "[" in name else 0: text for name, text in pieces.items()}
    return one
