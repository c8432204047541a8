"""Tests of what is computed from answers, without a server."""
import unittest
import xml.dom.minidom

from . import chart, datasets, figures, judge, progress


class Figures(unittest.TestCase):
    def test_ties_are_served_together_and_score_zero_never(self):
        scored = [(0.9, True), (0.5, False), (0.5, True), (0.0, True)]
        self.assertEqual([step[0] for step in figures.steps(scored, 3)], [0.9, 0.5])
        self.assertEqual(figures.steps(scored, 3)[1][3:], (2, 1))

    def test_the_most_within_a_share_is_found_behind_a_wrong_answer_at_the_top(self):
        scored = [(0.99, False)] + [(0.5, True)] * 19
        best = figures.most_within(scored, 20, 0.05)
        self.assertEqual((best["right"], best["wrong"], best["threshold"]), (19, 1, 0.5))
        self.assertEqual(best["recall"], 0.95)
        self.assertEqual(figures.most_within(scored, 20, 0.04)["threshold"], None)

    def test_calibration_counts_what_is_served_only(self):
        rows, gap = figures.calibration([(0.0, True), (0.95, True), (1.0, False), (0.05, False)])
        self.assertEqual([row["count"] for row in rows], [1, 0, 0, 0, 0, 0, 0, 0, 0, 2])
        self.assertAlmostEqual(rows[9]["observed"], 0.5)
        self.assertAlmostEqual(gap, (0.05 + 2 * 0.475) / 3)
        self.assertIsNone(figures.calibration([])[1])

    def test_percentiles_are_values_that_were_seen(self):
        self.assertEqual(figures.percentile(range(1, 101), 0.99), 99)
        self.assertEqual(figures.percentile([7], 0.5), 7)
        self.assertIsNone(figures.percentile([], 0.5))

    def test_outcome_of_no_hits_has_no_wrong_share(self):
        self.assertEqual(figures.outcome([(None, False)] * 3, 2)["wrong_share"], 0.0)
        some = figures.outcome([("exact", True), ("semantic", False), (None, False)], 2)
        self.assertEqual((some["hits"], some["wrong"], some["misses"], some["recall"]), (2, 1, 1, 0.5))


class Tasks(unittest.TestCase):
    PAIRS = [datasets.Pair("a", "b", 1), datasets.Pair("a", "c", 0), datasets.Pair("d", "b", 1), datasets.Pair("e", "a", 0)]

    def test_pairs_have_partitions_of_their_own_and_their_label_decides(self):
        task = judge.Task(self.PAIRS, is_crowded=False)
        self.assertEqual(len(task.to_store), 4)
        self.assertEqual(task.answerable, 2)
        self.assertFalse(task.is_right(1, "a"))

    def test_crowded_takes_any_entry_that_a_pair_of_label_1_or_the_same_text_vouches_for(self):
        task = judge.Task(self.PAIRS, is_crowded=True)
        self.assertEqual(task.to_store, [(0, "a"), (0, "d"), (0, "e")])
        self.assertTrue(task.is_right(0, "d"))
        self.assertFalse(task.is_right(0, "e"))
        self.assertTrue(task.is_right(3, "a"), "it is stored itself")
        self.assertEqual(task.answerable, 3)


class Shown(unittest.TestCase):
    def test_the_chart_is_well_formed_with_any_title_and_without_points(self):
        curve = {"name": "p", "colour": "#000", "dash": "", "points": [(at / 1000, 1 - at / 4000) for at in range(1001)]}
        image = chart.chart("<&>", "", [curve, {**curve, "points": []}], [{"name": "0.1", "x": 1.0, "y": 0.2}])
        self.assertEqual(len(xml.dom.minidom.parseString(image).getElementsByTagName("polyline")), 1)
        self.assertEqual(len(chart.thinned(curve["points"])), chart.POINTS_MAX)

    def test_progress_says_rate_and_time_left(self):
        self.assertEqual(progress.line(250, 1000, 0.5, True), "[######..................] 25 %  250 of 1,000  500/s  1.5 s left")
        self.assertEqual(progress.line(1000, 1000, 2.0, False), "100 %  1,000 of 1,000  500/s")

    def test_every_domain_of_the_corpus_can_be_read(self):
        self.assertEqual(len(datasets.load("corpus")), sum(len(datasets.load(f"corpus:{name}")) for name in datasets.domains()))
        self.assertLessEqual(set(datasets.TEST_DOMAINS), set(datasets.domains()))
        self.assertRaises(datasets.Unknown, datasets.load, "corpus:none")
        self.assertRaises(datasets.Absent, datasets.load, "mock_data", "/nowhere")


if __name__ == "__main__":
    unittest.main()
