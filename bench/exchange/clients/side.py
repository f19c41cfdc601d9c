"""The two roles of a measurement, as ../side.go describes them, with the Python SDK."""

import sys
from time import perf_counter_ns

import fescue

THERE, BACK = "bench/there", "bench/back"
ANSWER = 1 << 63


class Side:
    def __init__(self, client, size, out, back):
        self.client = client
        self.out = out
        self.filler = bytes(i % 251 for i in range(8, size - 8))
        self.received = iter(client.subscribe(back, policy="block", queue=4096))
        self.n = 0

    def message(self, n):
        number = n.to_bytes(8, "little")
        return number + self.filler + number

    def expect(self, n):
        """Waits for the next message and verifies all of it."""
        payload = next(self.received).payload
        flag = int.from_bytes(payload[:8], "little") & ANSWER
        if payload != self.message(n | flag):
            raise SystemExit(f"bench client: message {n} is not the one that was due")
        return payload, flag

    def answer(self):
        expect, publish, out = self.expect, self.client.publish, self.out
        n = 0
        while True:
            payload, flag = expect(n)
            if flag:
                publish(out, payload)  # goes out when the next one is waited for
            n += 1

    def trips(self, count):
        times = []
        for _ in range(count):
            begin = perf_counter_ns()
            self.client.publish(self.out, self.message(self.n | ANSWER))
            self.expect(self.n)
            times.append(perf_counter_ns() - begin)
            self.n += 1
        times.sort()
        print(times[count // 2], times[count * 99 // 100], flush=True)

    def flow(self, count):
        publish, message, out = self.client.publish, self.message, self.out
        begin = perf_counter_ns()
        last = self.n + count - 1
        for n in range(self.n, last):
            publish(out, message(n))
        publish(out, message(last | ANSWER))
        self.expect(last)
        print(perf_counter_ns() - begin, flush=True)
        self.n = last + 1


def main():
    role, size = sys.argv[1], int(sys.argv[2])
    with fescue.connect(hold=True) as client:
        answers = role == "answer"
        side = Side(client, size, *((BACK, THERE) if answers else (THERE, BACK)))
        print("ready", flush=True)
        if answers:
            side.answer()
        for line in sys.stdin:
            what, count = line.split()
            getattr(side, what)(int(count))


main()
