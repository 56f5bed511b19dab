"""A webhook's receiver and a mail server that write down every message they took, one line each."""

from __future__ import annotations

import json
import re
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Hook(BaseHTTPRequestHandler):
    ledger: Path

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        take(self.ledger, json.loads(body)["message"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: object) -> None: ...


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs to hand over one message."""

    ledger: Path

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                text = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    text += part
                take(self.ledger, text.decode())
            if verb == "QUIT":
                self.say("221 bye")
                return
            self.say("250 ok")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def take(ledger: Path, text: str) -> None:
    with ledger.open("a") as file:
        file.write(json.dumps({"text": text, "keys": re.findall(r"key: (\S+)", text)}) + "\n")


def main(kind: str, ledger: str) -> None:
    handler = type("Handler", (Hook if kind == "hook" else Mail,), {"ledger": Path(ledger)})
    server = (ThreadingHTTPServer if kind == "hook" else socketserver.ThreadingTCPServer)(("127.0.0.1", 0), handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
