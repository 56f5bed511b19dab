import pytest

from quantum.config import BASE, Config, ConfigError, dotenv, load, read
from quantum.legacy import MEANINGLESS, RENAMED

LIVE = {
    "QT_MODE": "live",
    "QT_PAPER_TRADING": "false",
    "STAGING_MODE": "false",
    "QT_ENABLE_EXECUTION": "true",
    "QT_API_KEY": "k",
    "QT_API_SECRET": "s",
}
TESTNET = {"QT_MODE": "testnet", "QT_API_KEY": "k", "QT_API_SECRET": "s"}


def refused(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(environ)
    return error.value.problems


def test_nothing_set_is_practice_with_the_documented_defaults():
    config = load({})
    assert (config.mode, config.timeframe, config.data_source, config.database_name) == (
        "practice",
        "1m",
        "synthetic",
        "practice",
    )
    assert config.practising and config.execution_enabled
    assert config.var == BASE / "var"
    assert (config.PORT, config.practice_port, config.max_data_age.total_seconds()) == (8000, 8100, 90)


@pytest.mark.parametrize(
    "environ",
    [
        {"QT_PAPER_TRADING": "true"},
        {"STAGING_MODE": "true"},
        {"STAGING_MODE": "false"},
        {"QT_ENABLE_EXECUTION": "false"},
        TESTNET,
        TESTNET | {"QT_PAPER_TRADING": "false", "STAGING_MODE": "true"},
        {"QT_API_KEY": "k", "QT_API_SECRET": "s"},
        {"QT_SYMBOLS": "BTC/USDT:USDT, ETHUSDT"},
        {"DATABASE_URL": "postgres://u:p@h:5432/n", "REDIS_URL": "rediss://h/3"},
        {"QT_IM_MODULE": "ibus", "QT_ACCESSIBILITY": "1", "QT_QPA_PLATFORMTHEME": "gtk3"},  # a Linux desktop
        {"QT_KILL_SWITCH": "", "QT_MAX_POSITIONS": "  "},  # blank is unset
        {"HOME": "/x", "PATH": "/bin"},
    ],
)
def test_what_fits_the_table_of_modes_is_taken(environ):
    assert load(environ)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"QT_PAPER_TRADING": "false"}, ["QT_PAPER_TRADING=false contradicts QT_MODE=practice"]),
        ({"QT_MARGIN_MODE": "cross"}, ["QT_MARGIN_MODE=cross: how far liquidation is can't be told there yet"]),
        (TESTNET | {"QT_PAPER_TRADING": "true"}, ["QT_PAPER_TRADING=true contradicts QT_MODE=testnet"]),
        ({"QT_MODE": "testnet"}, ["needs QT_API_KEY", "needs QT_API_SECRET"]),
        ({"QT_MODE": "paper", "QT_PAPER_TRADING": "false"}, ["QT_PAPER_TRADING=false contradicts QT_MODE=paper"]),
        ({"QT_MODE": "paper", "QT_PRACTICE_DATA": "."}, ["QT_PRACTICE_DATA is set, but QT_MODE=paper relays"]),
        ({"QT_MODE": "paper", "QT_PRACTICE_SPEED": "2"}, ["QT_PRACTICE_SPEED=2: a relayed market goes as it goes"]),
        ({"QT_RELAY_URL": "http://fapi.binance.com"}, ["QT_RELAY_URL=http://fapi.binance.com must be https://fapi"]),
        (
            {"QT_RELAY_URL": "https://fapi.binance.com.evil.example"},
            ["must be https://fapi.binance.com, or a practice"],
        ),
        ({"QT_RELAY_URL": "https://u:geheim@fapi.binance.com"}, ["QT_RELAY_URL=https://fapi.binance.com must be"]),
        ({"QT_RELAY_URL": "http://10.0.0.1:8200"}, ["or a practice exchange on this machine, with a port"]),
        ({"QT_RELAY_URL": "http://127.0.0.1:x"}, ["QT_RELAY_URL=http://127.0.0.1:x has no usable port"]),
        ({"QT_RELAY_URL": "http://127.0.0.1:8100"}, ["is an address of this house itself"]),
        (LIVE, ["arming is not built yet"]),
        (LIVE | {"STAGING_MODE": "true"}, ["arming is not built yet", "STAGING_MODE=true contradicts QT_MODE=live"]),
        (LIVE | {"STAGING_MODE": ""}, ["arming is not built yet", "STAGING_MODE=(unset)"]),
        (LIVE | {"QT_PAPER_TRADING": "true"}, ["arming is not built yet", "QT_PAPER_TRADING=true"]),
        (LIVE | {"QT_ENABLE_EXECUTION": ""}, ["arming is not built yet", "QT_ENABLE_EXECUTION=(unset)"]),
        ({"QT_MODE": "prod"}, ["QT_MODE must be 'practice', 'paper', 'testnet' or 'live'"]),
        ({"QT_API_KEY": "k"}, ["QT_API_KEY is set but QT_API_SECRET is not"]),
        ({"QT_SECRET_KEY": "short"}, ["QT_SECRET_KEY must have at least 50"]),
        ({"QT_BACKSTOP_ATR": "1.5"}, ["QT_BACKSTOP_ATR=1.5 must lie beyond QT_STOP_ATR=1.5"]),
        ({"QT_BACKSTOP_ATR": "1.8"}, ["QT_BACKSTOP_ATR=1.8 must lie beyond QT_STOP_ATR=1.5, at least 1.25 times"]),
        ({"QT_RISK_PER_TRADE": "0.04"}, ["QT_RISK_PER_TRADE=0.04 is more than QT_MAX_OPEN_RISK=0.03"]),
        ({"QT_MAX_POSITIONS": "six"}, ["QT_MAX_POSITIONS must be a valid integer", "'six'"]),
        ({"QT_MAX_POSITIONS": "0"}, ["QT_MAX_POSITIONS must be greater than or equal to 1; it was '0'"]),
        ({"QT_MAX_DAILY_LOSS": "-0.03"}, ["QT_MAX_DAILY_LOSS must be greater than 0"]),
        ({"QT_MAX_CORRELATION": "nan"}, ["QT_MAX_CORRELATION must be a finite number"]),
        ({"QT_TARGET_R": "inf"}, ["QT_TARGET_R must be"]),
        ({"QT_POLICY_MIN_CONF_TRENDING": "0.18"}, ["QT_POLICY_MIN_CONF_TRENDING must be greater"]),
        ({"QT_ENABLE_EXECUTION": "maybe"}, ["QT_ENABLE_EXECUTION must be a valid boolean"]),
        ({"QT_TIMEFRAME": "2h"}, ["QT_TIMEFRAME must be"]),
        ({"PORT": "70000"}, ["PORT must be less than or equal to 65535"]),
        ({"PORT": "8100"}, ["PORT=8100 is the practice exchange's port too"]),
        ({"QT_PRACTICE_URL": "https://fapi.binance.com"}, ["QT_PRACTICE_URL=https://fapi.binance.com must be http"]),
        ({"QT_PRACTICE_URL": "http://127.0.0.1"}, ["with a port"]),
        ({"QT_PRACTICE_URL": "http://127.0.0.1:x"}, ["has no usable port"]),
        ({"QT_PRACTICE_URL": "http://127.0.0.1.evil.example:8100"}, ["on this machine"]),
        ({"QT_PRACTICE_URL": "http://[::1]:8100"}, ["on this machine"]),
        ({"QT_PRACTICE_URL": "http://u:geheim@127.0.0.1:8100"}, ["QT_PRACTICE_URL=http://127.0.0.1:8100 must be http"]),
        ({"QT_PRACTICE_DATA": "/nowhere/at/all"}, ["QT_PRACTICE_DATA=/nowhere/at/all: there is no such"]),
        (
            {"QT_TESTNET_URL": "https://fapi.binance.com"},
            ["QT_TESTNET_URL=https://fapi.binance.com must be a practice"],
        ),
        (
            {"QT_TESTNET_URL": "https://demo-fapi.binance.com.evil.example"},
            ["must be a practice exchange on this machine"],
        ),
        ({"QT_TESTNET_URL": "http://demo-fapi.binance.com"}, ["or https://demo-fapi.binance.com."]),
        ({"QT_TESTNET_URL": "http://10.0.0.1:8200"}, ["must be a practice exchange on this machine"]),
        ({"QT_TESTNET_URL": "http://127.0.0.1"}, ["with a port"]),
        ({"QT_TESTNET_URL": "http://127.0.0.1:x"}, ["has no usable port"]),
        ({"QT_TESTNET_URL": "http://u:geheim@127.0.0.1:8200"}, ["QT_TESTNET_URL=http://127.0.0.1:8200 must be"]),
        ({"QT_TESTNET_URL": "http://127.0.0.1:8100"}, ["is this house's own practice exchange"]),
        ({"QT_TESTNET_URL": "http://127.0.0.1:8000"}, ["PORT=8000 is the port of QT_TESTNET_URL too"]),
        (TESTNET | {"QT_PRACTICE_DATA": "."}, ["plays no recorded market"]),
        ({"QT_SYMBOLS": "BTC-USDT,ETH/USDT:USDT"}, ["QT_SYMBOLS has 'BTC-USDT'"]),
        ({"QT_SYMBOLS": " , "}, ["QT_SYMBOLS=, names no symbol"]),
        ({"DATABASE_URL": "mysql://u:geheim@h/n"}, ["DATABASE_URL must look like postgres://"]),
        ({"DATABASE_URL": "postgres://u:geheim@h:5432"}, ["DATABASE_URL names no database"]),
        ({"DATABASE_URL": "postgres://u:geheim@h:port/n"}, ["DATABASE_URL must look like"]),
        ({"REDIS_URL": "http://h"}, ["REDIS_URL must look like redis://"]),
        ({"REDIS_URL": "redis://h/abc"}, ["REDIS_URL must end in the number of a database"]),
        ({"QT_VAR": __file__}, ["is a file"]),
        ({"QT_VAR": f"{__file__}/var"}, ["is a file"]),
        ({"QT_NO_ENTRIES": "true"}, ["QT_NO_ENTRIES is no setting of Quantum"]),
        ({"QT_SELECT_SYMBOLS": "BTCUSDT"}, ["QT_SELECT_SYMBOLS is no setting of Quantum"]),
        ({"QT_MAX_POSITION": "3"}, ["QT_MAX_POSITION is no setting of Quantum: did you mean QT_MAX_POSITIONS?"]),
        ({"qt_mode": "live"}, ["qt_mode is no setting of Quantum: did you mean QT_MODE?"]),
        ({"QT_ZZZ": "3"}, ["QT_ZZZ is no setting of Quantum: .env.example lists them all."]),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(environ, says):
    problems = refused(environ)
    assert len(problems) == len(says) or len(says) == 2 and len(problems) == 1
    text = "\n".join(problems)
    assert all(part in text for part in says), text
    assert "geheim" not in text


