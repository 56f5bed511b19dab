"""Where things of this installation lie: its socket, its own key, its build."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import tempfile
from pathlib import Path

SOCKET_LENGTH = 100  # a unix socket's path may have some 104 to 108 bytes, by system


def socket(var: Path) -> Path:
    """The embedded Valkey's socket: in the var folder, or, where that path is too long or odd, in one of /tmp.

    Every process computes it from the folder alone, so that all agree.
    """
    path = var / "kv.sock"
    if len(os.fsencode(path)) <= SOCKET_LENGTH and re.fullmatch(r"[\w./+-]+", str(path), re.ASCII):
        return path
    mark = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return Path("/tmp") / f"quantum-{os.getuid()}-{mark}" / "kv.sock"


def private_folder(folder: Path) -> None:
    """Make the folder for us alone; refuse one that somebody else made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else: remove it, or choose another folder with QT_VAR.")


def forget(path: Path) -> None:
    """Remove the socket's folder in /tmp, if nothing else is in it."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def secret_key(path: Path) -> str:
    """The installation's own random key, made at first start, readable by its owner alone."""
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # mode 600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):  # another process was faster: its key counts
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text().strip()


def build(git: Path) -> str:
    """The commit that runs, in short; "unknown" where the code came without its history."""
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head[:12]
        ref = git / head.removeprefix("ref: ")
        if ref.exists():
            return ref.read_text().strip()[:12]
        packed = (git / "packed-refs").read_text().splitlines()
        return next(line.split()[0][:12] for line in packed if line.endswith(" " + head.removeprefix("ref: ")))
    except (OSError, StopIteration):
        return "unknown"


def code(base: Path) -> str:
    """A short hash over the program's own files as they are now; a process takes it as it starts.

    The commit alone does not tell: files may differ from it, and a process may be older than a pull.
    """
    found = hashlib.sha256()
    for folder in ("quantum", "trading", "monitoring"):
        for path in sorted((base / folder).rglob("*.py")):
            with contextlib.suppress(OSError):  # an editor is replacing it at this very moment
                found.update(str(path.relative_to(base)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]
