"""How much one connection may ask for: a bucket of requests that refills steadily."""

import time
from dataclasses import dataclass, field

from explorer.core.errors import ProtocolError

__all__ = ["Allowance"]


@dataclass
class Allowance:
    """`burst` requests at once, `rate` a second in the long run. A hand moves 60 times a second, four views at most."""

    rate: float = 240.0
    burst: float = 480.0
    left: float = 480.0
    seen: float = field(default_factory=time.monotonic)

    def take(self) -> None:
        """Spends one request. Raises ProtocolError when there is none left."""
        now = time.monotonic()
        self.left = min(self.burst, self.left + (now - self.seen) * self.rate)
        self.seen = now
        if self.left < 1:
            raise ProtocolError(f"Too many requests on one connection: expected at most {self.rate:g} a second.")
        self.left -= 1
