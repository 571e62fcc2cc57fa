"""Django's settings, made from the environment alone; `docs/howto/serve.md` lists the variables.

DATABASE_URL             sqlite:///path or postgresql://user:password@host:port/name; default: a file in ENTREPOT_HOME
ENTREPOT_HOME            folder of the installation: secret, database, batches, uploads
ENTREPOT_ORIGIN          the address people type, such as https://desk.example.org; https turns the secure settings on
ENTREPOT_HOSTS           further host names that are answered, separated by commas
ENTREPOT_EMAIL_URL       smtp://user:password@host:port (smtps: TLS from the start); default: files in ENTREPOT_HOME/desk/outbox
ENTREPOT_EMAIL_FROM      sender of e-mail
ENTREPOT_DEVELOPMENT     1 shows faults in the browser; never where others can reach it
ENTREPOT_SIGNUP          closed lets nobody make an account without an invitation; default: open
ENTREPOT_PROXIES         how many proxies stand before the server; default: none
ENTREPOT_METRICS_TOKEN   lets a monitor on another machine read /metrics
ENTREPOT_VISITOR_CALLS   quotes and API calls a minute from one address without a key; default: 120
ENTREPOT_WEBHOOK_PRIVATE 1 lets webhooks call private addresses (for tests and for systems in the same network)
"""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import SELF

from entrepot.desk.logging import LOGGING as LOGGING
from entrepot.desk.plug import areas
from entrepot.goods.errors import CallError
from entrepot.run.home import open_home

HOME = open_home()
DESK_FOLDER = HOME.folder / "desk"
DESK_FOLDER.mkdir(mode=0o700, exist_ok=True)
HERE = Path(__file__).parent
AUDIT_ANCHORS = DESK_FOLDER / "anchors.jsonl"

ORIGIN = os.environ.get("ENTREPOT_ORIGIN", "http://127.0.0.1:8000").rstrip("/")
SECURE = ORIGIN.startswith("https://")
DEBUG = os.environ.get("ENTREPOT_DEVELOPMENT") == "1"
SIGNUP_OPEN = os.environ.get("ENTREPOT_SIGNUP", "open") != "closed"
VISITOR_REQUESTS_PER_MINUTE = int(os.environ.get("ENTREPOT_VISITOR_CALLS", "120"))
PERSON_REQUESTS_PER_MINUTE = 600
WEBHOOK_PRIVATE = os.environ.get("ENTREPOT_WEBHOOK_PRIVATE") == "1"
SECRET_KEY = HOME.key("django").hex()
ALLOWED_HOSTS = sorted(
    {urlsplit(ORIGIN).hostname or "", "localhost", "127.0.0.1", "[::1]"}
    | {host.strip() for host in os.environ.get("ENTREPOT_HOSTS", "").split(",")} - {""}
)
CSRF_TRUSTED_ORIGINS = [ORIGIN]


LIBPQ = ("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "target_session_attrs", "connect_timeout", "application_name")
"""What a PostgreSQL address may say after its question mark, given on as it is."""


def database(url: str) -> dict[str, object]:
    """Django's description of a database address; CallError for another kind of address."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        options = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY",
        }
        name, test = unquote(parts.path[1:]), {"NAME": str(DESK_FOLDER / "test.sqlite3")}  # a file: many threads write in tests
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name or ":memory:", "OPTIONS": options, "TEST": test}
    if parts.scheme in ("postgresql", "postgres"):
        told = dict(parse_qsl(parts.query))
        if strange := sorted(told.keys() - {"host", *LIBPQ}):
            raise CallError(f"DATABASE_URL names {strange[0]!r}, which is not known: use {', '.join(('host', *LIBPQ))}")
        return {
            "ENGINE": "django.db.backends.postgresql", "NAME": unquote(parts.path[1:]),
            "USER": unquote(parts.username or ""), "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or told.pop("host", "")), "PORT": str(parts.port or ""),
            "CONN_HEALTH_CHECKS": True, "OPTIONS": {**told, "pool": {"min_size": 1, "max_size": 16, "timeout": 30}},
        }  # fmt: skip
    raise CallError(f"DATABASE_URL {parts.scheme}://… is not known: use sqlite:///path or postgresql://user:password@host/name")


DATABASES = {"default": database(os.environ.get("DATABASE_URL") or f"sqlite:///{DESK_FOLDER / 'desk.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_tasks",
    "django_tasks_db",
    "entrepot.desk",
    *(area.app for area in areas()),
]

MIDDLEWARE = [
    "entrepot.desk.logging.RequestLog",
    "entrepot.desk.api.middleware.ApiMiddleware",
    "entrepot.desk.operations.metrics.RequestMetrics",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "entrepot.desk.people.acting.ActingMiddleware",
]

ROOT_URLCONF = "entrepot.desk.urls"
ASGI_APPLICATION = "entrepot.desk.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "entrepot.desk.context.desk",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# People and their sessions
AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator", "NumericPasswordValidator")
] + [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}}]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "account_login", "home", "account_login"
ACCOUNT_ADAPTER = "entrepot.desk.people.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "signup": "20/m/ip"}
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("ENTREPOT_PROXIES") or 0)
MFA_ADAPTER = "entrepot.desk.people.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
USERSESSIONS_ADAPTER = "entrepot.desk.people.adapter.SessionsAdapter"
USERSESSIONS_TRACK_ACTIVITY = False
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
LANGUAGE_COOKIE_SAMESITE, LANGUAGE_COOKIE_SECURE = "Lax", SECURE

# The browser's own guards
SECURE_SSL_REDIRECT = SECURE and not ALLAUTH_TRUSTED_PROXY_COUNT
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF], "script-src": [SELF], "style-src": [SELF], "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"], "font-src": [SELF], "connect-src": [SELF], "object-src": ["'none'"], "base-uri": ["'none'"],
        "form-action": [SELF], "frame-ancestors": ["'none'"],
    }
}  # fmt: skip

# Languages, files, e-mail
USE_I18N, USE_TZ, TIME_ZONE = True, True, "Asia/Shanghai"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 << 20
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
FILE_UPLOAD_TEMP_DIR = DESK_FOLDER
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
_MAIL = urlsplit(os.environ.get("ENTREPOT_EMAIL_URL", ""))
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if _MAIL.scheme else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = DESK_FOLDER / "outbox"
EMAIL_HOST, EMAIL_PORT = _MAIL.hostname or "localhost", _MAIL.port or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_MAIL.username or ""), unquote(_MAIL.password or "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _MAIL.scheme == "smtps", _MAIL.scheme == "smtp" and bool(_MAIL.username)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get("ENTREPOT_EMAIL_FROM", "entrepot@localhost")

CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "desk_cache"}}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "webhooks"]}}
NINJA_PAGINATION_MAX_LIMIT = 200
NINJA_MAX_PER_PAGE_SIZE = 200
