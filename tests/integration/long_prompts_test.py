"""Long and templated prompts over the wire: another text is never answered with this one's answer, the same text with the
question in other words is, and what it costs is bounded.

The tier is as open as it can be: budgets of a half, and evidence that even the least likely pairs are right. What is refused
here is refused by what the prompts are made of, not by a threshold.
"""

import itertools
import time

import harness
import traps
from semantic_test import SemanticCase

TRANSLATE = "You are a helpful translator. Translate the following text to French: {}"
INLINE = "Please put the word {} into a short and friendly sentence for me"
SUBJECTS = ("my brother", "my sister", "the teacher", "the doctor", "our neighbour")
VERBS = ("lost", "found", "sold", "bought", "painted")
OBJECTS = ("a red bicycle", "a blue bicycle", "an old car", "the small house")
ENDS = ("last summer", "in the spring", "on the way to work", "without a word")
QUESTIONS = (("How many tons of salt does the ship carry?", "How many tons of salt are carried by the ship?"),
             ("Which harbour does the ship leave from?", "From which harbour does the ship leave?"))
LAYOUTS = ("Answer from the context.\n\nContext: {document}\n\nQuestion: {question}", "{question}\n\n{document}",
           "{document}\n\n{question}")

MAIL = ("You are the assistant of a shop and always polite. Below is an email of a customer; write down what the customer wants "
        "in one sentence, and do not add anything that the customer did not write, since the staff will read your sentence "
        "and decide what to do next. Keep the tone friendly and calm, use plain words, and never promise anything that the "
        "shop has not promised before. If the email says nothing that the staff could do, write a short thank you, and "
        "nothing else.\n\nHello, ")
LETTERS = ("the lamp arrived yesterday, it looks lovely but flickers at night.", "thanks for the quick delivery, the chair is great.",
           "the parcel seems to hang around somewhere, could somebody have a look?", "is there a way of paying later?",
           "the colour of the carpet is not what the picture shows.", "my neighbour took the parcel, thanks.",
           "a screw is missing, please send one.", "what does the chair weigh?", "it squeaks, what can be done?",
           "somebody charged me for a table, but a lamp came.", "where can the old mattress go?", "the curtain is too short.",
           "is the wood of this table from a forest nearby?", "the mirror came in pieces.")


def texts():
    """400 sentences, each of which differs from many others in one word."""
    return [" ".join(parts) for parts in itertools.product(SUBJECTS, VERBS, OBJECTS, ENDS)]


