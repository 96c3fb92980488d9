"""Django settings. What differs between installations comes from `env` and from the data directory's secrets."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from inference.protocol.tls import TlsFiles
from modelyard import databases, env, rest, theme
from modelyard.installation import Installation

ENV = env.read(os.environ)
INSTALLATION = Installation.at(ENV.data_dir)
ROOT = Path(__file__).resolve().parents[2]

DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key or INSTALLATION.load_secrets().django_secret_key
DATABASE_URL = ENV.database_url or INSTALLATION.database_url
DATABASES = {
    "default": databases.django_settings(DATABASE_URL, application_name=os.environ.get("MODELYARD_ROLE", "modelyard"))
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
BOUND_TO_LOOPBACK = ENV.host in {"127.0.0.1", "localhost", "::1"}
ALLOWED_HOSTS = list(ENV.allowed_hosts or (LOOPBACK if BOUND_TO_LOOPBACK else ("*",)))
CSRF_TRUSTED_ORIGINS = [ENV.base_url.rstrip("/")] if ENV.base_url else []
BEHIND_TLS_PROXY = ENV.base_url.startswith("https://") and not ENV.tls_cert
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS_PROXY or bool(ENV.tls_cert)
# Believed only when a proxy is said to be there: else any client could set it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
SESSION_COOKIE_NAME = f"modelyard_session_{ENV.port}"  # cookies ignore ports: two installations on one host stay apart
CSRF_COOKIE_NAME = f"modelyard_csrf_{ENV.port}"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    # Only `runserver` needs it, and its imports cost every other process 0.15 s.
    *(["daphne"] if "runserver" in sys.argv else []),
    "modelyard",
    "pages",
    "openai_api",
    "registry",
    # Of Django REST framework and its companions only what has files to serve: the rest is imported with the URLs.
    "drf_spectacular_sidecar",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "modelyard.compression.Compression",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pages.languages.Languages",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "modelyard.urls"
ASGI_APPLICATION = "modelyard.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
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

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文"), ("zh-hant", "繁體中文")]
LOCALE_PATHS = [ROOT / "locale"]
LANGUAGE_COOKIE_NAME = "modelyard_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = ENV.time_zone
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
STATICFILES_FINDERS = [
    "modelyard.icons.IconFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
WHITENOISE_USE_FINDERS = True
# WhiteNoise reads files synchronously, which Django notes at every static file; these are small and local.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "chat"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

os.environ.update(databases.libpq_environment(DATABASE_URL))
CELERY_BROKER_URL = ENV.broker_url or databases.broker_url(DATABASE_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {} if ENV.broker_url else databases.BROKER_TRANSPORT_OPTIONS

# The registry and the gateway read these names and never the environment.
MODELYARD_API_KEY = ENV.api_key
MODELYARD_ANONYMOUS = ENV.anonymous
MODELYARD_NODE_NAME = ENV.node_name
MODELYARD_MAX_BODY_BYTES = int(ENV.max_body_mb * 1_000_000)
MODELYARD_REQUEST_TIMEOUT_S = ENV.request_timeout_s
MODELYARD_MAX_WAITING = ENV.max_waiting
MODELYARD_QUEUE_TIMEOUT_S = ENV.queue_timeout_s
MODELYARD_KEEPALIVE_S = ENV.keepalive_s
MODELYARD_BODY_TIMEOUT_S = ENV.body_timeout_s
MODELYARD_BODY_IDLE_S = ENV.body_idle_s
MODELYARD_IMAGE_HOSTS = ENV.image_hosts
MODELYARD_ARENA_VOTES_PER_HOUR = ENV.arena_votes_per_hour
MODELYARD_CORS_ORIGINS = frozenset(ENV.cors_origins)
MODELYARD_WORKER_LOGIN_GIVEN = bool(ENV.worker_database_url)
MODELYARD_HEARTBEAT_URL = (
    databases.given_worker_url(ENV.worker_database_url)
    if ENV.worker_database_url
    else databases.worker_url(DATABASE_URL, secret_key=SECRET_KEY)
)
MODELYARD_WORKER_TLS = TlsFiles(ENV.worker_tls_ca, ENV.worker_tls_cert, ENV.worker_tls_key)
MODELYARD_OWNS_SERVER = not ENV.database_url
MODELYARD_LOG_DIR = INSTALLATION.log_dir
MODELYARD_RUN_DIR = INSTALLATION.run_dir
MODELYARD_SPOOL_DIR = INSTALLATION.data_dir / "spool"
MODELYARD_CACHE_DIR = INSTALLATION.models_dir

UNFOLD = theme.UNFOLD
REST_FRAMEWORK, SPECTACULAR_SETTINGS = rest.REST_FRAMEWORK, rest.SPECTACULAR_SETTINGS

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": ENV.log_level},
    "loggers": {
        "django.channels.server": {"level": "WARNING"},
        "pgmq": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
    },
}