@pytest.mark.parametrize("name", sorted(RENAMED))
def test_a_renamed_setting_says_its_new_name(name):
    (problem,) = refused({name: "1"})
    new = RENAMED[name].split()[0].split("=")[0]
    assert problem == f"{name} was renamed to {RENAMED[name]}."
    assert new in Config.model_fields


@pytest.mark.parametrize("name", [*sorted(MEANINGLESS), "QT_AI_PAL_MODE", "QT_LIQUIDITY_MIN"])
def test_a_meaningless_setting_says_why(name):
    (problem,) = refused({name: "1"})
    assert problem.startswith(f"{name} has no meaning now, because ")


def test_no_name_of_ours_is_called_a_name_of_the_past():
    assert not (set(RENAMED) | set(MEANINGLESS)) & set(Config.model_fields)


def test_all_problems_are_told_at_once():
    problems = refused({"QT_MODE": "live", "QT_MAX_POSITIONS": "x", "QT_SL_PCT": "1", "QT_BACKSTOP_ATR": "1"})
    names = ("QT_MODE", "QT_MAX_POSITIONS", "QT_SL_PCT", "QT_BACKSTOP_ATR", "STAGING_MODE", "QT_API_KEY")
    assert all(any(name in problem for problem in problems) for name in names)


def test_keys_can_come_from_files(tmp_path):
    for name in ("key", "secret"):
        (tmp_path / name).write_text(f"my-{name}\n")
    files = {"QT_API_KEY_FILE": str(tmp_path / "key"), "QT_API_SECRET_FILE": str(tmp_path / "secret")}
    config = load({"QT_MODE": "testnet"} | files)
    assert (config.QT_API_KEY, config.QT_API_SECRET) == ("my-key", "my-secret")
    assert "my-key" not in repr(config) and "my-secret" not in repr(config)
    assert any("both set" in problem for problem in refused(files | {"QT_API_KEY": "k"}))
    assert any("can't be read: No such file" in p for p in refused({"QT_API_KEY_FILE": str(tmp_path / "none")}))
    (tmp_path / "key").write_text("\n")
    assert any("is empty" in problem for problem in refused(files))


