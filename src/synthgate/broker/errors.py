"""What a launcher says when no broker can be had."""


class BrokerUnavailableError(RuntimeError):
    """No broker could be started or reached; says what is missing and what would help."""
