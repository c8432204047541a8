"""Actors of the fault tests: threads that make calls while the server is killed, again and again."""

import random
import threading

from harness import Closed

LOST = (Closed, ConnectionError, TimeoutError, OSError)


class Actor(threading.Thread):
    """One connection of a bot or a worker. A subclass says what a `step` is, and what it does when it is back."""

    def __init__(self, number, seed):
        super().__init__(daemon=True)
        self.number = number
        self.random = random.Random(f"{type(self).__name__} {seed} {number}")
        self.failure = None

    def begin(self, server, stop):
        """A thread runs once; its memory goes on in the next one."""
        follower = type(self)(self.number, 0)
        follower.__dict__.update({key: value for key, value in self.__dict__.items()
                                  if not key.startswith("_")})
        follower.server, follower.stop = server, stop
        follower.start()
        return follower

    def run(self):
        try:
            with self.server.connect() as rpc:
                self.resume(rpc)
                while not self.stop.is_set():
                    self.step(rpc)
        except LOST:
            pass
        except Exception as error:  # The test reports it.
            self.failure = error

    def resume(self, rpc):
        pass
