"""Match: what a match, a whole decision and a claim cost, up to 1,000,000 keywords, and what one keyword weighs.

A decision is made as ``ingress`` makes it, with normalisation and with what a courtesy reply may ask about; the worst of
inputs that are made to be slow has a column of its own. In the same run and on the same messages: an ordered list of
regular expressions (Kannel's way) and an ordered chain of filters (Jasmin's way).
"""

import argparse
import gc
import json
import os
import platform
import re
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.match_world import AT, TENANTS, World, a_world, some_messages, word_of
from twoway_router.domain.ids import NumberId
from twoway_router.routing.choose import find
from twoway_router.routing.claims import Claim, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.suggest import with_suggestion
from twoway_router.routing.text import fold
from twoway_router.routing.types import RouteRequest

SIZES = ((1_000, 1_000), (100_000, 1_000), (1_000_000, 1_000), (1_000_000, 1))
LIST_SIZES = ((1_000, 1_000), (100_000, 1_000), (10_000, 1))
MESSAGES = 20_000
ROUNDS = 5
HOSTILE = (
    "\ufdfa" * 400,
    "汉" * 1_600,
    "P" + "\u0301" * 1_600,
    "\ud800" * 1_600,
    "a1" * 800,
    "🍕" * 800,
    "0101 " * 320,
    "ooo111" * 200,
    "pizzza pizze",
    "\x00" * 1_600,
    "\u200d" * 1_600,
    "a\u0300\u0316" * 533,
    "ᄀ" * 1_600,
    "".join(chr(plane << 16 | code) for plane in range(17) for code in (0x41, 0x2F81, 0xFFFD)),
    "αβγδ" * 400,
    "guitarraselectri",
    "",
)
"""Made to be slow: what grows when it is folded, lone surrogates, marks, runs, digits, every plane, slips of the finger."""
COLUMNS = (
    "keywords",
    "numbers",
    "match p50 / p99 µs",
    "decision p50 / p99 µs",
    "worst input µs",
    "B/keyword",
    "build CPU s",
    "one change µs",
    "one claim µs",
    "routed",
)

Call = Callable[[RouteRequest], object]


def timed(call: Call, requests: Sequence[RouteRequest]) -> list[int]:
    """Nanoseconds of each call, sorted, without what the clock itself takes."""
    clock = time.perf_counter_ns
    empty = round(median(-(clock() - clock()) for _ in range(1_000)))
    taken = []
    for request in requests:
        start = clock()
        call(request)
        taken.append(clock() - start - empty)
    return sorted(taken)


