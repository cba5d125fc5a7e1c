"""What can go wrong in a way that a visitor can act on.

ExplorerError
├── SpaceError        a code of the wrong space, shape or with values that are not numbers
├── CapabilityError   the model lacks the part that was asked for
├── CheckpointError   a file that cannot be read as what it claims to be
├── ModelError        a model that does not do what it promised: pictures that are not numbers, or of another shape
├── DataError         pictures, folders or labels that cannot be used
├── SessionError      a state that does not fit the model, or a session that does not exist
└── ProtocolError     a live message that cannot be understood

Messages are whole sentences that name the thing, what was expected and what came; they are shown as they stand.
Everything else that is raised is a bug and surfaces with its traceback.
"""

__all__ = ["CapabilityError", "CheckpointError", "DataError", "ExplorerError", "ModelError", "ProtocolError", "SessionError", "SpaceError"]


class ExplorerError(Exception):
    """Base of everything a visitor can act on."""


class SpaceError(ExplorerError):
    """A code does not belong where it was handed to."""


class CapabilityError(ExplorerError):
    """The model lacks the part that was asked for."""


class CheckpointError(ExplorerError):
    """A file cannot be read as the checkpoint or atlas that it claims to be."""


class ModelError(ExplorerError):
    """A model does not do what it promised."""


class DataError(ExplorerError):
    """Pictures, folders or labels cannot be used."""


class SessionError(ExplorerError):
    """A state does not fit the model, or there is no such session."""


class ProtocolError(ExplorerError):
    """A live message cannot be understood."""