def test_secrets_are_never_printed():
    secrets = {
        "QT_API_KEY": "geheim1",
        "QT_API_SECRET": "geheim2",
        "DATABASE_URL": "postgres://u:geheim3@h/n",
        "REDIS_URL": "redis://:geheim4@h/0",
        "QT_SECRET_KEY": "geheim5" * 10,
    }
    config = load(secrets)
    assert "geheim" not in repr(config) + str(config)
    assert load(secrets).fingerprint == load({}).fingerprint
    assert load({"QT_MAX_POSITIONS": "5"}).fingerprint != load({}).fingerprint


def test_an_env_file_is_read_and_the_environment_wins(tmp_path):
    path = tmp_path / "env"
    path.write_text("# mine\nQT_MAX_POSITIONS=4\nexport PORT='8123'\nQT_COOLDOWN_SECONDS=60 # a minute\n\n")
    config = read({"QT_ENV_FILE": str(path), "QT_COOLDOWN_SECONDS": "30"})
    assert (config.QT_MAX_POSITIONS, config.PORT, config.QT_COOLDOWN_SECONDS) == (4, 8123, 30)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("DATABSE_URL=x\n", "line 1: DATABSE_URL is no setting"),
        ("\nPORT=1\nQT_MODE\n", "line 3: is not NAME=value"),
        ("QT_MODE='practice\n", "line 1: is not NAME=value"),
        ("PORT=1\nPORT=1\nPORT=2\n", "line 3: PORT was set to something else above"),
        ("QT_ENV_FILE=/elsewhere\n", "line 1: QT_ENV_FILE counts in the environment alone"),
    ],
)
def test_a_broken_env_file_names_its_line(tmp_path, text, says):
    path = tmp_path / "env"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        load({}, *dotenv(path))


