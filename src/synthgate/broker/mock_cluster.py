"""librdkafka's Kafka-protocol broker, alone in a process.

Started as a script by ``embedded.py``, not imported: ``python -P mock_cluster.py``. The first line
on standard output is the broker's address. Then every line on standard input, ``<topic>
<partitions>``, creates a topic and is answered with a line: empty when it was made, else why not.
When standard input ends, for whatever reason, so does the process.

Driven through ctypes because Python's binding offers no topic creation, and the topics that the
broker makes by itself always have four partitions.
"""

import ctypes
import os
import sys
from pathlib import Path

import confluent_kafka

PRODUCER = 0
BROKERS = 1
REBALANCE_DELAY_MS = 100
ERROR_BYTES = 512
EMERGENCIES = b"0"


def find_library() -> Path:
    """Path of the librdkafka that comes with confluent_kafka (Linux and macOS wheels)."""
    package = Path(confluent_kafka.__file__).parent
    for folder in (package.with_name("confluent_kafka.libs"), package / ".dylibs"):
        for library in sorted(folder.glob("librdkafka*")):
            return library
    raise FileNotFoundError(f"no librdkafka beside {package}")


def load_library() -> ctypes.CDLL:
    """librdkafka with the types of the functions used here."""
    library = ctypes.CDLL(str(find_library()))
    address = ctypes.c_void_p
    library.rd_kafka_conf_new.restype = address
    library.rd_kafka_conf_set.argtypes = [
        address,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ]
    library.rd_kafka_new.restype = address
    library.rd_kafka_new.argtypes = [ctypes.c_int, address, ctypes.c_char_p, ctypes.c_size_t]
    library.rd_kafka_mock_cluster_new.restype = address
    library.rd_kafka_mock_cluster_new.argtypes = [address, ctypes.c_int]
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [address]
    library.rd_kafka_mock_group_initial_rebalance_delay_ms.argtypes = [address, ctypes.c_int32]
    library.rd_kafka_mock_topic_create.argtypes = [
        address,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_int,
    ]
    library.rd_kafka_err2str.restype = ctypes.c_char_p
    return library


def main() -> None:
    """Serve until standard input ends."""
    library = load_library()
    why = ctypes.create_string_buffer(ERROR_BYTES)
    settings = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(settings, b"log_level", EMERGENCIES, why, ERROR_BYTES)
    client = library.rd_kafka_new(PRODUCER, settings, why, ERROR_BYTES)
    if not client:
        sys.exit(why.value.decode())
    cluster = library.rd_kafka_mock_cluster_new(client, BROKERS)
    if not cluster:
        sys.exit("librdkafka could not start its broker")
    library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, REBALANCE_DELAY_MS)
    _say(library.rd_kafka_mock_cluster_bootstraps(cluster).decode())

    for line in sys.stdin:
        topic, partitions = line.split()
        code = library.rd_kafka_mock_topic_create(cluster, topic.encode(), int(partitions), BROKERS)
        _say(library.rd_kafka_err2str(code).decode() if code else "")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
    os._exit(0)  # nothing to save, and librdkafka's threads need not be waited for
