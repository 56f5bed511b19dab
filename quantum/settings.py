"""Django's settings. Everything that varies comes from `quantum.config`; nothing here reads the environment itself."""

import os
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

from quantum import logs, places, refusal
from quantum.config import BASE, ConfigError, read
from quantum.sidebar import UNFOLD  # noqa: F401 - how the admin is laid out

try:
    QUANTUM = read(os.environ)
except ConfigError as error:
    sys.stdout.write(refusal.answer(error.problems, sys.argv))
    sys.stderr.write(refusal.told(error.problems, sys.argv))
    raise SystemExit(refusal.EXIT) from None

BASE_DIR = BASE
VAR = QUANTUM.var
try:
    VAR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    sys.stderr.write(f"Quantum can't make its folder {VAR} (QT_VAR): {error.strerror}.\n")
    raise SystemExit(2) from None

SECRET_KEY = QUANTUM.QT_SECRET_KEY or places.secret_key(VAR / "secret-key")
VERSION = "0.3.0"
BUILD = places.build(BASE / ".git")
CODE = places.code(BASE)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "django_celery_beat",
    "ninja",
    "trading",
    "monitoring",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "monitoring.show.csp.ContentSecurityPolicy",
    "monitoring.show.api.errors.ApiErrors",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "monitoring.show.tongue.ReadersLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "quantum.urls"
ASGI_APPLICATION = "quantum.asgi.application"


def database(url: str) -> dict:
    """Django's entry for a database URL; SQLite (WAL, IMMEDIATE, FULL) in the var folder where there is none."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR / f"{QUANTUM.database_name}.sqlite3",
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
            "TEST": {"NAME": VAR / f"test-{os.getpid()}.sqlite3"},
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "application_name": f"quantum-{QUANTUM.mode}",
            "options": "-c lock_timeout=20000 -c idle_in_transaction_session_timeout=60000",
            **dict(parse_qsl(parts.query)),
        },
        "TEST": {"NAME": f"test_quantum_{os.getpid()}"},
    }


DATABASES = {"default": database(QUANTUM.DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Failed logins are counted in a room of their own, so that nothing else that is kept for a while pushes them out.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "logins": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "logins",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

# Redis: the user's own, or the embedded Valkey on a unix socket. Broker and channel layer share it.
SOCKET = places.socket(VAR)
if QUANTUM.REDIS_URL:
    CELERY_BROKER_URL = LAYER_URL = QUANTUM.REDIS_URL
else:
    CELERY_BROKER_URL = f"redis+socket://{SOCKET}?virtual_host=0"
    LAYER_URL = f"unix://{SOCKET}?db=0"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [LAYER_URL], "prefix": QUANTUM.namespace},
    }
}

CELERY_TASK_DEFAULT_QUEUE = f"{QUANTUM.mode}-work"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # a task that sends orders is never cut in two
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: the supervisor brings the broker back
CELERY_BROKER_CONNECTION_TIMEOUT = 4
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 0.5}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 4,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "global_keyprefix": f"{QUANTUM.namespace}-",
}
CELERY_BEAT_SCHEDULER = "quantum.hearts:BeatingScheduler"
CELERY_TIMEZONE = "UTC"
DJANGO_CELERY_BEAT_TZ_AWARE = True

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nb", "Norsk bokmål")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE / "locale"]
FORMAT_MODULE_PATH = ["quantum.formats"]
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LOGGING_CONFIG = "quantum.logs.configure"
LOGGING = logs.settings(QUANTUM.QT_LOG_FORMAT, BUILD, logs.known_secrets(QUANTUM.model_dump(), SECRET_KEY), sys.argv)