def test_an_unreadable_env_file_is_refused_and_an_absent_one_is_nothing(tmp_path):
    (tmp_path / "env").write_bytes(b"\xff\xfe=1")
    assert "can't be read" in dotenv(tmp_path / "env")[1][0]
    assert dotenv(tmp_path / "none") == ({}, [])


def test_a_named_env_file_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="prod.env: there is no such file"):
        read({"QT_ENV_FILE": str(tmp_path / "prod.env")})


def test_a_blank_in_the_environment_does_not_undo_what_the_file_says(tmp_path):
    (tmp_path / "env").write_text("QT_ENABLE_EXECUTION=false\n")
    assert not read({"QT_ENV_FILE": str(tmp_path / "env"), "QT_ENABLE_EXECUTION": ""}).execution_enabled


def test_each_market_has_a_database_of_its_own(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    recorded = {"QT_PRACTICE_DATA": str(folder)}
    names = [
        load(environ).database_name
        for environ in (
            {},
            {"QT_PRACTICE_SEED": "8"},
            {"QT_TIMEFRAME": "5m"},
            recorded,
            TESTNET | {"QT_TIMEFRAME": "4h"},
        )
    ]
    assert names == ["practice", "practice-seed-8", "practice-5m", "practice-my_data", "testnet"]
    assert load(recorded).data_source == "recorded:my data"
    assert load({}).venue == "the practice exchange (synthetic, seed 7, 1m candles)"


def test_testnet_trades_at_the_demo_environment_or_at_a_stand_in_and_nothing_mixes():
    demo, stand_in = load(TESTNET), load(TESTNET | {"QT_TESTNET_URL": "http://127.0.0.1:8200/"})
    official = load(TESTNET | {"QT_TESTNET_URL": "https://demo-fapi.binance.com"})
    assert (demo.stand_in_url, official.stand_in_url, stand_in.stand_in_url) == ("", "", "http://127.0.0.1:8200")
    assert demo.venue == official.venue == "binanceusdm demo" and stand_in.venue == "the stand-in at 127.0.0.1:8200"
    assert (demo.database_name, stand_in.database_name) == ("testnet", "testnet-stand-in-8200")
    sources = {config.data_source for config in (demo, stand_in, load({}))}
    assert sources == {"binanceusdm-demo", "stand-in", "synthetic"}
    assert demo.must_be_started and not load({}).must_be_started


def test_paper_relays_the_venue_or_a_stand_in_and_nothing_mixes():
    paper = load({"QT_MODE": "paper"})
    stand_in = load({"QT_MODE": "paper", "QT_RELAY_URL": "http://127.0.0.1:8200/", "QT_TIMEFRAME": "1m"})
    assert (paper.relay_url, stand_in.relay_url) == ("https://fapi.binance.com", "http://127.0.0.1:8200")
    assert (paper.database_name, stand_in.database_name) == ("paper", "paper-stand-in-8200-1m")
    assert (paper.data_source, stand_in.data_source) == ("binanceusdm", "stand-in")
    assert paper.venue == "the practice exchange (binanceusdm relayed, 1h candles)"
    assert stand_in.venue == "the practice exchange (the stand-in at 127.0.0.1:8200 relayed, 1m candles)"
    assert load({}).relay_url == "" and paper.practising and not paper.must_be_started


def test_two_installations_never_share_a_queue():
    names = {
        load(environ).namespace
        for environ in (
            {},
            {"QT_VAR": "/elsewhere"},
            {"DATABASE_URL": "postgres://h/one"},
            {"DATABASE_URL": "postgres://h/two"},
            TESTNET | {"DATABASE_URL": "postgres://h/two"},
        )
    }
    assert len(names) == 5
