"""Pairs of questions that look the same and are not: by class, generated from authored templates. And some that are the same.

Each class gives at least 300 different pairs; the second question of a pair must never get the answer of the first.
"""

import itertools
import random

VERBS = ("reset", "cancel", "renew", "install", "repair", "clean", "sell", "export", "insure", "replace", "update", "measure",
         "paint", "order", "return", "rent", "test", "unlock", "charge", "store", "ship", "register", "connect", "print", "share")
THINGS = ("password", "subscription", "passport", "printer", "bicycle", "contract", "calendar", "router", "guitar", "thermostat",
          "database", "keyboard", "invoice", "telescope", "boat", "camera", "ticket", "piano", "tent", "dishwasher", "violin",
          "backup", "certificate", "helmet", "sofa")
PLACES = ("at home", "at the office", "before winter", "on a boat", "for a friend", "in the kitchen", "during a storm",
          "on a tablet", "near the sea", "with gloves", "in a hotel", "at school", "on a farm", "by post", "in the rain")
CITIES = ("Rome", "Oslo", "Paris", "Madrid", "Tokyo", "Lima", "Cairo", "Boston", "Vienna", "Dublin", "Prague", "Athens", "Seoul",
          "Delhi", "Berlin", "Warsaw", "Lisbon", "Sydney", "Toronto", "Helsinki")
COMPANIES = ("Apple", "Google", "Microsoft", "Amazon", "Netflix", "Intel", "Nokia", "Siemens", "Toyota", "Samsung", "Oracle",
             "Adobe", "Spotify", "Boeing", "Airbus", "Nestle", "Sony", "Tesla", "Volvo", "Philips")
PEOPLE = ("Alice", "Robert", "Maria", "Thomas", "Sarah", "Peter", "Julia", "Henry", "Laura", "Oliver", "Emma", "Daniel")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNITS = (("km", "miles"), ("kg", "pounds"), ("litres", "gallons"), ("metres", "feet"), ("Celsius", "Fahrenheit"),
         ("minutes", "hours"), ("days", "weeks"), ("GB", "MB"), ("grams", "ounces"), ("cm", "inches"))
OPPOSITES = (("enable", "disable"), ("increase", "decrease"), ("open", "close"), ("start", "stop"), ("lock", "unlock"),
             ("buy", "sell"), ("install", "uninstall"), ("connect", "disconnect"), ("show", "hide"), ("add", "remove"),
             ("import", "export"), ("upload", "download"), ("encrypt", "decrypt"), ("raise", "lower"), ("accept", "reject"))
EVENTS = ("lunch", "the exam", "surgery", "the flight", "a workout", "the meeting", "bedtime", "the concert", "childbirth",
          "the update", "the wedding", "planting", "the interview", "a marathon", "the storm")
THINGS_DONE = ("drink coffee", "take aspirin", "eat", "sleep", "drive", "take a shower", "change the filter", "pay the bill",
               "sign the form", "call the office", "water the plants", "charge the phone", "take a photo", "stretch", "rest",
               "restart the server", "wash my hair", "exercise", "fast", "travel", "swim")
TOOLS = ("Python", "PostgreSQL", "Ubuntu", "Node", "Django", "Kubernetes", "Firefox", "Blender", "Excel", "Android", "Ruby",
         "Java", "Windows", "Docker", "Redis")
CURRENCIES = (("euros", "dollars"), ("pounds", "euros"), ("yen", "dollars"), ("dollars", "pounds"), ("francs", "euros"))


def _spread(*lists, seed=1):
    """All combinations in an order of their own, the same each time."""
    combinations = list(itertools.product(*lists))
    random.Random(seed).shuffle(combinations)
    return combinations


def _fill(templates, rows):
    """Row i in template i, each with a pair of templates (stored, asked)."""
    for i, row in enumerate(rows):
        stored, asked = templates[i % len(templates)]
        pair = (stored.format(*row), asked.format(*row))
        if pair[0] != pair[1]:
            yield pair


