"""What the scheduler does for e-mails."""

from typing import Final

from twoway_router.emails.service import JOB
from twoway_router.store.deliveries import DeliverySweeps

SWEEPS: Final = DeliverySweeps("email_deliveries", JOB)
