# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every setting of the product, in one file. Each variable read here is explained in .env.template."""

import base64
import sys
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from codexos.api_settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401 (Django reads them here)
from codexos.env import Environment, postgres_settings
from codexos.kernel.sealing import derive_key

env = Environment()
BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules

# Where it runs ---------------------------------------------------------------------------------------------------
CODEXOS_HOME = Path(env.text("CODEXOS_HOME", default=str(BASE_DIR / ".codexos")))
CODEXOS_EMBEDDED = env.flag("CODEXOS_EMBEDDED")
CODEXOS_MODE = env.choice("CODEXOS_MODE", among=("consumer", "enterprise"), default="consumer")
PORT = env.number("PORT", default=8000)
CODEXOS_URL = env.text("CODEXOS_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
IS_SECURE = CODEXOS_URL.startswith("https://")
DEBUG = env.flag("CODEXOS_DEBUG")
ALLOWED_HOSTS = env.words("CODEXOS_ALLOWED_HOSTS", default="127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = [CODEXOS_URL]
BEHIND_PROXY = env.flag("CODEXOS_BEHIND_PROXY")

# Keys: one master key, a derived one per purpose ------------------------------------------------------------------
MASTER_KEY = env.key("CODEXOS_MASTER_KEY", "VAULT_MASTER_KEY")
SECRET_KEY = base64.b64encode(derive_key(MASTER_KEY, purpose="django/secret-key")).decode()
TENANT_TOKEN_KEY = derive_key(MASTER_KEY, purpose="accounts/tenant-token")
API_TOKEN_KEY = derive_key(MASTER_KEY, purpose="accounts/api-token")
AUDIT_CHAIN_KEY = derive_key(MASTER_KEY, purpose="accounts/audit-chain")
AUDIT_SIGNING_SEED = derive_key(MASTER_KEY, purpose="accounts/audit-checkpoint")
SIGN_IN_STATE_KEY = derive_key(MASTER_KEY, purpose="agents/tool-sign-in")
MCP_CATALOGUE_SEED = derive_key(MASTER_KEY, purpose="agents/mcp-catalogue")
SIGN_IN_SEAL_KEY = derive_key(MASTER_KEY, purpose="accounts/sign-in-secrets")

# The vault: who keeps the key that closes the keys of organizations; vault/adapters/keys reads it --------------------
VAULT_KEYS = [*env.keys("CODEXOS_VAULT_KEYS"), MASTER_KEY]
VAULT_KEYS_FROM = env.choice(
    "CODEXOS_VAULT_KEYS_FROM", among=("local", "hashicorp", "aws", "gcp", "pkcs11"), default="local"
)
VAULT_HYBRID = env.flag("CODEXOS_VAULT_HYBRID")
# One value with KEY in its name, so that Django's pages about errors show nothing of what is in it.
KEY_KEEPERS: dict[str, Any] = {
    "authority": env.text("CODEXOS_VAULT_AUTHORITY", default=""),
    "hashicorp": {
        "keys": env.words("CODEXOS_HASHICORP_KEYS"),
        "url": env.web_address("CODEXOS_HASHICORP_URL"),
        "mount": env.text("CODEXOS_HASHICORP_MOUNT", default="transit").strip("/"),
        "namespace": env.text("CODEXOS_HASHICORP_NAMESPACE", default=""),
        "token": env.secret("CODEXOS_HASHICORP_TOKEN", default=""),
        "role": env.text("CODEXOS_HASHICORP_ROLE", default=""),
        "role_secret": env.secret("CODEXOS_HASHICORP_ROLE_SECRET", default=""),
        "is_derived": env.flag("CODEXOS_HASHICORP_DERIVED"),
    },
    "aws": {
        "keys": env.words("CODEXOS_AWS_KMS_KEYS"),
        "url": env.web_address("CODEXOS_AWS_KMS_URL"),
        "region": env.text("AWS_REGION", default=""),
        "key_id": env.secret("AWS_ACCESS_KEY_ID", default=""),
        "secret": env.secret("AWS_SECRET_ACCESS_KEY", default=""),
        "session": env.secret("AWS_SESSION_TOKEN", default=""),
    },
    "gcp": {
        "keys": env.words("CODEXOS_GCP_KMS_KEYS"),
        "url": env.web_address("CODEXOS_GCP_KMS_URL", default="https://cloudkms.googleapis.com"),
        "credentials": env.secret("CODEXOS_GCP_CREDENTIALS", default=""),
        "metadata_url": env.web_address("CODEXOS_GCP_METADATA_URL"),
    },
    "pkcs11": {
        "keys": env.words("CODEXOS_PKCS11_KEYS"),
        "module": env.text("CODEXOS_PKCS11_MODULE", default=""),
        "token": env.text("CODEXOS_PKCS11_TOKEN", default=""),
        "slot": env.text("CODEXOS_PKCS11_SLOT", default=""),
        "pin": env.secret("CODEXOS_PKCS11_PIN", default=""),
    },
}

# Database: one PostgreSQL, three roles ----------------------------------------------------------------------------
DATABASE_ROLE = env.choice("CODEXOS_DATABASE_ROLE", among=("app", "owner"), default="app")
_DSN_NAME = "DATABASE_OWNER_URL" if DATABASE_ROLE == "owner" else "DATABASE_URL"
DATABASES: dict[str, dict[str, Any]] = {
    "default": {**postgres_settings(env.text(_DSN_NAME), name=_DSN_NAME), "ATOMIC_REQUESTS": False}
}
if DATABASE_ROLE == "app" and not TESTING:  # Django's test client keeps connections from going back to a pool
    # Under ASGI every request has a thread of its own, so connections kept by thread would be opened anew each time.
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.number("CODEXOS_DATABASE_POOL", default=20),
        "timeout": 10,
        "max_idle": 300,
    }
    # Asked of each connection as it leaves the pool: after the database was away none is handed out that is dead.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# The flow worker's writer speaks psycopg directly, so it is an address and not one of Django's databases.
DATABASE_JOURNAL_URL = env.text("DATABASE_JOURNAL_URL", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis and Celery -------------------------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", default=REDIS_URL)

# Applications -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    *(["daphne"] if "runserver" in sys.argv else []),  # Twisted costs every other process memory and start-up time
    "codexos.apps.CodexosConfig",
    "accounts.apps.AccountsConfig",
    "vault.apps.VaultConfig",
    "llm.apps.LlmConfig",
    "rag.apps.RagConfig",
    "agents.apps.AgentsConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_vite",
]
MIDDLEWARE = [
    "codexos.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "codexos.middleware.PolicyMiddleware",
    "codexos.middleware.DoorMiddleware",
    "codexos.middleware.LanguageMiddleware",
    "codexos.middleware.SlashMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "codexos.middleware.ProgramMiddleware",  # what follows is for browsers only
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "accounts.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "codexos.middleware.InnerMiddleware",
]
ROOT_URLCONF = "codexos.urls"
WSGI_APPLICATION = "codexos.wsgi.application"
ASGI_APPLICATION = "codexos.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "accounts.context_processors.shell",
            ],
        },
    }
]

