"""`make bench`: what a turn costs, beside a stock Bot Framework echo bot in the same run, against the targets.

See docs/benchmarks.md. The exit status is 1 when a target is missed.
"""

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass, field

from bench.bots import bots
from bench.measure import Spent, Stall, Typist, stall, started, take_new_token

_WARM_UP = 30
_ROUNDS, _TURNS_A_ROUND = 6, 100
_STARTS = 3
_MANY = 2000
_MOST_SECONDS = 235

_LEAST_RATIO = 10.0
_MOST_CPU = 10.0
_MOST_STALL = 50.0
_MOST_MEMORY = 150.0
_MOST_GROWTH = 2.0
"""MB in the second thousand turns: 2 KB a turn."""
_MOST_START = 3.0


@dataclass(slots=True)
class Figures:
    ours: Spent = field(default_factory=Spent)
    stock: Spent = field(default_factory=Spent)
    checked: Spent = field(default_factory=Spent)
    """Ours, where every second turn also looks the account up in Graph."""
    starts: list[float] = field(default_factory=list)
    stock_start: float = 0.0
    our_memory: list[float] = field(default_factory=list)
    """MB after the start, after the turns that were compared, after 1,000 and after 2,000 more."""
    stock_memory: list[float] = field(default_factory=list)
    our_stall: Stall | None = None
    stock_stall: Stall | None = None


async def measured() -> Figures:
    found = Figures()
    async with asyncio.timeout(_MOST_SECONDS), bots() as two:
        say("Starting ours ...")
        for _ in range(_STARTS):
            await two.ours.stop()
            found.starts.append(await started(two, two.ours, "card"))
        say("Starting the stock echo bot ...")
        found.stock_start = await started(two, two.stock, "text")
        found.our_memory.append(two.ours.memory)
        found.stock_memory.append(two.stock.memory)

        await Typist(two, two.ours, ["ask"], "card").type(1)
        mine = Typist(two, two.ours, ["me", "back"], "card")
        theirs = Typist(two, two.stock, ["me", "back"], "text")
        say("Warming up ...")
        await mine.type(_WARM_UP)
        await theirs.type(_WARM_UP)
        # In turn, so that whatever else the machine does meanwhile slows both.
        for number in range(_ROUNDS):
            say(f"{_TURNS_A_ROUND} turns each, round {number + 1} of {_ROUNDS} ...")
            await mine.type(_TURNS_A_ROUND, found.ours)
            await theirs.type(_TURNS_A_ROUND, found.stock)
        found.our_memory.append(two.ours.memory)
        found.stock_memory.append(two.stock.memory)

        say("A login service that takes 4 seconds ...")
        found.stock_stall = await stall(two, two.stock, theirs)
        found.our_stall = await stall(two, two.ours, mine)
        await take_new_token(two, two.ours)

        say("Turns that look an account up ...")
        for text in ("cancel", "I lost my phone"):
            await Typist(two, two.ours, [text], "card").type(1)
        checking = Typist(two, two.ours, ["me", "back"], "card")
        await checking.type(_WARM_UP)
        for _ in range(_ROUNDS):
            await checking.type(_TURNS_A_ROUND // 2, found.checked)
        for text in ("cancel", "ask"):
            await Typist(two, two.ours, [text], "card").type(1)

        say(f"{_MANY} more turns ...")
        for _ in range(2):
            await mine.type(_MANY // 2)
            found.our_memory.append(two.ours.memory)
        two.ours.check_alive()
    return found


def show(found: Figures) -> bool:
    """Prints the tables; whether every target was reached."""
    assert found.our_stall is not None
    assert found.stock_stall is not None
    ours, stock, checked = found.ours, found.stock, found.checked
    ratio = stock.cpu_ms / ours.cpu_ms
    growth = found.our_memory[3] - found.our_memory[2]
    say(f"\n{ours.turns} turns each, {ours.sent} messages sent or changed by ours, {stock.sent} by the stock echo\n")
    row("", "ours", "stock echo", "ours, with Graph")
    row("CPU a turn, ms", f"{ours.cpu_ms:.1f}", f"{stock.cpu_ms:.1f}", f"{checked.cpu_ms:.1f}")
    row(
        "  lowest and highest round",
        *(f"{min(one.rounds):.1f} to {max(one.rounds):.1f}" for one in (ours, stock, checked)),
    )
    row(
        "  PostgreSQL's own, ms",
        f"{statistics.median(ours.database):.1f}",
        "",
        f"{statistics.median(checked.database):.1f}",
    )
    row("answer, median, ms", f"{ours.median_ms:.1f}", f"{stock.median_ms:.1f}", f"{checked.median_ms:.1f}")
    row("answer, p99, ms", f"{ours.p99_ms:.1f}", f"{stock.p99_ms:.1f}", f"{checked.p99_ms:.1f}")
    row("memory after the start, MB", f"{found.our_memory[0]:.0f}", f"{found.stock_memory[0]:.0f}")
    row("memory after these turns, MB", f"{found.our_memory[1]:.0f}", f"{found.stock_memory[1]:.0f}")
    row("memory after 1,000 more, MB", f"{found.our_memory[2]:.1f}", "")
    row("memory after 2,000 more, MB", f"{found.our_memory[3]:.1f}", "")
    row("start to first answer, s", " ".join(f"{one:.2f}" for one in found.starts), f"{found.stock_start:.2f}")
    row("/healthz, slowest, ms", f"{found.our_stall.slowest:.1f}", f"{found.stock_stall.slowest:.1f}")
    row("  of answers", str(found.our_stall.answers), str(found.stock_stall.answers))
    row("  the machine alone, ms", f"{found.our_stall.overrun:.1f}", f"{found.stock_stall.overrun:.1f}")
    row("  that turn took, s", f"{found.our_stall.turn / 1000:.1f}", f"{found.stock_stall.turn / 1000:.1f}")

    say("")
    reached = [
        target("CPU a turn, at most a tenth of the stock echo's", f"1/{ratio:.1f}", ratio >= _LEAST_RATIO),
        target("CPU a turn, under 10 ms", f"{ours.cpu_ms:.1f} ms", ours.cpu_ms < _MOST_CPU),
        target(
            "no stall over 50 ms while login takes 4 s",
            f"{found.our_stall.slowest:.1f} ms",
            found.our_stall.slowest <= _MOST_STALL,
        ),
        target("memory flat: second 1,000 turns under 2 MB", f"{growth:+.1f} MB", growth < _MOST_GROWTH),
        target("memory, under 150 MB", f"{max(found.our_memory):.0f} MB", max(found.our_memory) < _MOST_MEMORY),
        target("slowest start, under 3 s", f"{max(found.starts):.2f} s", max(found.starts) < _MOST_START),
    ]
    return all(reached)


def row(name: str, *values: str) -> None:
    say(f"{name:<30}" + "".join(f"{value:>18}" for value in values))


def target(name: str, value: str, reached: bool) -> bool:
    say(f"{name:<48}{value:>12}   {'reached' if reached else 'MISSED'}")
    return reached


def say(sentence: str) -> None:
    print(sentence, flush=True)


def main() -> int:
    began = time.monotonic()
    found = asyncio.run(measured())
    reached = show(found)
    say(f"\nMeasured in {time.monotonic() - began:.0f} s.")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
