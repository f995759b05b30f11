"""Every table of the schema in one metadata. Read by migrations/env.py and by tests; nothing at run time needs it."""

from twoway_router.consent import tables as consent
from twoway_router.contexts import tables as contexts
from twoway_router.coupons import tables as coupons
from twoway_router.emails import tables as emails
from twoway_router.inbound import tables as inbound
from twoway_router.ingress import tables as ingress
from twoway_router.keywords import tables as keywords
from twoway_router.mts import tables as mts
from twoway_router.numbers import tables as numbers
from twoway_router.rulesets import tables as rulesets
from twoway_router.store import tables as store
from twoway_router.store.base import Base
from twoway_router.tenants import tables as tenants
from twoway_router.web import tables as web
from twoway_router.webhooks import tables as webhooks

TABLES = (
    consent,
    contexts,
    coupons,
    emails,
    inbound,
    ingress,
    keywords,
    mts,
    numbers,
    rulesets,
    store,
    tenants,
    web,
    webhooks,
)
METADATA = Base.metadata
