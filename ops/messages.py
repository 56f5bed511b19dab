"""Collects every text that a person reads into locale/nb, and compiles it. What is new comes empty, to be translated.

Needs gettext (on Debian: apt-get install gettext). Run it by `make messages`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
IGNORED = (".venv/*", "var/*", "tests/*", "static/*", "docs/*", "ops/*")


def collect(home: Path) -> Path:
    """The texts of the program in `home`, merged into its catalogue there."""
    ignored = [word for one in IGNORED for word in ("-i", one)]
    options = ["--no-location", "--no-obsolete", "--no-wrap", "-v", "0"]
    command = [sys.executable, "manage.py", "makemessages", "-l", "nb", *options, *ignored]
    subprocess.run(command, cwd=home, env=os.environ | {"QT_ENV_FILE": os.devnull}, check=True)
    catalogue = home / "locale/nb/LC_MESSAGES/django.po"
    blocks = catalogue.read_text(encoding="utf-8").split("\n\n")
    catalogue.write_text("\n\n".join([blocks[0], *map(without_guess, blocks[1:])]), encoding="utf-8")
    return catalogue


def without_guess(block: str) -> str:
    """A translation that was guessed from a similar text is none: the entry is left empty."""
    if not re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE):
        return block
    kept, dropping = [], False
    for line in block.splitlines():
        dropping = line.startswith("msgstr") or dropping and line.startswith('"')
        if line.startswith("msgstr"):
            kept.append(re.sub(r"^(msgstr(\[\d\])?) .*", r'\1 ""', line))
        elif not dropping and not line.startswith("#|"):
            kept.append(line.replace(", fuzzy", ""))
    return "\n".join(line for line in kept if line != "#")


def compile(catalogue: Path, into: Path) -> None:
    subprocess.run(["msgfmt", "--check", "-o", into, catalogue], check=True)


if __name__ == "__main__":
    if not shutil.which("xgettext"):
        sys.exit("xgettext is missing: on Debian, apt-get install gettext.")
    po = collect(HOME)
    compile(po, po.with_suffix(".mo"))
    empty = sum('msgstr ""' in block or 'msgstr[0] ""' in block for block in po.read_text("utf-8").split("\n\n")[1:])
    print(f"{po.relative_to(HOME)}: {empty} texts to be translated")
