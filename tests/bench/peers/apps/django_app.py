"""Django twice: REST framework with simplejwt, and allauth with sessions in the database. `django_app.py 240`: migrate.

Both stand in one project, since what one adds is next to nothing for the other. As the documentation of each says, and for production:
no debugging, connections that stay open. PostgreSQL is the one that PGHOST and its likes name. Passwords cost what
BENCH_MEMORY_KIB and BENCH_PASSES say.
"""

import os
import sys
import uuid

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

NAME = "django_app"


class Hasher(Argon2PasswordHasher):
    time_cost = int(os.environ["BENCH_PASSES"])
    memory_cost = int(os.environ["BENCH_MEMORY_KIB"])
    parallelism = 1


settings.configure(
    SECRET_KEY="a secret of more than fifty characters, for nothing but this measurement",
    DEBUG=False,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=NAME + "_urls",
    USE_TZ=True,
    TIME_ZONE="UTC",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    AUTH_USER_MODEL="people.User",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "rest_framework",
        "allauth",
        "allauth.account",
        "allauth.headless",
        "people",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            "CONN_MAX_AGE": None,
        }
    },
    PASSWORD_HASHERS=[f"{NAME}.Hasher"],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
    ACCOUNT_LOGIN_METHODS={"username"},
    ACCOUNT_EMAIL_VERIFICATION="none",
    ACCOUNT_RATE_LIMITS=False,
    HEADLESS_ONLY=True,
)

sys.modules.setdefault(NAME, sys.modules[__name__])


def add_people(number: int) -> None:
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    for one in range(number):
        users.create_user(f"person{one}", f"person{one}@example.org", os.environ["BENCH_PASSWORD"], id=uuid.uuid4())


if __name__ == "__main__":
    django.setup()
    call_command("migrate", verbosity=0, run_syncdb=True)
    if not apps.get_model("people.User").objects.exists():
        add_people(int(sys.argv[1]))
else:
    application = get_wsgi_application()
