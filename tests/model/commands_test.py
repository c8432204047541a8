"""Seeded random commands of the keys and cache families against a Python model, over several
connections, with clean restarts, kill -9 and kill -9 under a batch in flight.

It prints its seed; `--seed=N --steps=N` runs the same operations again.
"""

import copy
import random
import time

import harness
from harness import RpcError

HOUR_MS = 3_600_000
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
VALUES = [0, 1, -5, 2**62, "text", "", b"bin", 1.5, None, True, [1, [2]], {"a": {"b": None}},
          "x" * 5000, b"\xff" * 300]


class Failure(Exception):
    """What the model answers when the server must answer an error with this code."""

    def __init__(self, code):
        self.code = code
        super().__init__(code)


class Model:
    """The keys and the cache as two dictionaries."""

    def __init__(self):
        self.keys = {}  # key -> (value, True when it has an expiry)
        self.entries = {}  # (prompt, identity) -> response

    def run(self, method, params):
        """The result that the server must give; a callable is a check of it."""
        positional, options = self._split(params)
        return getattr(self, method.lower().replace(".", "_"))(positional, options)

    @staticmethod
    def _split(params):
        if params and isinstance(params[-1], Options):
            return params[:-1], params[-1]
        return params, {}

    def set(self, params, options):
        key, value = params
        if (options.get("nx") and key in self.keys) or (
                options.get("xx") and key not in self.keys):
            return False
        self.keys[key] = (value, "ttl_ms" in options)
        return True

    def get(self, params, _options):
        return self.keys.get(params[0], (None, False))[0]

    def mget(self, params, _options):
        return [self.get([key], {}) for key in params]

    def mset(self, params, options):
        for key, value in zip(params[::2], params[1::2]):
            self.keys[key] = (value, "ttl_ms" in options)
        return True

    def delete(self, params, _options):
        return sum(self.keys.pop(key, None) is not None for key in dict.fromkeys(params))

    def exists(self, params, _options):
        return sum(key in self.keys for key in params)

    def expire(self, params, _options):
        if params[0] not in self.keys:
            return False
        self.keys[params[0]] = (self.keys[params[0]][0], True)
        return True

    def persist(self, params, _options):
        value, has_expiry = self.keys.get(params[0], (None, False))
        if has_expiry:
            self.keys[params[0]] = (value, False)
        return has_expiry

    def ttl(self, params, _options):
        if params[0] not in self.keys:
            return None
        if not self.keys[params[0]][1]:
            return -1
        return lambda left: isinstance(left, int) and 0 < left <= HOUR_MS

    def incrby(self, params, options):
        key, delta = params
        value, has_expiry = self.keys.get(key, (0, False))
        if isinstance(value, bool) or not isinstance(value, int):
            raise Failure(("wrong_type",))
        if not INT_MIN <= value + delta <= INT_MAX:
            raise Failure(("bad_request", "too_large", "wrong_type"))
        self.keys[key] = (value + delta, has_expiry or "ttl_ms" in options)
        return value + delta

    def scan(self, _params, options):
        names = sorted((key for key in self.keys if key.startswith(options["prefix"])
                        and key > options.get("after", "")), key=str.encode)
        page = names[:options["limit"]]
        more = len(names) > options["limit"]

        def right(result):
            # A full page may name a next one that turns out to be empty.
            follows = result["next"] == page[-1] if page and more else (
                result["next"] is None or (page and result["next"] == page[-1]))
            return result["keys"] == page and follows
        return right

    def cache_store(self, params, options):
        self.entries[params[0], options["identity"]["model"]] = params[1]
        return lambda result: isinstance(result, dict) and "id" in result

    def cache_lookup(self, params, options):
        prompt, model = params[0], options["identity"]["model"]
        exact = self.entries.get((prompt, model), Failure)
        if exact is not Failure:
            return lambda r: (r["status"] == "hit" and r["tier"] == "exact"
                              and r["response"] == exact)
        canonical = "Question " + prompt.strip().rstrip("?! ").lower().split()[-1] + "?"
        loose = self.entries.get((canonical, model), Failure)
        if loose is not Failure:
            return lambda r: (r["status"] == "hit" and r["tier"] == "normalized"
                              and r["response"] == loose)
        return lambda r: r["status"] == "miss"

    def flush(self, _params, _options):
        self.keys.clear()
        self.entries.clear()
        return lambda result: True


