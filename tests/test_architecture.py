"""The house's one structural law: dependencies point one way."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAGES = ["exchange", "feed", "forecast", "gates", "orders", "positions"]
SHELLS = {
    "modules.py",
    "rows.py",
    "gateway.py",
    "stream.py",
    "store.py",
    "sender.py",
    "keeper.py",
    "positions/care.py",
    "positions/looking.py",
    "positions/entering.py",
    "positions/closing.py",
    "positions/accounting.py",
    "universe.py",
    "guard.py",
    "trimmer.py",
    "reckoning.py",
    "amends.py",
    "sightings.py",
    "canary.py",
    "givingback.py",
    "preflight.py",
    "outcomes.py",
    "oversight.py",
}


def imports(path: Path) -> set[str]:
    """Every module that the file imports, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files(folder: str) -> list[Path]:
    return sorted(p for p in (ROOT / folder).rglob("*.py") if "migrations" not in p.parts)


def test_a_stage_imports_only_stages_to_its_left():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for i, stage in enumerate(STAGES)
        for path in files(f"trading/{stage}")
        for name in imports(path)
        for right in STAGES[i + 1 :]
        if name == f"trading.{right}" or name.startswith(f"trading.{right}.")
    ]
    assert wrong == []


def test_trading_imports_neither_monitoring_nor_quantum():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files("trading")
        for name in imports(path)
        if name.split(".")[0] in ("monitoring", "quantum")
    ]
    assert wrong == []


def test_in_monitoring_nothing_imports_show_but_show_itself():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for part in ("watch", "control")
        for path in files(f"monitoring/{part}")
        for name in imports(path)
        if name.startswith("monitoring.show")
    ]
    assert wrong == []


def test_the_practice_exchange_imports_nothing_of_the_stages():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files("trading/practice")
        for name in imports(path)
        if name.startswith("trading.") and not name.startswith("trading.practice")
    ]
    assert wrong == []


def test_only_the_command_and_replay_import_the_practice_exchange():
    allowed = {"trading/management/commands/practice.py", "trading/management/commands/replay.py"}
    wrong = [
        str(path.relative_to(ROOT))
        for path in files("trading") + files("monitoring") + files("quantum")
        if "practice" not in path.parts[:-1]
        and str(path.relative_to(ROOT)) not in allowed
        and any(name.startswith("trading.practice") for name in imports(path))
    ]
    assert wrong == []


def test_only_the_gateway_imports_ccxt():
    wrong = [
        str(path.relative_to(ROOT))
        for path in files("trading") + files("monitoring") + files("quantum")
        if path != ROOT / "trading/exchange/gateway.py" and any(n.split(".")[0] == "ccxt" for n in imports(path))
    ]
    assert wrong == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_that_decides_is_pure(stage):
    """No Django, no rows, no clock outside the shells with fixed names."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(f"trading/{stage}")
        if not {path.name, f"{path.parent.name}/{path.name}"} & SHELLS
        for name in imports(path)
        if name.split(".")[0] == "django" or name.startswith("trading.models")
    ]
    assert wrong == []


def test_only_settings_and_config_read_the_environment():
    allowed = {
        "quantum/config.py",
        "quantum/settings.py",
        "quantum/celery.py",
        "quantum/asgi.py",
        "quantum/supervisor.py",
    }
    wrong = [
        str(path.relative_to(ROOT))
        for path in files("trading") + files("monitoring") + files("quantum")
        if str(path.relative_to(ROOT)) not in allowed
        and any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert wrong == []
