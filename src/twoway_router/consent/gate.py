"""The rule of ``rules.may_send`` in SQL, for statements that ask it row by row: who has stopped whom.

A fragment for the statements of ``consent``, ``contexts`` and ``mts``: nobody else names ``suppressions``.
"""

from twoway_router.consent.rules import EXEMPT_ORIGINS, SuppressionState

_EXEMPT = ", ".join(f"'{origin}'" for origin in EXEMPT_ORIGINS)


def is_stopped(number_id: str, msisdn: str, tenant_id: str) -> str:
    """Whether a tenant, or (NULL) the number itself, must not write to a person. True or false, never NULL.

    The tenant's own row decides, else that of the whole number. A subquery, so that it is one probe of the unique index
    per row, whatever the plan around it.
    """
    return (
        "coalesce((SELECT suppression.state FROM suppressions AS suppression"
        f" WHERE suppression.number_id = {number_id} AND suppression.msisdn = {msisdn}"
        f" AND (suppression.tenant_id IS NULL OR suppression.tenant_id = {tenant_id})"
        f" ORDER BY suppression.tenant_id NULLS LAST LIMIT 1) = '{SuppressionState.STOPPED}', false)"
    )


def must_not_be_sent(mt: str) -> str:
    """``is_stopped`` for a row with the columns of an MT, but for the origins that are exempt."""
    return f"({mt}.origin NOT IN ({_EXEMPT}) AND {is_stopped(f'{mt}.number_id', f'{mt}.recipient', f'{mt}.tenant_id')})"
