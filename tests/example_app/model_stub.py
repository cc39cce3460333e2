"""A model server: writes nothing without the pass of a released request."""

from synthgate.client import PassError, PassKeys, verify_pass
from synthgate.client.build import now_ms

BACKWARDS = "backwards: "


class Model:
    """Stands in for a model. What it writes names the generation and the prompt it is for; what
    the prompt asks for backwards it turns round.
    """

    def __init__(self, keys: PassKeys) -> None:
        self._keys = keys
        self.calls = 0

    def write(self, prompt: str, *, tenant: str, generation: str, pass_text: str | None) -> str:
        """The output.

        Raises:
            PassError: no release of this very request stands behind the call.
        """
        body = verify_pass(
            self._keys, pass_text or "", now_ms=now_ms(), use="serve",
            tenant=tenant, generation=generation,
        )  # fmt: skip
        if body.event_type != "generation.requested":
            raise PassError("not_released", f"a pass of {body.event_type} starts no model")
        self.calls += 1
        head, _, tail = prompt.partition(BACKWARDS)
        return f"[{generation}] {head}{tail[::-1]}"
