"""Whether services answer: `answers.py URL...`; exit code 0 where all do, else 1 and the reason."""

import sys

import psycopg
import redis


def why_not(url: str) -> str | None:
    """Why the PostgreSQL or Redis of this address is no use to the tests; None where it is."""
    try:
        if url.startswith("postgres"):
            with psycopg.connect(url, connect_timeout=3) as connection:
                may = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
                if not (may.fetchone() or [False])[0]:
                    return "this PostgreSQL user may not create databases"
        else:
            with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
                client.ping()
    except (psycopg.Error, redis.RedisError, OSError) as error:
        return str(error).strip()
    return None


if __name__ == "__main__":
    problems = [problem for url in sys.argv[1:] if (problem := why_not(url))]
    sys.exit("\n".join(problems) or 0)
