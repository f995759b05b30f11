"""Jobs ``sms.deliver`` and ``sms.deliver_bulk``: claim MTs, hand them to their carriers, settle what came back.

A claim commits before the call and its result after it; what a crash leaves between the two is seen as unknown when its
lease ends. The job is done once the claim has committed: from there on the rows are the truth.
"""

from twoway_router.mts.delivery.sms import Limits, SmsDelivery
from twoway_router.mts.delivery.sources import ConnectionSource

__all__ = ["ConnectionSource", "Limits", "SmsDelivery"]