# Which entries of the navigation say how much waits behind them, and who counts it.
NAV_COUNTS = {"approvals": "agents.queries.approvals.count_approvals"}
# What flows are called, for pages about costs, which stand on a floor below them.
FLOW_NAMES = "agents.queries.flows.name_flows"
# Which flows name a model, for who takes one away.
FLOWS_NAMING_MODELS = "agents.queries.asking_nodes.flows_naming_model"

# People and sign-in -----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {"user_attributes": ("email", "name")}),
        ("MinimumLengthValidator", {"min_length": 10}),
        ("CommonPasswordValidator", {}),
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapters.allauth.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_SECURE else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_ADAPTER = "accounts.adapters.allauth.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "CodexOS"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_SECURE
USERSESSIONS_TRACK_ACTIVITY = False
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # e-mail is unique, by an index on its lower case
    "guardian.W001",  # nobody asks has_perm: the Actor carries its grants
]

# Mail: on one machine it is kept where the person can read it -----------------------------------------------------
SMTP_URL = env.text("CODEXOS_SMTP_URL", default="")
DEFAULT_FROM_EMAIL = env.text("CODEXOS_MAIL_FROM", default="CodexOS <no-reply@localhost>")
MAIL_FOLDER = CODEXOS_HOME / "mail"
if SMTP_URL:
    from codexos.env import smtp_settings

    locals().update(smtp_settings(SMTP_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = MAIL_FOLDER

# Files ------------------------------------------------------------------------------------------------------------
BLOB_FOLDER = CODEXOS_HOME / "blobs"
S3_URL = env.text("CODEXOS_S3_URL", default="")
FILE_SIZE_LIMIT = env.number("CODEXOS_FILE_SIZE_LIMIT", default=100 * 1024 * 1024)
PROJECT_SIZE_LIMIT = env.number("CODEXOS_PROJECT_SIZE_LIMIT", default=5 * 1024**3)
WORKSPACE_BYTES = env.number("CODEXOS_WORKSPACE_BYTES", default=1024**3)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# Of one form; rag/operations/uploads.py says the same of one call.
DATA_UPLOAD_MAX_NUMBER_FILES = 1_000

# Knowledge --------------------------------------------------------------------------------------------------------
# Bases of a project, sources and documents of a base, and the bytes that are uploaded to the bases of a project.
KNOWLEDGE_BASES = env.number("CODEXOS_KNOWLEDGE_BASES", default=100)
KNOWLEDGE_SOURCES = env.number("CODEXOS_KNOWLEDGE_SOURCES", default=100)
KNOWLEDGE_DOCUMENTS = env.number("CODEXOS_KNOWLEDGE_DOCUMENTS", default=200_000)
KNOWLEDGE_SIZE_LIMIT = env.number("CODEXOS_KNOWLEDGE_SIZE_LIMIT", default=10 * 1024**3)

# Ingestion --------------------------------------------------------------------------------------------------------
# Documents and bytes that a source may hold, chunks of a knowledge base, and chunks that one document may become.
KNOWLEDGE_SOURCE_DOCUMENTS = env.number("CODEXOS_KNOWLEDGE_SOURCE_DOCUMENTS", default=200_000)
KNOWLEDGE_SOURCE_BYTES = env.number("CODEXOS_KNOWLEDGE_SOURCE_BYTES", default=20 * 1024**3)
KNOWLEDGE_CHUNKS = env.number("CODEXOS_KNOWLEDGE_CHUNKS", default=2_000_000)
KNOWLEDGE_DOCUMENT_CHUNKS = env.number("CODEXOS_KNOWLEDGE_DOCUMENT_CHUNKS", default=20_000)

# Outside world ----------------------------------------------------------------------------------------------------
EGRESS_ALLOW = env.openings("CODEXOS_EGRESS_ALLOW")
EGRESS_LOCAL_ONLY = env.flag("CODEXOS_LOCAL_ONLY")
# Which commands may be started as tool servers: a signed file, and the key it is signed for, if not our own.
MCP_CATALOGUE = env.text("CODEXOS_MCP_CATALOGUE", default=str(CODEXOS_HOME / "mcp-catalogue.json"))
MCP_CATALOGUE_KEY = env.text("CODEXOS_MCP_CATALOGUE_KEY", default="")
TOOLS_FOLDER = env.text("CODEXOS_TOOLS", default=str(CODEXOS_HOME / "tools"))
SEARXNG_URL = env.web_address("CODEXOS_SEARXNG_URL")
SANDBOX_SOCKET = env.text("CODEXOS_SANDBOX_SOCKET", default=str(CODEXOS_HOME / "run" / "sandbox.sock"))
# Where the same service is asked for the folders that runs work in.
FOLDER_SOCKET = Path(SANDBOX_SOCKET).with_name("folders.sock")
GITHUB_URL = env.web_address("CODEXOS_GITHUB_URL", default="https://api.github.com")
# Folders of this machine that sources of knowledge may be read from, besides those that bin/manage rag watch was given.
SOURCE_FOLDERS = env.words("CODEXOS_SOURCE_FOLDERS")
BRAVE_SEARCH_KEY = env.bearer("CODEXOS_BRAVE_SEARCH_KEY")
TAVILY_API_KEY = env.bearer("CODEXOS_TAVILY_API_KEY")
THROTTLES_ON = env.flag("CODEXOS_THROTTLES", default=True)
if not THROTTLES_ON and not CODEXOS_EMBEDDED:
    raise SystemExit("CODEXOS_THROTTLES=off is for measuring on one machine; it is refused outside the embedded mode.")

# Telemetry of model calls: whom it is sent to, if anybody; llm/adapters/telemetry.py reads it ----------------------
OTLP_ENDPOINT = env.web_address("CODEXOS_OTLP_ENDPOINT")
# With AUTH in its name, so that Django's pages about errors show nothing of what is in it.
OTLP_AUTH_HEADERS = env.headers("CODEXOS_OTLP_HEADERS")
OTLP_CONTENT = env.flag("CODEXOS_OTLP_CONTENT")

# Vault: how long what was destroyed can be taken back, and when the last backup of it is gone ------------------------
VAULT_RESTORE_DAYS = env.number("CODEXOS_VAULT_RESTORE_DAYS", default=30)
VAULT_MOST_SECRETS = env.number("CODEXOS_VAULT_MOST_SECRETS", default=100_000)
VAULT_ROTATE_DAYS = env.number("CODEXOS_VAULT_ROTATE_DAYS", default=365)
BACKUP_DAYS = env.number("CODEXOS_BACKUP_DAYS", default=35)

# Models: who answers for which name; llm/queries/deployments.py reads it ------------------------------------------
OPENAI_API_KEY = env.bearer("OPENAI_API_KEY")
OPENAI_BASE_URL = env.web_address("OPENAI_BASE_URL")
ANTHROPIC_API_KEY = env.bearer("ANTHROPIC_API_KEY")
ANTHROPIC_BASE_URL = env.web_address("ANTHROPIC_BASE_URL")
OLLAMA_MODELS = env.words("OLLAMA_MODEL")
MODEL_URL = env.web_address("CODEXOS_MODEL_URL")
MODEL_KEY = env.bearer("CODEXOS_MODEL_KEY")
MODELS = env.words("CODEXOS_MODELS")
MODEL_CONTEXT_TOKENS = env.number("CODEXOS_MODEL_CONTEXT", default=8192)
DEFAULT_MODEL = env.text("CODEXOS_DEFAULT_MODEL", default="offline")
if bool(MODEL_URL) != bool(MODELS):
    raise SystemExit("CODEXOS_MODEL_URL and CODEXOS_MODELS go together: an address, and the names it serves or *.")

# Embeddings: which model texts are embedded by where none is named, and how long their vectors are kept unused ------
EMBEDDING_MODEL = env.text("CODEXOS_EMBEDDING_MODEL", default="embedded")
EMBEDDING_THREADS = env.number("CODEXOS_EMBEDDING_THREADS", default=1)
EMBEDDING_DAYS = env.number("CODEXOS_EMBEDDING_DAYS", default=90)
EMBEDDING_FOLDER = CODEXOS_HOME / "models"

# Rerankers of what is found for a question; rag/adapters/reranking.py reads it --------------------------------------
COHERE_API_KEY = env.bearer("COHERE_API_KEY")
COHERE_BASE_URL = env.web_address("COHERE_BASE_URL")
RERANK_MODEL = env.text("CODEXOS_RERANK_MODEL", default="")

# Runs -------------------------------------------------------------------------------------------------------------
RUNS_PER_WORKER = env.number("CODEXOS_RUNS_PER_WORKER", default=2000)
RUNS_PER_ORGANIZATION = env.number("CODEXOS_RUNS_PER_ORGANIZATION", default=500)
QUEUED_RUNS_PER_ORGANIZATION = env.number("CODEXOS_QUEUED_RUNS_PER_ORGANIZATION", default=10_000)

# API --------------------------------------------------------------------------------------------------------------
API_RATE_PER_MINUTE = env.number("CODEXOS_API_RATE", default=600)

# Browser walls ----------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],  # the nonce for the editor's own sheet, on pages that have one
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
# Browsers share cookies between the ports of one machine, where two homes may serve side by side.
SESSION_COOKIE_NAME = "__Host-session" if IS_SECURE else f"session-{PORT}"
SESSION_COOKIE_SECURE = IS_SECURE
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_NAME = "__Host-csrf" if IS_SECURE else f"csrf-{PORT}"
CSRF_COOKIE_SECURE = IS_SECURE
CSRF_FAILURE_VIEW = "codexos.error_pages.csrf_failure"
LANGUAGE_COOKIE_NAME = "language"
SECURE_HSTS_SECONDS = 31_536_000 if IS_SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Words and static files -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = CODEXOS_HOME / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DJANGO_VITE = {
    "default": {
        "dev_mode": False,
        "manifest_path": BASE_DIR / "static" / "dist" / ".vite" / "manifest.json",
        "static_url_prefix": "dist",
    }
}

# Logs: one line of JSON an event, secrets redacted ----------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "codexos.logs.RedactingFilter"}},
    "formatters": {"json": {"()": "codexos.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["redact"]}},
    "root": {"handlers": ["stderr"], "level": env.text("CODEXOS_LOG_LEVEL", default="INFO")},
    "loggers": {name: {"level": "WARNING"} for name in ("django.server", "httpx", "httpx2", "mcp")},
}
