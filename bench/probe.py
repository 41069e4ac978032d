"""Asks a bot's /healthz every 10 ms, as a process of its own, so that nothing else in the benchmark slows it.

    python -m bench.probe PORT

It goes on until its standard input ends, then prints one line of JSON: the slowest answer, the number of answers, and
by how much its own sleep was overrun at worst, which is the machine's doing and no bot's.
"""

import http.client
import json
import select
import sys
import time

_EVERY = 0.01


def main() -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
    slowest = overrun = 0.0
    answers = 0
    print("ready", flush=True)
    while True:
        asked = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        answered = time.perf_counter()
        answers += 1
        slowest = max(slowest, answered - asked)
        pause = max(0.0, asked + _EVERY - answered)
        if select.select([sys.stdin], [], [], pause)[0]:
            break
        overrun = max(overrun, time.perf_counter() - answered - pause)
    connection.close()
    print(json.dumps({"slowest": slowest * 1000, "answers": answers, "overrun": overrun * 1000}))


if __name__ == "__main__":
    main()
