"""L1: sixteen bots spend from shared budgets while the server is killed, again and again.

What each bot was told stands in this process alone. A call whose outcome is unknown is sent again
with the same charge id after the restart. Then: what the ledger adds up to is what was acknowledged,
to the nano-dollar; no charge was made twice; nothing stays reserved once the leases are over; no
hard budget was ever exceeded. Larger: --ledger_rounds=200, --seed=N.
"""

import random
import threading
import time
import unittest

import harness
from actor import Actor

WORKERS = 16
LONG_LEASE_MS = 20_000  # of calls that are settled within SETTLE_S, or given back: never late
SETTLE_S = 10
SHORT_LEASE_MS = 300    # of those whose bot forgets them
# What a round may spend: so much that bots meet their limits, and go on spending until the end.
LIMITS = {"bot": 3_500_000, "model": 25_000_000, "global": 350_000_000}


class Bot(Actor):
    """One connection; it remembers what it was told, and what it could not know."""

    def __init__(self, number, seed):
        super().__init__(number, seed)
        self.name = f"bot-{number}"
        self.charged = {}    # charge id -> nano-dollars, acknowledged
        self.unknown = {}    # charge id -> (method, params) that nobody answered
        self.held = []       # (reservation, amount, when) with a long lease
        self.operations = self.charges = self.over = self.granted = self.refused = 0

    def resume(self, rpc):
        self.settle_unknown(rpc)

    def settle_unknown(self, rpc):
        for charge_id, (method, params, nano) in list(self.unknown.items()):
            self.charge(rpc, charge_id, method, params, nano)

    def charge(self, rpc, charge_id, method, params, nano):
        """Sends a charge; what is not answered stays unknown."""
        self.unknown[charge_id] = (method, params, nano)
        reply = rpc.call(method, *params)
        if reply["charged_nano"] != nano:
            raise AssertionError(f"{charge_id}: charged {reply['charged_nano']} for {nano}")
        del self.unknown[charge_id]
        self.charged[charge_id] = nano
        return reply

    def scopes(self):
        return [f"bot:{self.name}", f"model:m-{self.random.randrange(3)}"]

    def step(self, rpc):
        self.operations += 1
        dice = self.random.randrange(100)
        if dice < 45 or not self.held:
            self.reserve(rpc, LONG_LEASE_MS if dice < 35 else SHORT_LEASE_MS)
        elif dice < 85:
            self.commit(rpc)
        elif dice < 93:
            self.release(rpc)
        else:
            self.look(rpc)

    def reserve(self, rpc, lease_ms):
        amount = self.random.randrange(1_000_000)
        reply = rpc.call("BUDGET.RESERVE", self.scopes(), amount, lease_ms=lease_ms)
        if reply["granted"]:
            self.granted += 1
            if lease_ms == LONG_LEASE_MS:
                self.held.append((reply["reservation"], amount, time.monotonic()))
        else:
            self.refused += 1

    def take(self):
        return self.held.pop(self.random.randrange(len(self.held)))

    def commit(self, rpc):
        reservation, amount, when = self.take()
        if time.monotonic() - when > SETTLE_S:
            rpc.call("BUDGET.RELEASE", reservation)
            return
        nano = self.random.randrange(amount + 1)
        self.charges += 1
        charge_id = f"{self.name}-{self.charges}"
        params = [reservation, nano, {"charge_id": charge_id}]
        reply = self.charge(rpc, charge_id, "BUDGET.COMMIT", params, nano)
        if reply["late"] or reply["over_nano"]:
            raise AssertionError(f"a commit in time is not late: {reply}")
        if self.random.randrange(4) == 0:
            again = self.charge(rpc, charge_id, "BUDGET.COMMIT", params, nano)
            if not again["duplicate"]:
                raise AssertionError(f"charged twice: {again}")

    def release(self, rpc):
        reservation, amount, when = self.take()
        freed = rpc.call("BUDGET.RELEASE", reservation)["freed_nano"]
        if freed != amount and time.monotonic() - when < SETTLE_S:
            raise AssertionError(f"released {freed} of {amount}")

    def look(self, rpc):
        for budget in rpc.call("BUDGET.STATUS", self.scopes())["budgets"]:
            held = budget["spent_nano"] + budget["reserved_nano"]
            self.over += held > budget["limit_nano"]


