"""The asyncio flavour: the same names and rules as the blocking one, with `await`."""
