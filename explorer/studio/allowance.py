"""How much one visitor may ask for: a bucket of pictures that refills steadily."""

import time
from dataclasses import dataclass, field

from explorer.core.errors import ProtocolError

__all__ = ["Allowance"]


@dataclass
class Allowance:
    """`burst` pictures at once, `rate` a second in the long run, over all connections of a session.

    A hand moves 60 times a second, in one place; a film strip or a grid costs as much as the pictures in it.
    """

    rate: float = 240.0
    burst: float = 480.0
    left: float = 480.0
    seen: float = field(default_factory=time.monotonic)

    def take(self, pictures: int = 1) -> None:
        """Spends `pictures`. Raises ProtocolError when there are not as many left."""
        now = time.monotonic()
        self.left = min(self.burst, self.left + (now - self.seen) * self.rate)
        self.seen = now
        if self.left < pictures:
            raise ProtocolError(f"Too many requests at once: a visitor may ask for {self.rate:g} pictures a second. Wait a moment.")
        self.left -= pictures