def document(number, sentences=120):
    """2,000 words; documents differ in a few numbers and names, and begin alike."""
    lines = [f"On day {day} the ship stays at sea, the wind blows from the west, and the crew is well."
             for day in range(sentences)]
    lines[sentences // 2] = f"It carries {100 + number} tons of salt, and left from harbour number {number}."
    return " ".join(lines)


class OpenCase(SemanticCase):
    def open(self, **more):
        server, rpc = self.start(**more)
        self.teach(rpc)
        for asked in ("What is the best way to cook rice?", "Why is the sky so blue over the sea?"):
            rpc.call("CACHE.CALIBRATE", traps.labelled("How do I reset my password?", asked, True, 500))
        return server, rpc

    def ask(self, rpc, prompt, command="CACHE.LOOKUP"):
        return rpc.call(command, prompt, type="general", max_error=0.5)

    def explain(self, rpc, prompt):
        return self.ask(rpc, prompt, "CACHE.EXPLAIN")["tiers"]["semantic"]


class TemplateTest(OpenCase):
    def fill(self, rpc, template, fillings):
        for filling in fillings:
            self.store(rpc, template.format(filling), "answer to " + filling, type="general")
        self.indexed(rpc, len(fillings))

    def test_of_hundreds_of_texts_through_one_template_none_gets_anothers_answer(self):
        _, rpc = self.open()
        every = texts()
        self.fill(rpc, TRANSLATE, every[::2])
        served = []
        for text in every[1::2]:
            told = self.ask(rpc, TRANSLATE.format(text))
            if told["status"] != "miss":
                served.append((text, told["response"]))
        self.assertEqual(served, [])
        total = rpc.call("CACHE.STATS")["total"]
        self.assertEqual(total["hits_semantic"], 0)
        self.assertGreater(total["misses_template"], 150)
        why = self.explain(rpc, TRANSLATE.format(every[1]))
        self.assertEqual(why["reason"], "the prompts share a template; what fills it differs")
        self.assertEqual(why["considered"][0]["refused"], why["reason"])

    def test_one_stored_entry_is_enough_to_see_the_template(self):
        _, rpc = self.open()
        self.fill(rpc, TRANSLATE, ["I have lost my keys."])
        for text in ("I have found my keys.", "You have lost my keys.", "I lost my keys.", "I have lost the keys.",
                     "I have lost my keys. Where are they?", "I have not lost my keys.", ""):
            self.assertEqual(self.ask(rpc, TRANSLATE.format(text))["status"], "miss", text)
        for text in ("I've lost my keys", "i have lost my keys...", "\"I have lost my keys\""):
            self.assertEqual(self.ask(rpc, TRANSLATE.format(text)).get("response"), "answer to I have lost my keys.", text)

    def test_a_template_of_one_sentence_is_seen_when_it_recurs(self):
        _, rpc = self.open()
        words = [name + end for name in ("river", "garden", "window", "kitchen") for end in ("", " door", " side")]
        self.fill(rpc, INLINE, words)
        for word in ("mountain", "river bank", "garden wall", "window frame", "kitchen table", "door", "cellar"):
            told = self.ask(rpc, INLINE.format(word))
            self.assertEqual(told["status"], "miss", (word, told))

    def test_a_template_whose_order_nobody_knows_is_seen_when_it_recurs(self):
        _, rpc = self.open()
        template = "{}.\n\nMake the above sound more friendly."
        every = texts()[::4]
        self.fill(rpc, template, every[::2])
        served = [text for text in every[1::2] if self.ask(rpc, template.format(text))["status"] != "miss"]
        self.assertEqual(served, [])

    def test_a_question_in_a_template_may_be_in_other_words(self):
        _, rpc = self.open()
        template = "You are the help desk of a shop. Be brief.\n\nQuestion: {}"
        self.fill(rpc, template, ["How do I close my account?"])
        self.assertEqual(self.ask(rpc, template.format("How do I open my account?"))["status"], "miss")
        self.store(rpc, template.format("How do I reset my password?"), "answer to How do I reset my password?",
                   type="general")
        self.indexed(rpc, 2)
        self.assertEqual(self.ask(rpc, template.format("What do I have to do to reset my password?")).get("response"),
                         "answer to How do I reset my password?")

    def test_a_text_alone_is_not_the_order_to_translate_it(self):
        _, rpc = self.open()
        order = "Translate to French: {}"
        self.fill(rpc, order, ["Where is the library in this town?"])
        for prompt in ("Where is the library in this town?", "Translate to German: Where is the library in this town?",
                       "Where is the library in this town? Be brief."):
            self.assertEqual(self.ask(rpc, prompt)["status"], "miss", prompt)


class LongTest(OpenCase):
    def test_one_document_may_be_asked_in_other_words_another_never_answers(self):
        for layout in LAYOUTS:
            _, rpc = self.open()
            stored, asked = zip(*QUESTIONS)
            for number, question in itertools.product(range(0, 6, 2), stored):
                self.store(rpc, layout.format(document=document(number), question=question), f"{number} {question}",
                           type="general")
            self.indexed(rpc, 6)
            for number in range(6):
                for question, other in zip(stored, asked):
                    told = self.ask(rpc, layout.format(document=document(number), question=other))
                    if number % 2 == 0:
                        self.assertEqual(told.get("response"), f"{number} {question}", layout)
                    else:
                        self.assertEqual(told["status"], "miss", (layout, told))
                        told = self.ask(rpc, layout.format(document=document(number), question=question))
                        self.assertEqual(told["status"], "miss", (layout, told))
            self.assertGreater(rpc.call("CACHE.STATS")["total"]["misses_context"], 6)
            why = self.explain(rpc, layout.format(document=document(1), question=asked[0]))
            self.assertEqual(why["reason"], "the prompts are long, and differ in more than how the question is put")

    def test_letters_behind_a_long_template_are_told_apart(self):
        _, rpc = self.open()
        for letter in LETTERS[::2]:
            self.store(rpc, MAIL + letter, letter, type="general")
        self.indexed(rpc, len(LETTERS[::2]))
        for letter in LETTERS[1::2]:
            self.assertEqual(self.ask(rpc, MAIL + letter)["status"], "miss", letter)
        for letter in LETTERS[::2]:
            self.assertEqual(self.ask(rpc, MAIL + letter.replace(",", "")).get("response"), letter)

    def test_an_order_about_a_text_belongs_to_that_text(self):
        _, rpc = self.open()
        self.store(rpc, "Summarise this: " + document(1), "one", type="general")
        self.indexed(rpc, 1)
        for prompt in ("Summarise this: " + document(2), "Translate this: " + document(1),
                       "Summarise this: " + document(1) + " The end.", "Summarise this: " + document(1, 119)):
            self.assertEqual(self.ask(rpc, prompt)["status"], "miss")

    def test_a_stack_trace_with_a_question(self):
        _, rpc = self.open()
        trace = "\n".join(f"  at shop.Cart.step{line}(Cart.java:{line})" for line in range(60))
        self.store(rpc, f"Why does my program fail with this error?\n\nNullPointerException\n{trace}", "one", type="general")
        self.indexed(rpc, 1)
        for prompt, status in (
                (f"Why is my program failing with this error?\n\nNullPointerException\n{trace}", "hit"),
                (f"Why does my program fail with this error?\n\nIllegalStateException\n{trace}", "miss"),
                (f"Why does my program fail with this error?\n\nNullPointerException\n{trace[:-4]}61)", "miss")):
            self.assertEqual(self.ask(rpc, prompt)["status"], status, prompt[:80])

    def test_a_bad_hit_of_a_long_prompt_does_not_come_again(self):
        _, rpc = self.open()
        front = document(1) + "\n\n"
        self.store(rpc, front + QUESTIONS[0][0], "one", type="general")
        self.indexed(rpc, 1)
        told = self.ask(rpc, front + QUESTIONS[0][1])
        self.assertEqual(told["response"], "one")
        rpc.call("CACHE.FEEDBACK", told["hit"], "bad")
        for prompt in (front + QUESTIONS[0][1], (front + QUESTIONS[0][1]).upper()):
            self.assertEqual(self.ask(rpc, prompt)["status"], "miss")

    def test_what_it_costs_is_bounded(self):
        _, rpc = self.open()
        longest = []
        for line in ("On day {} all is well. ", "{} ", "{}x", "a{}\n"):
            text = "".join(line.format(i) for i in range(20_000))[:64 * 1024]
            longest.append(text + "\n\nHow many days is it well?")
            for i in range(8):
                self.store(rpc, f"{text}\n\nIs day {i} well?", "yes", type="general")
        self.indexed(rpc, 8 * len(longest))
        for prompt in longest:
            self.ask(rpc, prompt)
            started = time.monotonic()
            self.ask(rpc, prompt)
            self.assertLess(time.monotonic() - started, 2)

    def test_what_is_too_long_is_refused_and_says_so(self):
        _, rpc = self.open()
        prompt = "a " * 70_000
        self.store(rpc, "a", type="general")
        self.indexed(rpc, 1)
        told = self.ask(rpc, prompt)
        self.assertEqual((told["status"], told["reason"]),
                         ("miss", "a prompt is longer than the semantic tier reads (128 KiB)"))
        self.assertEqual(self.explain(rpc, prompt)["reason"], told["reason"])
        self.assertEqual(rpc.call("CACHE.STATS")["total"]["misses_too_long"], 1)
        self.store(rpc, prompt, "long", type="general")  # The other tiers take it.
        self.assertEqual(self.ask(rpc, prompt)["response"], "long")


if __name__ == "__main__":
    harness.main()
