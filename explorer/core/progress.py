"""How far a long job is."""

from dataclasses import dataclass, field

__all__ = ["Progress"]


@dataclass(frozen=True)
class Progress:
    """How far a long job is: the step out of how many, figures of the last step, minutes of work so far."""

    step: int
    steps: int
    figures: dict[str, float] = field(default_factory=dict)
    minutes: float = 0.0

    def __str__(self) -> str:
        figures = "".join(f"  {name} {value:.4g}" for name, value in self.figures.items())
        return f"step {self.step}/{self.steps}{figures}  {self.minutes:.1f} min"
