"""The ASGI application: HTTP to Django, /ws/live/ to the live channel."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quantum.settings")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 - needs the app registry
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from monitoring.show.consumers import LiveConsumer, NoSuchSocket  # noqa: E402

sockets = URLRouter([path("ws/live/", LiveConsumer.as_asgi()), re_path("", NoSuchSocket.as_asgi())])
application = ProtocolTypeRouter({"http": http, "websocket": AuthMiddlewareStack(sockets)})
