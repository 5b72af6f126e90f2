"""Mail about notices: what it says, when it is due, how it is sent, and the part of the service that does so.

It stands beside the path of readings and knows nothing of it: a mail server that hangs delays no measurement.
"""

from acquire.mail.courier import Courier
from acquire.mail.sending import Sender

__all__ = ["Courier", "Sender"]
