"""Everything that a page or a report says is said in Norwegian too: collected, translated, compiled, and shown."""

from __future__ import annotations

import ast
import gettext
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import po

HOME = Path(__file__).parent.parent
CATALOGUE = HOME / "locale/nb/LC_MESSAGES/django.po"
CODE = [p for part in ("monitoring", "trading", "quantum") for p in (HOME / part).rglob("*.py")]
TEMPLATES = sorted((HOME / "templates").rglob("*.html"))
SCRIPTS = sorted((HOME / "static/js").glob("*.js"))
PLACES = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+(?::\w+)?\}")
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}  # what the collector knows
ENTRIES = po.read(CATALOGUE)


def test_everything_that_is_said_has_been_collected(tmp_path):
    if not shutil.which("xgettext"):
        assert not os.environ.get("CI"), "xgettext is missing: apt-get install gettext"
        pytest.skip("xgettext is missing, so texts can't be collected here; CI does it")
    for name in ("monitoring", "trading", "quantum", "templates", "manage.py", "locale"):
        (shutil.copytree if (HOME / name).is_dir() else shutil.copy)(HOME / name, tmp_path / name)
    found = {(entry.key, entry.plural) for entry in po.read(messages().collect(tmp_path))}
    known = {(entry.key, entry.plural) for entry in ENTRIES}
    new, gone = sorted(found - known), sorted(known - found)
    assert not new, "run make messages, and translate what is new"
    assert not gone, "run make messages: these are said no more"


def messages():
    """ops/messages.py, which is run and not imported elsewhere."""
    spec = importlib.util.spec_from_file_location("messages", HOME / "ops/messages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_text_is_translated_and_none_is_a_guess():
    assert not [one.id for one in ENTRIES if not all(one.told.values()) or len(one.told) != (2 if one.plural else 1)]
    assert not [one.id for one in ENTRIES if "fuzzy" in one.flags]


def test_a_translation_has_the_places_of_its_text():
    told = [(one.plural if n else one.id, told) for one in ENTRIES for n, told in one.told.items()]
    assert not [text for text, said in told if set(PLACES.findall(said)) != set(PLACES.findall(text))]


def test_a_translation_ends_as_its_text_ends():
    """A sentence stays a sentence, and a space that does not break stays one."""
    ends = [one.id for one in ENTRIES if one.id[-1] in ".?:" and one.told[0][-1] != one.id[-1]]
    spaces = [one.id for one in ENTRIES if ("\u00a0" in one.id) != ("\u00a0" in one.told[0])]
    assert not ends
    assert not spaces


def test_the_compiled_catalogue_is_that_of_the_texts():
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    known = {name: told for name, told in compiled._catalog.items() if name}
    wanted = {}
    for one in ENTRIES:
        assert not one.context
        wanted |= {(one.id, n): told for n, told in one.told.items()} if one.plural else {one.id: one.told[0]}
    assert known == wanted, "run make messages"


# -- what the collector can't see -------------------------------------------------------------------------------------


def marked(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS and node.args:
            yield node


def test_no_marked_text_hides_from_the_collector():
    """Within an f-string, or with an escape like \\u00a0, it would not be found under the name that is asked for."""
    assert not [f"{path.relative_to(HOME)}:{line}" for path in CODE for line in hidden(path.read_text("utf-8"))]
    assert list(hidden('f"{_(\'one\')}"\n_(f"two")\n_("\\\\u00a0")\n_("four")')) == [1, 2, 3]


def test_marks_have_names_that_the_collector_knows():
    imported = re.compile(r"^from django\.utils\.translation import (.*)$", re.MULTILINE)
    names = {name for path in CODE for line in imported.findall(path.read_text("utf-8")) for name in line.split(", ")}
    assert {name for name in names if " as " in name} <= {f"{mark} as _" for mark in MARKS}


def hidden(source: str) -> Iterator[int]:
    tree = ast.parse(source)
    formatted = [call for one in ast.walk(tree) if isinstance(one, ast.JoinedStr) for call in marked(one)]
    yield from (call.lineno for call in formatted if isinstance(call.args[0], ast.Constant))
    texts = [arg for call in marked(tree) for arg in call.args]
    yield from (one.lineno for one in texts if isinstance(one, ast.JoinedStr))
    constants = [one for one in texts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    yield from (one.lineno for one in constants if r"\u" in (ast.get_source_segment(source, one) or ""))


NAMES = {  # what is called the same in every language
    "Quantum", "API", "USDT", "UTC", "R", "ms", "s", "p", "PostgreSQL", "sqlite3", "practice", "paper", "testnet",
    "live", "TRADED", "FLAT", "BTCUSDT", "Enter", "Esc", "make run", "planned", "submitted", "AUC", "1 R", "bps",
    "TradingView Lightweight Charts™", "QT_MAX_POSITIONS",
}  # fmt: skip
TRANSLATED = re.compile(r"\{%\s*blocktranslate.*?\{%\s*endblocktranslate\s*%\}", re.DOTALL)
MARKUP = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->", re.DOTALL)
SAID = re.compile(r'\b(?:title|aria-label|placeholder|alt|data-label|data-suffix|data-said)="([^"]*)"')


def spoken(template: str) -> set[str]:
    """The words that stand in a template outside of what is translated."""
    text = MARKUP.sub("\n", TRANSLATED.sub("\n", template))
    text = re.sub(r"<(script|style|svg|kbd)\b.*?</\1>", "\n", text, flags=re.DOTALL)
    pieces = [*SAID.findall(text), *re.sub(r"<[^>]*>", "\n", text).splitlines()]
    plain = (re.sub(r"&\w+;", " ", piece).strip(" .,:;/·×%()=+−") for piece in "\n".join(pieces).splitlines())
    return {re.sub(r"\s+", " ", piece) for piece in plain if re.search("[A-Za-z]", piece)}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_is_not_translated(path):
    assert spoken(path.read_text(encoding="utf-8")) <= NAMES


def test_what_a_template_says_outright_is_seen():
    assert spoken('<p title="Some help">{{ n }} <b>signals</b> {% translate "rejected" %}</p>') == {
        "Some help",
        "signals",
    }


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_only_the_words_that_the_page_brings(path):
    from monitoring.show.scripts import WORDS

    source = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    assert set(re.findall(r'\bsay\("([^"]+)"', source)) <= WORDS.keys() or path.name == "find.js"
    own = re.sub(r"new Error\([^)]*\)|console\.\w+\([^)]*\)", "", source)
    assert not re.findall(r"""["'`][A-Z][a-z]+ [a-z][^"'`]*["'`]""", own)
