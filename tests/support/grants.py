"""What a limit granted, and how much of it was too much.

A grant happened somewhere between sending its request and receiving the reply; two grants were at most as far
apart as from the first one's sending to the second one's reply. Nothing else is assumed, so what is called an
over-grant is one. Times are this process's monotonic clock, which nobody fakes.
"""

import time


class Grants:
    """The grants of one key, asked for by one caller at a time."""

    def __init__(self, limit, period_s, burst=None, window=False):
        self.limit, self.period, self.window = limit, period_s, window
        self.burst = limit if burst is None else burst
        self.made = []  # (sent, received, units)
        self.denied = 0

    def options(self):
        options = {"limit": self.limit, "period_ms": round(self.period * 1000)}
        if self.window:
            options["algorithm"] = "window"
        elif self.burst != self.limit:
            options["burst"] = self.burst
        return options

    def take(self, rpc, key, quantity=1):
        """One LIMIT.TAKE; whether it was allowed."""
        sent = time.monotonic()
        reply = rpc.call("LIMIT.TAKE", key, quantity=quantity, **self.options())
        if reply["allowed"]:
            self.made.append((sent, time.monotonic(), quantity))
        else:
            self.denied += 1
        return reply["allowed"]

    def over(self, without=()):
        """The most units above the limit in any span; `without`: spans (from, to) whose replies do not count."""
        made = [each for each in self.made
                if not any(begin < each[1] <= end for begin, end in without)]
        return self._over_window(made) if self.window else self._over_bucket(made)

    def _over_bucket(self, made):
        """units(i..j) <= burst + rate * (received_j - sent_i), for all i <= j."""
        rate, worst, units, least = self.limit / self.period, 0.0, 0, float("inf")
        for sent, received, quantity in made:
            least = min(least, units - rate * sent)
            units += quantity
            worst = max(worst, units - rate * received - least - self.burst)
        return int(worst + 1e-6)

    def _over_window(self, made):
        """units(i..j) <= limit wherever received_j - sent_i < period."""
        worst, units, first = 0, 0, 0
        for _, received, quantity in made:
            units += quantity
            while received - made[first][0] >= self.period:
                units -= made[first][2]
                first += 1
            worst = max(worst, units - self.limit)
        return worst
