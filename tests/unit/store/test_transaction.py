"""For whom a transaction is."""

from uuid import UUID

import pytest

from twoway_router.store import OneTenant, Scope, SeveralTenants, System, transaction
from twoway_router.store.engine import make_engine

PIZZERIA, GYM = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("scope", [OneTenant(PIZZERIA), SeveralTenants(frozenset({PIZZERIA, GYM})), System("relay")])
async def test_a_session_knows_for_whom_it_is_and_no_statement_is_needed_for_it(scope: Scope) -> None:
    nowhere = make_engine("postgresql://nobody@127.0.0.1:1/none")  # a statement would have to connect

    async with transaction(nowhere, scope) as session:
        assert session.info["scope"] == scope
