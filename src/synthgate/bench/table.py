"""What was found, for people."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from synthgate.bench.table_api import lines_of_api
from synthgate.bench.table_evasions import of_evasions
from synthgate.bench.table_ledger import of_ledger
from synthgate.bench.table_place import place_line
from synthgate.bench.table_segments import of_segments
from synthgate.bench.table_soak import of_soak

_PARTS: Final = ("queue", "fresh", "decide", "append", "publish")


def of_chain(found: Mapping[str, Any]) -> str:
    """The table of ``bench chain`` and ``bench peers``."""
    lines = [
        f"{found['bench']} on {found['store']}",
        place_line(found),
        _broker(found),
        "",
        f"{'':4}{'':46}{'events':>9}{'events/s':>10}{'CPU us/event':>14}",
    ]
    for row in found["rows"]:
        rounds = row["each_round"]
        spread = "  " + ", ".join(f"{rate:,}" for rate in rounds) if len(rounds) > 1 else ""
        lines.append(
            f"({row['variant']}) {row['what']:46}{row['events']:>9,}"
            f"{row['events_per_second']:>10,}{row['cpu_us_per_event']:>14,}{spread}"
        )
    lines += ["", f"{'':8}{'events/s':>10}{'per CPU s':>11}"]
    for row in found["ratios"]:
        aim = "" if row["aim"] is None else f"   aim: at least {row['aim']:g}"
        lines.append(f"{row['ratio']:8}{row['found']:>10.2f}{row['by_cpu']:>11.2f}{aim}")
    return "\n".join(lines)


def of_latency(found: Mapping[str, Any]) -> str:
    """The table of ``bench latency``."""
    aims = found["aims"]
    lines = [
        f"latency on {found['store']}",
        place_line(found),
        _broker(found),
        "from the producer's send to the decision read",
    ]
    for row in found["topologies"]:
        lines += ["", f"{row['topology']}: capacity {row['capacity_per_second']:,} events/s"]
        lines += _load(row["calm"], aims["calm_ms"])
        lines += [
            f"  at {at['rate']:,.0f} a second: p50 {at['p50_ms']:,.1f} ms, p99 {at['p99_ms']:,.1f} ms"
            for at in row["rising"]
        ]
        lines += _load(row["half"], aims["half_ms"])
        slow = row["slow_lane"]
        lines.append(
            f"  {found['slow']['share']:.0%} on the slow lane, {found['slow']['seconds']:g} s a batch"
            f" ({slow['slow_p50_ms']:,.0f} ms): p99 of the fast lane {slow['fast_p99_moved']:+.1%}"
            f"   aim: less than {aims['moved']:.0%}"
        )
    return "\n".join(lines)


def of_api(found: Mapping[str, Any]) -> str:
    """The table of ``bench api``."""
    head = [f"api on {found['store']}", place_line(found), _broker(found)]
    return "\n".join(head + lines_of_api(found))


def _load(load: Mapping[str, Any], aim_ms: float) -> list[str]:
    lines = [
        f"  at {load['rate']:,.0f} a second ({load['requests']:,}): p50 {load['p50_ms']:,.1f} ms,"
        f" p99 {load['p99_ms']:,.1f} ms   aim: p99 below {aim_ms:g} ms;"
        f" freshness takes {load['fresh_share']:.0%}",
        f"    {'ms, p50/p99':12}{'a batch':>8}"
        + "".join(f"{part:>14}" for part in (*_PARTS, "in all")),
    ]
    for duty in load["duties"]:
        cells = "".join(
            f"{duty['ms'][part]['p50']:>7,.1f}/{duty['ms'][part]['p99']:<6,.1f}"
            for part in (*_PARTS, "whole")
        )
        lines.append(f"    {duty['duty']:12}{duty['records_per_batch']:>8,.1f}{cells}")
    return lines


def of_backlog(found: Mapping[str, Any]) -> str:
    """The table of ``bench backlog``."""
    aims = found["aims"]
    lines = [f"backlog on {found['store']}", place_line(found), _broker(found)]
    for row in found["topologies"]:
        memory = row["memory"]
        waiting = ", ".join(
            f"{at['waiting']:,} waiting {at['rss_mb']:,.0f}" for at in memory["rows"]
        )
        lines += [
            "",
            f"{row['topology']}: capacity {row['capacity_per_second']:,} events/s; as if stopped for"
            f" {row['stopped_seconds']:g} s at {row['half_per_second']:,} a second;"
            f" ready {row['ready_seconds']:.1f} s after the start",
            f"  {row['expired']:,} expired refused at {row['expired_per_second']:,} a second,"
            f" {row['expired_over_capacity']:.2f} x capacity   aim: at least {aims['expired']:g}",
            f"  {row['live']:,} live answered, the last waited for {row['live_longest_wait_seconds']:.1f} s"
            f" from ready   aim: at most {aims['live_seconds']:g} s;"
            f" all within 1 s again after {row['soon_again_seconds']:.1f} s",
            f"  MB held behind a stalled log: {waiting}; grew {memory['grew']:+.0%} from a tenth to all"
            f"   aim: less than {aims['grew']:.0%}",
        ]
    return "\n".join(lines)


def of_restart(found: Mapping[str, Any]) -> str:
    """The table of ``bench restart``."""
    lines = [f"restart on {found['store']}", place_line(found), _broker(found)]
    for row in found["topologies"]:
        lines += [
            "",
            f"{row['topology']}, {row['workers']} workers one after another, {row['rate']:g} requests a second:"
            f" p99 {row['p99_ms']:,.0f} ms (before: {row['before_p99_ms']:,.0f}),"
            f" longest wait {row['longest_wait_seconds']:.1f} s",
        ]
        lines += [
            f"  {one['worker']}: stopped in {one['stop_seconds']:.1f} s, ready again"
            f" {one['ready_seconds']:.1f} s later; longest pause of all answers {one['pause_seconds']:.1f} s"
            for one in row["restarts"]
        ]
    return "\n".join(lines)


def of_scale(found: Mapping[str, Any]) -> str:
    """The table of ``bench scale``."""
    lines = [f"scale on {found['store']}", place_line(found), _broker(found), ""]
    lines.append(
        f"{'':36}{'events/s':>10}{'CPU us/event':>14}{'broker':>8}{'MB':>7}{'bytes: log':>12}{'topics':>8}"
    )
    lines += [
        f"{row['duty'] + ' alone':36}{row['events_per_second']:>10,}{row['cpu_us_per_event']:>14,}"
        for row in found["alone"]
    ]
    for row in found["together"]:
        name = f"{row['topology']}, {row['processes']} process(es)"
        size = row["bytes_per_event"]
        broker = row["broker_cpu_us_per_event"]
        topics = size["topics"]
        lines.append(
            f"{name:36}{row['events_per_second']:>10,}{row['cpu_us_per_event']:>14,}"
            + (f"{broker:>8,}" if broker is not None else f"{'-':>8}")
            + f"{row['worker_mb']:>7,}{size['log']:>12,.0f}"
            + (f"{sum(topics.values()):>8,.0f}" if topics is not None else f"{'-':>8}")
        )
    return "\n".join(lines)


def of_moderation(found: Mapping[str, Any]) -> str:
    """The table of ``bench moderation``."""
    lines = [
        f"{found['keywords']:,} keywords, texts of {found['characters']} characters,"
        f" {found['hits_per_text']} hits a text",
        place_line(found),
        "",
    ]
    names = {"ours": "the whole text path, all disguises", "bare": "bare ahocorasick_rs"}
    for name, cost in found["us_per_text"].items():
        lines.append(f"{names.get(name, name):44}{cost:>10,.1f} CPU us/text")
    lines += [f"{name:44}{'not installed':>10}" for name in found["not_installed"]]
    if found["not_installed"]:
        how = "run `./deploy/setup peers`, then `.venv-peers/bin/synthgate bench moderation`"
        lines.append(f"  to measure these, too: {how}")
    lines += [
        "",
        f"{'ratio to bare':44}{found['ratio']:>10.2f}   aim: at most {found['ratio_aim']}",
        f"{'texts a second, one core':44}{found['texts_per_second']:>10,}"
        f"   aim: at least {found['texts_per_second_aim']:,}",
        f"{'building it':44}{found['build_cpu_seconds']:>10.2f} CPU s   aim: under {found['build_aim']} s",
        f"{'building it beside the stream':44}{found['rebuild_beside_seconds']:>10.2f} s,"
        f" {found['searched_meanwhile']:,} texts searched meanwhile,"
        f" longest pause {found['longest_pause_ms']} ms",
    ]
    bank = found["pictures"]
    if bank is None:
        return "\n".join((*lines, "", "pictures: install the extra `images` to measure them"))
    lines += [
        "",
        f"{'a bank of ' + format(bank['hashes'], ',') + ' PDQ hashes, look-up':44}"
        f"{bank['look_up_p50_ms']:>10.2f} ms, p99 {bank['look_up_p99_ms']:.2f}"
        f"   aim: under {bank['look_up_aim_ms']:g} ms",
        f"{'decoding a picture and hashing four ways':44}{bank['decode_and_four_hashes_ms']:>10.2f} ms",
        f"{'pdqhash alone, one way':44}{bank['pdqhash_alone_ms']:>10.2f} ms",
    ]
    return "\n".join(lines)


def _broker(found: Mapping[str, Any]) -> str:
    return (
        f"acks {found['acks']}; replicas {found['replicas']}; {found['compression']};"
        f" {found['partitions']} partitions; events of {found['event_bytes']:,} bytes,"
        " lawful, of verified users"
    )


def of_registries(found: Mapping[str, Any]) -> str:
    """Memory and RocksDB, and what bare code costs."""
    rows = [
        f"{found['users']:,} users and {found['consents']:,} consents, {found['cores']} cores",
        f"{'':<22}{'memory':>12}{'rocksdb':>12}{'bare':>12}",
    ]
    bare = {"user_us": found["dict"]["get_us"], "grants_us": found["rocksdict"]["get_us"]}
    bare |= {"fill_per_s": found["rocksdict"]["fill_per_s"]}
    for name in (
        "fill_per_s", "fill_us", "reopen_s", "user_us", "grants_us", "identity_and_consent_us",
        "asked_first_us", "with_a_person_us",
        "memory_bytes_per_million", "disk_bytes_per_million",
    ):  # fmt: skip
        cells = (found["memory"].get(name), found["rocksdb"].get(name), bare.get(name))
        told = "".join(f"{'-' if cell is None else format(cell, ','):>12}" for cell in cells)
        rows.append(f"{name.removesuffix('_per_million'):<22}{told}")
    rows.append("us: CPU of one look-up in batches of 1,000; bytes: of a million records")
    rows.append("bare: rocksdict filled raw; a dict asked (user_us), rocksdict asked (grants_us)")
    return "\n".join(rows)


def of_labelling(found: Mapping[str, Any]) -> str:
    """The table of ``bench labelling``."""
    lines = [
        place_line(found),
        f"Pillow {found['pillow']}; medians of {found['turns']} turns, processor time",
        "",
    ]
    lines.append(f"{'':40}{'ms':>10}{'bare ms':>10}{'ratio':>8}{'ms/MP':>8}")
    for row in found["rows"]:
        each = "" if row["ms_per_megapixel"] is None else f"{row['ms_per_megapixel']:.2f}"
        size = "" if row["megapixels"] is None else f", {row['megapixels']:.0f} MP"
        aim = f"   aim: at most {row['aim_ratio_most']}" if row["aim_ratio_most"] else ""
        if row["aim_ms_per_megapixel_most"]:
            aim = f"   aim: at most {row['aim_ms_per_megapixel_most']:g} ms/MP"
        lines.append(
            f"{row['what'] + size:40}{row['ms']:>10.2f}{row['bare_ms']:>10.2f}{row['ratio']:>8.2f}"
            f"{each:>8}{aim}"
        )
    two = found["two_threads"]
    threads = ", ".join(f"{kind} {two[kind]}" for kind in ("jpeg", "png", "webp"))
    lines += ["", f"badges on two threads over one: {threads}   aim: at least {two['aim_least']}"]
    return "\n".join(lines)


OF: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "chain": of_chain,
    "peers": of_chain,
    "latency": of_latency,
    "segments": of_segments,
    "api": of_api,
    "backlog": of_backlog,
    "restart": of_restart,
    "scale": of_scale,
    "soak": of_soak,
    "ledger": of_ledger,
    "registries": of_registries,
    "moderation": of_moderation,
    "evasions": of_evasions,
    "labelling": of_labelling,
}
"""By bench."""
