"""How the database's URL may be written."""

import pytest

from twoway_router.store.engine import normalise_url


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("postgresql://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgres://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+psycopg://u@h:6432/d", "postgresql+asyncpg://u@h:6432/d"),
        ("postgresql://u@h/d?ssl=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        (
            "postgresql://u@h/d?prepared_statement_cache_size=0",
            "postgresql+asyncpg://u@h/d?prepared_statement_cache_size=0",
        ),
    ],
)
def test_any_postgresql_url_is_read_for_our_driver(written: str, read: str) -> None:
    assert str(normalise_url(written)) == read


@pytest.mark.parametrize(
    ("parameters", "dsn"),
    [
        ("sslmode=require", "postgresql:///?sslmode=require"),
        (
            "sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgresql:///?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
        ),
        ("target_session_attrs=read-write", "postgresql:///?target_session_attrs=read-write"),
    ],
)
def test_parameters_of_libpq_reach_the_driver_as_its_own_reader_wants_them(parameters: str, dsn: str) -> None:
    url = normalise_url(f"postgresql://u@h/d?{parameters}")

    assert dict(url.query) == {"dsn": dsn}


def test_another_database_is_refused() -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        normalise_url("mysql://u@h/d")