def numbers():
    templates = (("What is {0} + {1}?", "What is {0} + {2}?"), ("What is {0} times {1}?", "What is {0} times {2}?"),
                 ("What is the dose for a child of {1} years?", "What is the dose for a child of {2} years?"),
                 ("How do I split a bill of {0} between {1} people?", "How do I split a bill of {0} between {2} people?"),
                 ("Which phones cost less than {0}?", "Which phones cost less than {0}{1}?"),
                 ("Recipe for {1} people with {0} g of flour", "Recipe for {2} people with {0} g of flour"),
                 ("What does error {0} mean?", "What does error {0}{2} mean?"))
    rows = [row for row in _spread(range(11, 60), range(2, 10), range(2, 10)) if row[1] != row[2]]
    return _unique(_fill(templates, rows))


def dates():
    templates = (("What happened on {0} {2}?", "What happened on {1} {2}?"),
                 ("Who won the election of {3}?", "Who won the election of {4}?"),
                 ("Is the office open on {5}?", "Is the office open on {6}?"),
                 ("What is the weather like in {0}?", "What is the weather like in {1}?"),
                 ("Which films came out in {3}?", "Which films came out in {4}?"),
                 ("How much was inflation in {0} {3}?", "How much was inflation in {0} {4}?"))
    source = random.Random(3)
    rows = ((*source.sample(MONTHS, 2), source.randint(1, 28), *source.sample(range(1950, 2024), 2), *source.sample(DAYS, 2))
            for _ in itertools.count())
    return _unique(_fill(templates, rows))


def units():
    templates = (("How much is {0} {1}?", "How much is {0} {2}?"),
                 ("Is {0} {1} a lot?", "Is {0} {2} a lot?"),
                 ("What can I do with {0} {1}?", "What can I do with {0} {2}?"),
                 ("How much does shipping of {0} {1} cost?", "How much does shipping of {0} {2} cost?"))
    return _fill(templates, [(number, *pair) for number, pair in _spread(range(3, 60), UNITS)])


def currencies():
    templates = (("How much is {0} {1} after tax?", "How much is {0} {2} after tax?"),
                 ("What can I buy for {0} {1}?", "What can I buy for {0} {2}?"),
                 ("Is {0} {1} a good salary in {3}?", "Is {0} {2} a good salary in {3}?"))
    return _unique(_fill(templates, [(n, *pair, city) for n, pair, city in _spread(range(15, 95), CURRENCIES, CITIES)]))


def negation():
    templates = (("Can I {0} my {1} {2}?", "Can I not {0} my {1} {2}?"),
                 ("Who says that I should {0} my {1} {2}?", "Who says that I shouldn't {0} my {1} {2}?"),
                 ("Why does the {1} work {2}?", "Why does the {1} not work {2}?"),
                 ("How do I {0} my {1} with help?", "How do I {0} my {1} without help?"),
                 ("Which people can {0} a {1} {2}?", "Which people cannot {0} a {1} {2}?"),
                 ("When is it safe to {0} a {1} {2}?", "When is it never safe to {0} a {1} {2}?"))
    return _unique(_fill(templates, _spread(VERBS, THINGS, PLACES)))


def directions():
    templates = (("Is there a flight from {0} to {1}?", "Is there a flight from {1} to {0}?"),
                 ("How do I travel from {0} to {1}?", "How do I travel from {1} to {0}?"),
                 ("Train from {0} to {1}", "Train from {1} to {0}"),
                 ("How do I convert a file from {2} to {3}?", "How do I convert a file from {3} to {2}?"))
    rows = [(*cities, *tools) for cities, tools in _spread(list(itertools.permutations(CITIES, 2)), [("PDF", "Word"),
            ("CSV", "JSON"), ("PNG", "JPEG"), ("MP3", "WAV"), ("XML", "YAML")])]
    return _unique(_fill(templates, rows))


def roles():
    templates = (("Did {0} sue {1}?", "Did {1} sue {0}?"), ("Why did {0} buy {1}?", "Why did {1} buy {0}?"),
                 ("How much does {2} owe {3}?", "How much does {3} owe {2}?"),
                 ("Is {2} older than {3}?", "Is {3} older than {2}?"),
                 ("When did {0} overtake {1}?", "When did {1} overtake {0}?"),
                 ("Did {2} call {3}?", "Did {3} call {2}?"))
    rows = [(*companies, *people) for companies, people in
            _spread(list(itertools.permutations(COMPANIES, 2)), list(itertools.permutations(PEOPLE, 2)))]
    return _unique(_fill(templates, rows))


