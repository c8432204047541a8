"""A bot that answers from the cache where it can: question in, fetch, else ask the upstream.

    python3 bot.py [ADDRESS] [--stream] < questions.txt

The upstream is a fake that takes its time and costs money. The bot goes on without a server.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

try:
    import reprise
except ImportError:  # Not installed: the package stands one folder up.
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    import reprise

# All else that changes the answer: two bots with other models or instructions share nothing.
IDENTITY = {"model": "example-1", "system": "Be brief."}
UPSTREAM_SECONDS = 0.2
NANO_DOLLARS_A_TOKEN = 15_000


class Upstream:
    """Stands for a language model."""

    def __init__(self) -> None:
        self.calls = 0

    async def words(self, question: str) -> AsyncIterator[str]:
        self.calls += 1
        for word in f"I have thought about '{question}' for {len(question)} characters.".split():
            await asyncio.sleep(UPSTREAM_SECONDS / 10)
            yield word + " "

    async def answer(self, question: str) -> reprise.Answer:
        text = "".join([word async for word in self.words(question)]).strip()
        tokens = len(text) // 4
        return reprise.Answer(text, tokens_in=len(question) // 4, tokens_out=tokens,
                              cost_nano=tokens * NANO_DOLLARS_A_TOKEN, model=IDENTITY["model"])


def told(outcome: reprise.Outcome) -> str:
    if outcome.status == "hit":
        return f"hit, saved {outcome.fetched.get('tokens_out', 0)} tokens"
    if outcome.status == "lease":
        return "computed and stored" if outcome.stored is not None else "computed, not stored"
    return f"computed: {outcome.status}"


async def answer(client: reprise.AsyncClient, upstream: Upstream, question: str) -> str:
    seen: list[reprise.Outcome] = []
    text = await client.fetch_or_compute(question, lambda: upstream.answer(question),
                                         identity=IDENTITY, on_outcome=seen.append)
    return f"{question}\n  {text}\n  [{told(seen[0])}]"


async def show_stream(client: reprise.AsyncClient, upstream: Upstream, question: str) -> None:
    print(question, end="\n  ")
    async for word in client.fetch_or_compute_stream(
            question, lambda: upstream.words(question), identity={**IDENTITY, "stream": True},
            on_restart=lambda: print("\n  (from the start)", end=" ")):
        print(word, end="", flush=True)
    print()


async def main() -> int:
    arguments = [each for each in sys.argv[1:] if each != "--stream"]
    questions = [line.strip() for line in sys.stdin if line.strip()]
    upstream = Upstream()
    async with reprise.AsyncClient(arguments[0] if arguments else None, client_name="example bot",
                                   fail_open=True) as client:
        if "--stream" in sys.argv:
            for question in questions:
                await show_stream(client, upstream, question)
        else:
            for text in await asyncio.gather(*(answer(client, upstream, each)
                                               for each in questions)):
                print(text)
    print(f"{len(questions)} questions, {upstream.calls} asked of the upstream")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
