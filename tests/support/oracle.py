"""The oracle: starts its clients and checks a reopened store against their logs alone.

For each key it knows the last acknowledged state and the later intents that were never answered
or whose outcome is unknown. A store is right when every key holds one of these. A write that was
refused with a definite error must not be visible later.
"""

import json
import os
import subprocess
import sys

ABSENT = "<absent>"
CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle_client.py")
# After these codes the write may be found or not; every other error says that it was not done.
DOUBTFUL = {"unknown_outcome", "io", "internal"}


class KeyState:
    """What one key may hold: the settled state, or one that was intended after it."""

    def __init__(self):
        self.settled = ABSENT
        self.doubts = []  # (id of the intent, state after it), in order
        self.history = [(ABSENT, 0.0)]  # (acknowledged state, time)

    def settle(self, value, moment):
        self.settled = value
        self.history.append((value, moment))

    def allowed(self):
        return [self.settled] + [value for _, value in self.doubts]

    def oldest_lost_time(self, held):
        """When the first write was acknowledged that is missing behind the held state.

        None when the held state was never acknowledged at all: that is damage, not loss.
        """
        for index in range(len(self.history) - 1, -1, -1):
            if self.history[index][0] == held:
                return self.history[min(index + 1, len(self.history) - 1)][1]
        return None

    def accept(self, held):
        """A reopened store holds this; the next round begins from it."""
        self.settled, self.doubts, self.history = held, [], [(held, 0.0)]


class Oracle:
    """Keeps its knowledge over many rounds of kill and restart."""

    def __init__(self, directory, workers=3, seed=1):
        self.directory = directory
        self.workers = workers
        self.seed = seed
        self.round = 0
        self.clients = []
        self.logs = []
        self.states = {}  # {(kind, key): KeyState}
        self.acked = 0
        self.refused = {}
        self.bad_replies = []

    def start(self, address, pause_ms=0):
        self.round += 1
        self.logs = []
        self.stop_file = os.path.join(self.directory, f"stop.{self.round}")
        for worker in range(self.workers):
            log = os.path.join(self.directory, f"oracle.{self.round}.{worker}")
            self.logs.append(log)
            self.clients.append(subprocess.Popen(
                [sys.executable, CLIENT, f"--address={address[0]}:{address[1]}", f"--log={log}",
                 f"--worker={worker}", f"--seed={self.seed}",
                 f"--first={self.round * 10_000_000}", f"--stop={self.stop_file}",
                 f"--pause-ms={pause_ms}"]))

    def lines(self):
        """How many events are on record in this round."""
        return sum(self._count(log) for log in self.logs)

    @staticmethod
    def _count(log):
        try:
            with open(log, "rb") as file:
                return file.read().count(b"\n")
        except FileNotFoundError:
            return 0

    def offsets(self):
        """The present length of each log: what was on record before some moment."""
        return {log: os.path.getsize(log) if os.path.exists(log) else 0 for log in self.logs}

    def stop(self):
        """Lets the clients finish their batch and end."""
        with open(self.stop_file, "w", encoding="ascii"):
            pass
        return self.join()

    def join(self):
        """Waits for the clients, which end by themselves when the server is gone."""
        codes = []
        for client in self.clients:
            try:
                codes.append(client.wait(60))
            except subprocess.TimeoutExpired:
                client.kill()
                client.wait(10)
                codes.append("hung")
        self.clients = []
        return codes

    def absorb(self, offsets=None):
        """Reads the logs of the round. With `offsets`, acks behind them count as unanswered."""
        for log in self.logs:
            if os.path.exists(log):
                self._absorb_log(log, None if offsets is None else offsets.get(log, 0))

    def _absorb_log(self, log, limit):
        intents = {}
        with open(log, "rb") as file:
            data = file.read()
        position = 0
        for line in data.split(b"\n")[:-1]:
            position += len(line) + 1
            event = json.loads(line)
            if "i" in event:
                intents[event["i"]] = event
                self._intend(event)
            elif limit is None or position <= limit:
                self._acknowledge(intents.pop(event["a"]), event)

    def _state(self, event):
        kind = "entry" if event["op"] == "store" else "key"
        return self.states.setdefault((kind, event["k"]), KeyState())

    @staticmethod
    def _result_of(op, value, before):
        if op == "del":
            return ABSENT
        if op == "incr":
            return (0 if before == ABSENT else before) + 1
        return value

    def _intend(self, event):
        state = self._state(event)
        before = state.doubts[-1][1] if state.doubts else state.settled
        state.doubts.append((event["i"], self._result_of(event["op"], event["v"], before)))

    def _acknowledge(self, intent, event):
        state = self._state(intent)
        index = next(n for n, (i, _) in enumerate(state.doubts) if i == intent["i"])
        if event["e"] is None:
            after = state.doubts[index][1]
            if intent["op"] == "incr":
                low = 0 if state.settled == ABSENT else state.settled
                if event["r"] not in range(low + 1, low + index + 2):
                    self.bad_replies.append((intent["k"], event["r"], after))
                after = event["r"]
            state.settle(after, event["t"])
            state.doubts = state.doubts[index + 1:]
            self.acked += 1
        else:
            self.refused[event["e"]] = self.refused.get(event["e"], 0) + 1
            if event["e"] not in DOUBTFUL:
                del state.doubts[index]
        if intent["op"] == "incr":
            # Later increments count on from what is known by now.
            start = 0 if state.settled == ABSENT else state.settled
            state.doubts = [(i, start + n + 1) for n, (i, _) in enumerate(state.doubts)]

    def verify(self, server, loss_is_expected=False):
        """Compares every key with a live server and takes over what it holds.

        Answers the contradictions: (name, held, allowed, time of the oldest write that is lost).
        """
        held = self._read_everything(server)
        problems = [(reply[0], reply[1], [reply[2]], None) for reply in self.bad_replies]
        for name, state in self.states.items():
            if held[name] not in state.allowed():
                problems.append((name, held[name], state.allowed(),
                                 state.oldest_lost_time(held[name])))
            state.accept(held[name])
        self.bad_replies = []
        for problem in problems[:0 if loss_is_expected else 5]:
            print(f"contradiction: {problem!r:.300}", flush=True)
        return problems

    def _read_everything(self, server):
        keys = [key for kind, key in self.states if kind == "key"]
        prompts = [key for kind, key in self.states if kind == "entry"]
        held = {}
        with server.connect(60.0) as rpc:
            for start in range(0, len(keys), 500):
                part = keys[start:start + 500]
                values = rpc.call("MGET", *part)
                held.update({("key", k): ABSENT if v is None else v for k, v in zip(part, values)})
            answers = rpc.pipeline([("CACHE.LOOKUP", [p]) for p in prompts])
        for prompt, answer in zip(prompts, answers):
            if isinstance(answer, Exception):
                held["entry", prompt] = f"<{answer}>"
            else:
                held["entry", prompt] = answer["response"] if answer["status"] == "hit" else ABSENT
        return held
