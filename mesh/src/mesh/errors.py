"""What the supervisor tells its operator instead of a traceback."""


class CannotStart(Exception):
    """The mesh cannot start here; the message is one line that says what to change."""


class CrashLoop(Exception):
    """A process crashed so often that restarting it is no help."""

    def __init__(self, message: str, log_tail: list[str]) -> None:
        super().__init__(message)
        self.log_tail = log_tail
