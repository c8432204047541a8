"""Unit tests of the comparison of result files and of the figures: python3 -m unittest comparing.files_test."""
import unittest

from comparing import files, tables


def result(throughput, cpu):
    return {"throughput": throughput, "latency_us": {"p50": 10.0, "p99": 20.0},
            "server": {"cpu_us_per_call": cpu, "rss_bytes_after": 2**20}}


class Judging(unittest.TestCase):
    def test_a_difference_inside_the_band_is_the_same(self):
        self.assertEqual(files.judge("throughput", [100.0], [104.0], 0.05)[2], "same")

    def test_a_fall_of_throughput_is_worse_and_of_cpu_is_better(self):
        self.assertEqual(files.judge("throughput", [100.0], [90.0], 0.05)[2], "WORSE")
        self.assertEqual(files.judge("cpu", [100.0], [90.0], 0.05)[2], "better")

    def test_rounds_that_differ_widen_the_band(self):
        self.assertEqual(files.judge("throughput", [80.0, 100.0, 120.0], [85.0, 85.0, 85.0], 0.05)[2], "same")

    def test_start_up_seconds_are_better_when_fewer_and_rates_when_more(self):
        self.assertEqual(files.judge("first_hit_seconds", [4.0], [2.0], 0.05)[2], "better")
        self.assertEqual(files.judge("read_per_second", [4.0], [2.0], 0.05)[2], "WORSE")


class Summaries(unittest.TestCase):
    def test_ratios_are_taken_round_by_round(self):
        rounds = [(result(100, 2.0), result(50, 4.0)), (result(300, 2.0), result(100, 1.0)), (result(80, 2.0), result(80, 2.0))]
        summary = tables.summarize(rounds)
        self.assertEqual(summary["throughput"]["ratio"], 2.0)
        self.assertEqual((summary["throughput"]["ratio_min"], summary["throughput"]["ratio_max"]), (1.0, 3.0))
        self.assertEqual(summary["cpu"]["ratio"], 1.0)

    def test_bars_hold_at_their_bound(self):
        self.assertTrue(tables.check(1.1, ">=", 1.1))
        self.assertTrue(tables.check(1.0, "<=", 1.0))
        self.assertFalse(tables.check(1.09, ">=", 1.1))
        self.assertFalse(tables.check(1.01, "<=", 1.0))


if __name__ == "__main__":
    unittest.main()
