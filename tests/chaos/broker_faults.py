"""What goes wrong with brokers; in the manner of ``faults.py``."""

import time

from confluent_kafka.admin import AdminClient

from chaos.rig import SESSION_SECONDS, Rig


def broker_restart(rig: Rig) -> None:
    """The only broker stops, cleanly or not, and comes back; or it freezes for a while."""
    rig.mid_batch()
    how = rig.dice.choice(("stop", "kill", "freeze"))
    if how == "freeze":
        rig.cluster.signal(1, "STOP")
        time.sleep(rig.dice.choice((1.0, SESSION_SECONDS + 2)))
        rig.cluster.signal(1, "CONT")
    else:
        (rig.cluster.stop if how == "stop" else rig.cluster.kill)(1)
        rig.cluster.start(1)
    rig.say(f"broker: {how}, and back")
    rig.answered()


def node_lost(rig: Rig) -> None:
    """One of three brokers stops, is killed or freezes under load; others lead its partitions; it is back."""
    rig.mid_batch()
    node = rig.dice.choice(rig.cluster.nodes)
    how = rig.dice.choice(("stop", "kill", "freeze"))
    if how == "freeze":
        rig.cluster.signal(node, "STOP")
    else:
        (rig.cluster.stop if how == "stop" else rig.cluster.kill)(node)
    rig.answered()
    if how == "freeze":
        rig.cluster.signal(node, "CONT")
    else:
        rig.cluster.start(node)
    rig.say(f"broker {node} of {rig.nodes}: {how}, and back")
    rig.answered()


def leaders_back(rig: Rig) -> None:
    """Leaders change while every broker lives: a broker goes and comes, then gets its partitions back."""
    node_lost(rig)
    admin = AdminClient({"bootstrap.servers": rig.cluster.bootstrap, "log_level": 2})
    away = _led_by_others(admin, rig.prefix)
    rig.flow(lambda: _led_by_others(admin, rig.prefix) == 0, "first leaders lead again")
    rig.say(f"{away} partitions got their first leader back")
    rig.answered()


def _led_by_others(admin: AdminClient, prefix: str) -> int:
    """Partitions whose leader is not the first of their replicas."""
    topics = admin.list_topics(timeout=10).topics
    return sum(
        part.leader != part.replicas[0]
        for name, topic in topics.items()
        for part in topic.partitions.values()
        if name.startswith(prefix)
    )


def no_quorum(rig: Rig) -> None:
    """Two of three brokers are away: nothing can be acknowledged until one is back."""
    rig.mid_batch()
    nodes = rig.dice.sample(rig.cluster.nodes, 2)
    for node in nodes:
        rig.cluster.kill(node)
    time.sleep(rig.dice.uniform(0.5, 5))
    for node in nodes:  # the first makes a majority with the one that lives
        rig.cluster.start(node)
    rig.say(f"brokers {nodes} killed together, and back")
    rig.answered()
