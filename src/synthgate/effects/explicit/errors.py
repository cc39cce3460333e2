"""Why content cannot be given a label people perceive."""


class ExplicitError(Exception):
    """Nothing was labelled. ``code``: too_small, too_much, unsupported, broken, wording, program, readback.

    What is refused can still carry an interface label (GB 45438-2025 5.6) where it is shown.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
