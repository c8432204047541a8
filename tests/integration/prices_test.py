"""Prices: set, listed, imported, quoted to the last decimal; what is wrong is named."""

import datetime
import decimal
import json
import os
import unittest

import harness

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../../shared/data/genai-prices")
NAN, INFINITY = float("nan"), float("inf")
BAD_PRICES = [{"input": -1}, {"input": NAN}, {"input": INFINITY}, {"input": 1e300}, {"input": "x"},
              {"input": "1000000.1"}, {"input": "0.0000000000000000001"}, {"input": None}, {},
              {"input": []}, {"input": ["1", "above 5: x"]}, {"gold": 1}, 5, "free", [1],
              {"input": {"base": 1, "tiers": [{"start": -5, "price": 1}]}}]
BAD_OPTIONS = [{"currency": "EUR"}, {"valid_from": "yesterday!"}, {"valid_from": "2026-02-30"},
               {"valid_from": "2026-01-02", "valid_until": "2026-01-01"}, {"daily": "00:30-00:30"},
               {"aliases": ["*"]}, {"aliases": [""]}, {"tier": "a\nb"}]
BAD_USAGES = [{"input_tokens": -1}, {"input_tokens": NAN}, {"input_tokens": 2**63},
              {"input_tokens": 1, "cache_read_tokens": 2}, {"tokens": 1}, 5, [], None]


def millis(*date):
    moment = datetime.datetime(*date, tzinfo=datetime.timezone.utc)
    return int(moment.timestamp() * 1000)


class PricesTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server(settings={"spend.prices_file": "none"})
        self.rpc = self.connect(self.running)

    def nano(self, model, usage, **options):
        return self.rpc.call("PRICE.QUOTE", model, usage, **options)["cost_nano"]

    def test_a_price_holds_from_its_day_in_its_tier_and_survives_a_restart(self):
        for day, price in (("2025-01-01", "10"), ("2026-06-01", "2")):
            self.rpc.call("PRICE.SET", "acme", "m", {"input": price}, valid_from=day)
        self.rpc.call("PRICE.SET", "acme", "m", {"input": "0.5"}, tier="batch")
        if not harness.is_in_memory():
            self.running.kill()
            self.running.start()
            self.rpc = self.connect(self.running)
        usage = {"input_tokens": 1000}
        self.assertEqual(self.nano("m", usage, at_ms=millis(2026, 5, 31)), 10_000_000)
        self.assertEqual(self.nano("m", usage, at_ms=millis(2026, 6, 1)), 2_000_000)
        self.assertEqual(self.nano("m", usage, tier="batch", at_ms=0), 500_000)
        error = self.assert_error("not_found", self.rpc, "PRICE.QUOTE", "m", usage, at_ms=0)
        self.assertIn("2025-01-01", error.message)

    def test_what_is_wrong_is_refused_by_name_and_changes_nothing(self):
        for prices in BAD_PRICES:
            self.assert_error("bad_request", self.rpc, "PRICE.SET", "acme", "m", prices)
        for options in BAD_OPTIONS:
            self.assert_error("bad_request", self.rpc, "PRICE.SET", "acme", "m", {"input": 1},
                              **options)
        self.assertEqual(self.rpc.call("PRICE.LIST")["prices"], [])
        self.rpc.call("PRICE.SET", "acme", "m", {"input": 1})
        for usage in BAD_USAGES:
            code = self.rpc.error_of("PRICE.QUOTE", "m", usage).code
            self.assertIn(code, ("bad_request", "too_large"), usage)
        self.assert_error("not_found", self.rpc, "PRICE.SET", "acme", "other", None)
        for text in ("{}", "[1]", "[", '{"models": 5}', '[{"id": "p", "models": [{"id": "m"}]}]'):
            self.assert_error("bad_request", self.rpc, "PRICE.IMPORT", text)
        self.assertEqual(len(self.rpc.call("PRICE.LIST")["prices"]), 1)

    def test_a_namespace_can_have_a_price_of_its_own(self):
        self.rpc.call("NAMESPACE.CREATE", "tenant")
        self.rpc.call("PRICE.SET", "acme", "m", {"input": 1})
        self.rpc.call("PRICE.SET", "acme", "m", {"input": 7}, namespace="tenant")
        admin = self.rpc.call("KEY.CREATE", "default", permissions=["read", "admin"])["key"]
        self.rpc.call("AUTH", admin)
        tenant = self.connect(self.running)
        tenant.call("AUTH", self.rpc.call("KEY.CREATE", "tenant")["key"])
        usage = {"input_tokens": 1_000_000}
        self.assertEqual(tenant.call("PRICE.QUOTE", "m", usage)["cost_nano"], 7_000_000_000)
        self.assertEqual(self.nano("m", usage), 1_000_000_000)
        self.assert_error("forbidden", tenant, "PRICE.SET", "acme", "m", {"input": 0})
        self.assert_error("forbidden", tenant, "PRICE.IMPORT", "[]")

    def test_the_starter_table_stands_behind_what_is_set(self):
        server = self.server()
        rpc = self.connect(server)
        listed = rpc.call("PRICE.LIST", limit=1000)["prices"]
        self.assertGreater(len(listed), 10)
        self.assertEqual({row["layer"] for row in listed}, {"starter"})
        row = listed[0]
        rpc.call("PRICE.SET", row["provider"], row["model"], {"input": "123"})
        quote = rpc.call("PRICE.QUOTE", row["model"], {"input_tokens": 1}, provider=row["provider"])
        self.assertEqual(quote["cost_nano"], 123_000)