def quantiles(call: Call, requests: Sequence[RouteRequest]) -> tuple[float, float]:
    """Medians over the rounds of p50 and p99, in microseconds."""
    rounds = [timed(call, requests) for _ in range(ROUNDS)]
    half, most = (median(one[len(one) * share // 100] for one in rounds) / 1_000 for share in (50, 99))
    return half, most


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(count: int, numbers: int) -> dict[str, object]:
    """Everything about one size; run in a process of its own, so that its memory is its own too.

    Keywords are made up while the table is built, so that they do not count as its memory; their time is taken off.
    """
    world = a_world(count, numbers)
    RoutingTable.build(world.numbers[:1], [])
    gc.collect()
    before = resident()
    start = time.process_time()
    made_up = sum(1 for _ in world.keywords())
    middle = time.process_time()
    table = RoutingTable.build(world.numbers, world.keywords())
    built = (time.process_time() - middle) - (middle - start)
    assert made_up == count
    gc.collect()
    size = (resident() - before) / count
    gc.freeze()
    requests = some_messages(world, MESSAGES)

    def match(request: RouteRequest) -> object:
        entry = table.entry(request.number_id)
        assert entry is not None
        return find(entry, table, request.text, fold(request.text), AT)

    def decide(request: RouteRequest) -> object:
        return with_suggestion(table, request, choose_route(table, request))

    outcomes = [choose_route(table, request).outcome.value for request in requests]
    hostile = [replace(requests[0], text=text) for text in HOSTILE]
    return {
        "match": quantiles(match, requests),
        "decide": quantiles(decide, requests),
        "worst": max(median(timed(decide, [request] * 20)) for request in hostile) / 1_000,
        "bytes": size,
        "build": built,
        "change": change_time(table, world),
        "claim": claim_time(table, world),
        "routed": outcomes.count("keyword") / len(outcomes),
    }


def change_time(table: RoutingTable, world: World) -> float:
    """Median microseconds to take a keyword out or to put it back."""
    taken = []
    first = world.bounds[0]
    for place in range(0, first, max(1, first // 500)):
        keyword = world.keyword(place, 0)
        start = time.perf_counter_ns()
        table.remove_keyword(keyword.keyword_id)
        table.put_keyword(keyword)
        taken.append((time.perf_counter_ns() - start) / 2)
    return median(taken) / 1_000


def claim_time(table: RoutingTable, world: World) -> float:
    """Median microseconds of a verdict on a claim, once the first claim on the number has put its keys in order."""
    first, number_id = world.bounds[0], world.numbers[0].number_id
    words = [word_of(place) + end for place in range(0, first, max(1, first // 250)) for end in ("", "S")]
    taken = []
    for word in words:
        start = time.perf_counter_ns()
        judge_claim(table, Claim(number_id=number_id, tenant_id=TENANTS[0], spellings=(word,)))
        taken.append(time.perf_counter_ns() - start)
    return median(taken) / 1_000


def regex_list(world: World) -> Call:
    """Kannel: every keyword a regular expression at the start of the text, tried in the order of the file."""
    patterns: dict[NumberId, list[re.Pattern[str]]] = {number.number_id: [] for number in world.numbers}
    for keyword in world.keywords():
        patterns[keyword.number_id].append(re.compile(f"^[ ]*({re.escape(keyword.spellings[0])})[ ]*", re.IGNORECASE))

    def route(request: RouteRequest) -> object:
        return next((pattern for pattern in patterns[request.number_id] if pattern.match(request.text)), None)

    return route


def filter_chain(world: World) -> Call:
    """Jasmin: one ordered list of routes for everything, each with a filter on the number and one on the text."""
    routes = [
        (keyword.number_id, re.compile(f"^{re.escape(keyword.spellings[0])}\\b", re.IGNORECASE))
        for keyword in world.keywords()
    ]

    def route(request: RouteRequest) -> object:
        for number_id, pattern in routes:
            if number_id == request.number_id and pattern.match(request.text):
                return pattern
        return None

    return route


def compare(count: int, numbers: int) -> Iterator[str]:
    """Both ordered ways, on fewer messages because they are slow."""
    world = a_world(count, numbers)
    requests = some_messages(world, 300)
    ways = (("ordered regex list (Kannel way)", regex_list), ("ordered filter chain (Jasmin way)", filter_chain))
    for name, way in ways:
        half, most = quantiles(way(world), requests)
        yield f"| {name} | {count:,} | {numbers:,} | {half:,.0f} / {most:,.0f} |"


def head() -> str:
    """What the figures are of: commit, processor, versions."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "?"
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "?")
    versions = f"Python {platform.python_version()} · Unicode {unicodedata.unidata_version}"
    return (
        f"commit {commit} · {model}, {os.cpu_count()} cores · {versions} · {MESSAGES:,} messages, medians of {ROUNDS}"
    )


def main(arguments: Sequence[str]) -> None:
    """Print the tables; each size is measured in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench match", description=__doc__)
    parser.add_argument("--size", nargs=2, type=int, metavar=("KEYWORDS", "NUMBERS"), help="One size only, as JSON.")
    if size := parser.parse_args(arguments).size:
        print(json.dumps(measure(*size)))
        return
    print(head(), f"\n\n| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|", sep="")
    halves = []
    for count, numbers in SIZES:
        command = [sys.executable, "-m", "bench", "match", "--size", str(count), str(numbers)]
        one = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        halves.append(one["match"][0])
        match, decide = (f"{half:.1f} / {most:.1f}" for half, most in (one["match"], one["decide"]))
        print(f"| {count:,} | {numbers:,} | {match} | {decide} | {one['worst']:.0f} | {one['bytes']:.0f} ", end="")
        print(f"| {one['build']:.2f} | {one['change']:.1f} | {one['claim']:.0f} | {one['routed']:.0%} |", flush=True)
    print(f"\nmatch p50, 1,000,000 keywords over 1,000: x {halves[2] / halves[0]:.2f}\n")
    print("| other ways | keywords | numbers | p50 / p99 µs |\n|---|---|---|---|")
    for count, numbers in LIST_SIZES:
        for line in compare(count, numbers):
            print(line, flush=True)
