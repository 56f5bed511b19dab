"""The ASGI application: HTTP to Django."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quantum.settings")
application = get_asgi_application()