setattr(Model, "del", Model.delete)


class Options(dict):
    """The options of a call, told apart from a map that is a value."""


class Generator:
    def __init__(self, chance):
        self.chance = chance

    def key(self):
        return f"{self.chance.choice('abc')}{self.chance.randrange(12)}"

    def some_keys(self):
        return [self.key() for _ in range(self.chance.randrange(1, 6))]

    def expiry(self):
        return Options(ttl_ms=HOUR_MS) if self.chance.random() < 0.3 else Options()

    def prompt(self, number):
        return f"Question {number}x?"  # After a digit "!" would be a factorial.

    def identity(self):
        return Options(identity={"model": self.chance.choice(["m1", "m2"])})

    def operation(self):
        """(method, params) of one call."""
        pick = self.chance.choices(
            ["SET", "GET", "MGET", "MSET", "DEL", "EXISTS", "EXPIRE", "PERSIST", "TTL", "INCRBY",
             "SCAN", "CACHE.STORE", "CACHE.LOOKUP", "FLUSH"],
            [20, 12, 5, 5, 8, 4, 5, 4, 6, 10, 5, 8, 12, 0.3])[0]
        return pick, getattr(self, "make_" + pick.lower().replace(".", "_"))()

    def make_set(self):
        options = self.expiry()
        if self.chance.random() < 0.3:
            options[self.chance.choice(["nx", "xx"])] = True
        return self.with_options([self.key(), self.chance.choice(VALUES)], options)

    @staticmethod
    def with_options(params, options):
        # A map as the last value would be taken for options; an empty one says that it is none.
        return params + [options] if options or isinstance(params[-1], dict) else params

    def make_get(self):
        return [self.key()]

    make_persist = make_ttl = make_get

    def make_mget(self):
        return self.some_keys()

    make_del = make_exists = make_mget

    def make_mset(self):
        pairs = []
        for key in dict.fromkeys(self.some_keys()):
            pairs += [key, self.chance.choice(VALUES)]
        return self.with_options(pairs, self.expiry())

    def make_expire(self):
        return [self.key(), self.chance.randrange(HOUR_MS // 2, HOUR_MS)]

    def make_incrby(self):
        return self.with_options(
            [self.key(), self.chance.choice([1, -1, 7, 2**62])], self.expiry())

    def make_scan(self):
        options = Options(prefix=self.chance.choice(["", "a", "b", "zz"]),
                          limit=self.chance.choice([1, 3, 10, 100]))
        if self.chance.random() < 0.5:
            options["after"] = self.key()
        return [options]

    def make_cache_store(self):
        value = self.chance.choice([value for value in VALUES if value is not None])
        return [self.prompt(self.chance.randrange(15)), value, self.identity()]

    def make_cache_lookup(self):
        prompt = self.prompt(self.chance.randrange(18))
        if self.chance.random() < 0.4:
            prompt = self.chance.choice([prompt.upper(), f"  {prompt[:-1]} ", prompt[:-1] + "!"])
        return [prompt, self.identity()]

    def make_flush(self):
        return []


class CommandsModelTest(harness.Case):
    figures = ("model",)

    def test_the_server_agrees_with_the_model(self):
        self.seed = harness.size("seed", random.SystemRandom().randrange(1 << 31))
        steps = harness.size("steps", 5000)
        print(f"seed={self.seed} steps={steps}", flush=True)
        self.chance = random.Random(self.seed)
        self.generate = Generator(self.chance)
        self.model = Model()
        self.running = self.server(settings={
            "store.memtable_bytes": "1MiB",
            "store.durability": self.chance.choice(["always", "interval", "none"])})
        self.connections = []
        self.restarts = self.kills = 0
        step = 0
        try:
            while step < steps:
                step += self.turn()
        except AssertionError as error:
            print(f"model seed={self.seed} steps={steps} failed at step {step}", flush=True)
            raise AssertionError(f"seed {self.seed}, step {step}: {error}") from error
        self.compare_everything([self.model])
        harness.figure("model", True, seed=self.seed, steps=step, restarts=self.restarts,
                       kills=self.kills)

    def turn(self):
        """One call, one pipelined batch, or a restart. Answers the number of calls."""
        kind = self.chance.random()
        if kind < 0.004:
            self.restart(kill=False)
        elif kind < 0.008:
            self.restart(kill=True)
        elif kind < 0.012:
            self.kill_under_a_batch()
        elif kind < 0.02:
            self.expire_one()
        else:
            calls = [self.generate.operation()
                     for _ in range(1 if kind < 0.7 else self.chance.randrange(2, 30))]
            results = self.rpc().pipeline(calls)
            for call, result in zip(calls, results):
                self.judge(self.model, call, result)
            return len(calls)
        return 1

    def rpc(self):
        while len(self.connections) < 3:
            self.connections.append(self.connect(self.running))
        return self.chance.choice(self.connections)

    def judge(self, model, call, result):
        method, params = call
        try:
            expected = model.run(method, params)
        except Failure as failure:
            if not (isinstance(result, RpcError) and result.code in failure.code):
                self.fail(f"{method} {params!r:.200}: {result!r:.200}, expected {failure.code}")
            return
        right = expected(result) if callable(expected) and not isinstance(result, RpcError) else (
            result == expected and type(result) is type(expected))
        if not right:
            self.fail(f"{method} {params!r:.200} answered {result!r:.200}, "
                      f"expected {expected!r:.200}")

    def expire_one(self):
        """A short expiry that is waited for."""
        key = self.generate.key()
        self.rpc().call("SET", key, "short", ttl_ms=20)
        self.model.keys.pop(key, None)
        time.sleep(0.03)

    def restart(self, kill):
        self.running.restart(kill=kill)
        self.connections = []
        self.restarts += not kill
        self.kills += kill
        self.compare_everything([self.model])

    def kill_under_a_batch(self):
        """The server dies with a batch in flight: what is found is the model after a beginning."""
        calls = [self.generate.operation() for _ in range(self.chance.randrange(2, 40))]
        data = b"".join(harness.request(i, method, params)
                        for i, (method, params) in enumerate(calls))
        rpc = self.rpc()
        rpc.send_bytes(data)
        time.sleep(self.chance.choice([0, 0, 0.0005, 0.002, 0.01]))
        self.running.kill()
        self.kills += 1
        possible = [self.model]
        for call in calls:
            after = copy.deepcopy(possible[-1])
            try:
                after.run(*call)
            except Failure:
                pass
            possible.append(after)
        self.running.start()
        self.connections = []
        self.model = self.compare_everything(possible)

    def compare_everything(self, models):
        """Answers the first model whose keys and entries are what the server holds."""
        rpc = self.rpc()
        names = rpc.call("SCAN", limit=1000)["keys"]
        values = rpc.call("MGET", *names) if names else []
        expiring = [rpc.call("TTL", name) != -1 for name in names]
        keys = {n: (v, e) for n, v, e in zip(names, values, expiring)}
        prompts = sorted({pair for model in models for pair in model.entries})
        answers = rpc.pipeline(
            [("CACHE.LOOKUP", [prompt, {"identity": {"model": identity}, "tier": "exact"}])
             for prompt, identity in prompts])
        entries = {pair: answer["response"] for pair, answer in zip(prompts, answers)
                   if answer["status"] == "hit"}
        for model in models:
            if model.keys == keys and model.entries == entries:
                return model
        wrong = {k for k in keys.keys() | models[0].keys.keys()
                 if keys.get(k) != models[0].keys.get(k)}
        self.fail(f"the store is no state of the model: keys {sorted(wrong)!r:.200}, entries "
                  f"{len(entries)} of {len(models[0].entries)}")
        return None


if __name__ == "__main__":
    harness.main()