class PublishedPricesTest(harness.Case):
    figures = ("prices",)

    def test_every_payload_has_its_exact_price_over_the_wire(self):
        harness.need_file("prices", os.path.join(DATA, "usages.jsonl"),
                          "../shared/data/genai-prices")
        server = self.server(settings={"spend.prices_file": "none"})
        rpc = self.connect(server, 60.0)
        with open(os.path.join(DATA, "data.json"), encoding="utf-8") as file:
            self.assertGreater(rpc.call("PRICE.IMPORT", file.read())["models"], 1400)
        with open(os.path.join(DATA, "usages.jsonl"), encoding="utf-8") as file:
            payloads = [json.loads(line) for line in file]
        known = {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
                 "input_audio_tokens"}
        calls, expected, lacking = [], [], 0
        for payload in payloads:
            for extracted in payload["extracted"]:
                usage = {name: count for name, count in extracted["usage"].items() if name in known}
                for row in extracted["extractors"]:
                    # Images as answers and web searches have no price in this file.
                    if "total_price" in row or "output_image_tokens" in extracted["usage"]:
                        lacking += 1
                    elif "input_price" in row:
                        calls.append(("PRICE.QUOTE", [payload["model"], usage, {
                            "provider": row["provider_id"],
                            "at_ms": millis(2026, 8, 15, 12)}]))
                        expected.append((row["input_price"], row["output_price"]))
        replies = []
        for start in range(0, len(calls), 500):
            replies += rpc.pipeline(calls[start:start + 500])
        wrong = 0
        for reply, prices in zip(replies, expected):
            exact = [decimal.Decimal(price) for price in prices]
            whole = int((sum(exact) * 10**9).to_integral_value(decimal.ROUND_HALF_EVEN))
            wrong += isinstance(reply, Exception) or [
                decimal.Decimal(reply["input"]), decimal.Decimal(reply["output"])] != exact or \
                reply["cost_nano"] != whole
        harness.figure("prices", wrong == 0 and len(payloads) == 771, payloads=len(payloads),
                       priced=len(calls), lacking_in_the_file=lacking, wrong=wrong)


if __name__ == "__main__":
    harness.main()
