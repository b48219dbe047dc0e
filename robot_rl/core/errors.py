"""Errors, one class per remedy. Every message is one line that says what is wrong and what to do."""


class RobotRLError(Exception):
    """Base of all errors that a user can mend; commands print the message and exit with 2."""


class ConfigError(RobotRLError):
    """A flag, a name or a configuration value is wrong: correct it."""


class StationError(RobotRLError):
    """A station file is wrong: correct the file."""


class SpecError(RobotRLError):
    """Data do not look as the spec says: check where they come from."""


class StaleDataError(RobotRLError):
    """A sensor has not reported for too long: check its driver and its cable."""


class DatasetError(RobotRLError):
    """A dataset cannot be opened, or does not fit: check its path, or record a new one."""


class CheckpointError(RobotRLError):
    """A checkpoint cannot be loaded: check its path, or train again."""


class ConnectionLostError(RobotRLError):
    """The other process does not answer: check that it runs and that the address is right."""


class CommandRejectedError(RobotRLError):
    """The arm refused a command that was not finite or out of range: correct the sender."""


class ActivationRefusedError(RobotRLError):
    """The arm refused to start or to go home: mend what the message names."""


class MissingDependencyError(RobotRLError):
    """An optional package or system library is missing: install it as the message says."""