def entities():
    templates = (("Who founded {0}?", "Who founded {1}?"), ("What is the population of {2}?", "What is the population of {3}?"),
                 ("When was {0} founded?", "When was {1} founded?"), ("What should I see in {2}?", "What should I see in {3}?"),
                 ("Is {0} hiring in {2}?", "Is {0} hiring in {3}?"), ("Who is the boss of {0} in {2}?", "Who is the boss of {1} in {2}?"))
    rows = [(*companies, *cities) for companies, cities in
            _spread(list(itertools.permutations(COMPANIES, 2)), list(itertools.permutations(CITIES, 2)))]
    return _unique(_fill(templates, rows))


def before_after():
    templates = (("Should I {0} before {1}?", "Should I {0} after {1}?"),
                 ("How long before {1} may I {0}?", "How long after {1} may I {0}?"),
                 ("Is it healthy to {0} before {1}?", "Is it healthy to {0} after {1}?"),
                 ("Why do people {0} before {1}?", "Why do people {0} after {1}?"))
    return _unique(_fill(templates, _spread(THINGS_DONE, EVENTS)))


def opposites():
    templates = (("How do I {0} the {2} {3}?", "How do I {1} the {2} {3}?"),
                 ("Can I {0} a {2} {3}?", "Can I {1} a {2} {3}?"),
                 ("What happens when I {0} the {2}?", "What happens when I {1} the {2}?"))
    return _unique(_fill(templates, [(*pair, *rest) for pair, *rest in _spread(OPPOSITES, THINGS, PLACES)]))


def versions():
    templates = (("What is new in {0} {1}.{2}?", "What is new in {0} {1}.{3}?"),
                 ("How do I upgrade {0} to {1}.{2}?", "How do I upgrade {0} to {1}.{3}?"),
                 ("Is {0} {1}.{2} still supported?", "Is {0} {1}.{3} still supported?"))
    rows = [row for row in _spread(TOOLS, range(2, 20), range(0, 10), range(0, 10)) if row[2] != row[3]]
    return _unique(_fill(templates, rows))


def templates_of_prompts():
    """One long prompt, and what is filled in at its end."""
    long = "You are a helpful assistant of our shop. Answer politely, in at most three sentences. The customer asks: "
    templates = ((long + "{0} of {1} for {2}", long + "{0} of {3} for {2}"),
                 ("Write an e-mail to {2} about the {0} of the {1}.", "Write an e-mail to {2} about the {0} of the {3}."),
                 ("Summarise the {0} of {1} in {4}.", "Summarise the {0} of {1} in {5}."))
    source = random.Random(4)
    topics = ("price", "delivery", "warranty", "colour", "weight", "size")
    rows = ((source.choice(topics), first, source.choice(PEOPLE), second, *source.sample(CITIES, 2))
            for first, second in (source.sample(THINGS, 2) for _ in itertools.count()))
    return _unique(_fill(templates, rows))


def _unique(pairs):
    seen = set()
    for pair in pairs:
        if pair not in seen:
            seen.add(pair)
            yield pair


def labelled(stored, asked, is_right, count):
    """The pair, and others that differ from it by the same word on both sides: evidence counts a pair once."""
    pairs = [[stored, asked, is_right]]
    for first, second, third in itertools.islice(itertools.product("bdgklmnprst", "aeiou", "bdgklmnprst"), count - 1):
        ending = f" with a {first}{second}{third}{second}{first}"
        pairs.append([stored.rstrip("?") + ending + "?", asked.rstrip("?") + ending + "?", is_right])
    return pairs


def classes():
    return (("numbers", numbers()), ("dates", dates()), ("units", units()), ("currencies", currencies()),
            ("negation", negation()), ("directions", directions()), ("roles", roles()), ("entities", entities()),
            ("before_after", before_after()), ("opposites", opposites()), ("versions", versions()),
            ("templates", templates_of_prompts()))


def rewordings():
    """The same question twice."""
    templates = (("How do I {0} my {1} {2}?", "What do I have to do to {0} my {1} {2}?"),
                 ("How do I {0} my {1} {2}?", "How can I {0} my {1} {2}?"),
                 ("What is the best way to {0} a {1} {2}?", "How do I best {0} a {1} {2}?"),
                 ("Can I {0} my {1} {2}?", "Is it possible to {0} my {1} {2}?"))
    return _unique(_fill(templates, _spread(VERBS, THINGS, PLACES)))
