"""What the scheduler does for webhook deliveries."""

from typing import Final

from twoway_router.store.deliveries import DeliverySweeps
from twoway_router.webhooks.service import JOB

SWEEPS: Final = DeliverySweeps("webhook_deliveries", JOB)
