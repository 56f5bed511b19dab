"""`.env.example` names every setting once, with one comment and a safe value."""

import re

from quantum.config import BASE, SECRETS, Config, dotenv, load

EXAMPLE = BASE / ".env.example"


def test_it_lists_every_setting_and_nothing_else():
    names = re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", EXAMPLE.read_text(), re.M)
    assert sorted(names) == sorted(Config.model_fields)


def test_it_can_be_used_as_it_is():
    values, problems = dotenv(EXAMPLE)
    assert problems == []
    given = {name: value for name, value in values.items() if value}
    config = load({}, values)
    assert config.mode == "practice"
    assert config == load({}), "a value in .env.example differs from the default"
    assert not SECRETS & set(given)


def test_every_setting_has_one_comment_above_it():
    lines = EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"[A-Z][A-Z0-9_]+=", line):
            assert lines[number - 1].startswith("# "), line
            assert not lines[number - 2].startswith("# ") or lines[number - 2].startswith("# --"), line


def test_a_setting_without_effect_says_so():
    """A setting that no code asks for is marked, and the mark goes when it is asked for."""
    files = [path for folder in ("quantum", "trading", "monitoring") for path in (BASE / folder).rglob("*.py")]
    code = "\n".join(path.read_text() for path in files if path.name not in ("legacy.py", "knobs.py"))
    built = tuple(re.findall(r'f"(QT_[A-Z_]+_)\{', code))  # names put together, as QT_POLICY_MIN_CONF_{regime}
    unused = {name for name in Config.model_fields if len(re.findall(rf"\b{name}\b", code)) == 1}
    unused -= {name for name in unused if name.startswith(built)}
    marked = set(re.findall(r"^# .*\(not used yet\)\n([A-Z_0-9]+)=", EXAMPLE.read_text(), re.M))
    assert marked == unused