class LedgerTest(harness.Case):
    figures = ("ledger",)

    @unittest.skipIf(harness.is_in_memory(), "a kill without a disk leaves nothing to compare")
    def test_kill_9_leaves_books_that_are_right_to_the_nano_dollar(self):
        rounds, seed = harness.size("ledger_rounds", 4), harness.size("seed", 4711)
        chance = random.Random(seed)
        # Budgets and ledger are durable whatever this says.
        server = self.server(settings={"store.durability": "none"})
        bots = [Bot(number, seed) for number in range(WORKERS)]
        unsound = 0
        for number in range(rounds):
            self.set_budgets(server, number + 1)
            stop = threading.Event()
            bots = [bot.begin(server, stop) for bot in bots]
            time.sleep(chance.uniform(0.3, 1.5))
            server.kill()
            self.join(bots)
            server.start()
            unsound += not self.verify(server)
        stop = threading.Event()
        stop.set()  # What is unknown is sent again, and nothing else.
        bots = [bot.begin(server, stop) for bot in bots]
        self.join(bots)
        self.report(server, bots, unsound, rounds=rounds, seed=seed)

    @staticmethod
    def set_budgets(server, rounds):
        with server.connect() as rpc:
            for number in range(WORKERS):
                rpc.call("BUDGET.SET", f"bot:bot-{number}", LIMITS["bot"] * rounds, period="total")
            for number in range(3):
                rpc.call("BUDGET.SET", f"model:m-{number}", LIMITS["model"] * rounds,
                         period="rolling", window_ms=86_400_000)
            rpc.call("BUDGET.SET", "global", LIMITS["global"] * rounds, period="total")

    def join(self, bots):
        for bot in bots:
            bot.join(60)
            self.assertFalse(bot.is_alive())
            if bot.failure:
                raise AssertionError(f"{bot.name} failed") from bot.failure

    @staticmethod
    def verify(server):
        with server.connect(120.0) as rpc:
            report = rpc.call("SPEND.VERIFY")
            for problem in report["problems"]:
                print(f"problem: {problem}", flush=True)
            return report["sound"]

    def report(self, server, bots, unsound, **values):
        with server.connect(120.0) as rpc:
            for bot in bots:
                self.assertEqual(bot.unknown, {})
                for reservation, _, _ in bot.held:
                    rpc.call("BUDGET.RELEASE", reservation)
            # Also those that were granted to a bot that the kill kept from hearing of it.
            harness.wait_until(lambda: rpc.call("INFO", "spend")["spend"]["reservations"] == 0, 60,
                               "leases that nobody settled are over")
            budgets = rpc.call("BUDGET.STATUS")["budgets"]
            rows = {row["bot"]: row for row in rpc.call("SPEND.REPORT", by=["bot"])["rows"]}
        diff = double = 0
        for bot in bots:
            row = rows.get(bot.name, {"cost_nano": 0, "calls": 0})
            diff += abs(row["cost_nano"] - sum(bot.charged.values()))
            double += row["calls"] - len(bot.charged)
        spent = {budget["budget"]: budget["spent_nano"] for budget in budgets}
        for bot in bots:
            diff += abs(spent[f"bot:{bot.name}/total"] - sum(bot.charged.values()))
        diff += abs(spent["global/total"] - sum(sum(bot.charged.values()) for bot in bots))
        over = sum(bot.over for bot in bots) + sum(
            budget["spent_nano"] > budget["limit_nano"] for budget in budgets)
        leaked = sum(budget["reserved_nano"] != 0 for budget in budgets)
        unsound += not self.verify(server)
        self.assertGreater(min(sum(bot.granted for bot in bots), sum(bot.refused for bot in bots)), 0)
        harness.figure(
            "ledger", diff == 0 and double == 0 and leaked == 0 and over == 0 and unsound == 0,
            ops=sum(bot.operations for bot in bots), diff=diff, double=double, leaked=leaked,
            over=over, unsound=unsound, charges=sum(len(bot.charged) for bot in bots),
            granted=sum(bot.granted for bot in bots), refused=sum(bot.refused for bot in bots),
            **values)


if __name__ == "__main__":
    harness.main()
