import subprocess
import sys


def test_importing_the_client_loads_no_framework() -> None:
    heavy = "('faust', 'mode', 'pydantic', 'confluent_kafka', 'prometheus_client')"
    program = (
        f"import sys, synthgate.client;print(*(name for name in {heavy} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
