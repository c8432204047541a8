// Each guard on pairs that it must veto and on pairs that must pass all of them.
#include "server/match/guards.h"

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

namespace reprise::match {
namespace {

struct Texts {
  std::string_view stored;
  std::string_view asked;
};

std::string VetoOf(const Texts& texts) {
  const Verdicts verdicts = Judge(ReadWords(texts.stored), ReadWords(texts.asked));
  std::string names;
  for (const Verdict& verdict : verdicts) {
    if (verdict.veto) {
      names +=
          std::string(NameOf(verdict.guard)) + "(" + verdict.stored + " | " + verdict.asked + ") ";
    }
  }
  return names;
}

void CheckVetoed(Guard guard, std::initializer_list<Texts> list) {
  for (const Texts& texts : list) {
    for (const Texts& way : {texts, Texts{texts.asked, texts.stored}}) {
      const Verdicts verdicts = Judge(ReadWords(way.stored), ReadWords(way.asked));
      INFO(way.stored << " / " << way.asked << " vetoed by: " << VetoOf(way));
      CHECK(verdicts[static_cast<std::size_t>(guard)].veto);
    }
  }
}

void CheckPassed(std::initializer_list<Texts> list) {
  for (const Texts& texts : list) {
    INFO(texts.stored << " / " << texts.asked);
    CHECK(VetoOf(texts).empty());
    CHECK(VetoOf({texts.asked, texts.stored}).empty());
  }
}

TEST_CASE("what must never be a hit is vetoed") {
  for (const Texts& texts : {
           Texts{"What is 2+2?", "What is 2+3?"},
           {"What is 2+2?", "What is 2*2?"},
           {"enable 2FA", "disable 2FA"},
           {"dose for a child of 3 years", "dose for a child of 8 years"},
           {"Who founded Apple?", "Who founded Google?"},
           {"flight from Rome to Oslo", "flight from Oslo to Rome"},
           {"Is it safe to mix bleach and vinegar?", "Is it not safe to mix bleach and vinegar?"},
           {"ibuprofen 200 mg for adults", "ibuprofen 200 mg for children"},
           {"convert 10 USD to EUR", "convert 10 EUR to USD"},
       }) {
    INFO(texts.stored << " / " << texts.asked);
    CHECK(!VetoOf(texts).empty());
    CHECK(!VetoOf({texts.asked, texts.stored}).empty());
  }
}

TEST_CASE("what wants doing, and what is mine now, is vetoed") {
  CheckVetoed(Guard::kAction,
              {
                  {"Please cancel my gym contract", "How do I cancel a gym contract?"},
                  {"Block my phone number", "Block my phone number!"},
              });
  CheckVetoed(Guard::kFreshness, {
                                     {"What is my current mileage?", "What mileage have I now?"},
                                 });
  CheckPassed({
      {"How do I cancel my gym contract?", "how can I cancel my gym contract"},
      {"My tap leaks, what do I do now?", "my tap leaks, what should I do"},
  });
}

TEST_CASE("a digit or letter more is another reference") {
  CHECK(!VetoOf({"status of parcel KX-7731", "status of parcel KX-7741"}).empty());
  CHECK(!VetoOf({"status of parcel KX-7731", "status of parcel KX-7731B"}).empty());
  CHECK(!VetoOf({"status of parcel KX-7731", "status of parcel KX-7731A"}).empty());
  CHECK(!VetoOf({"status of parcel KX-7731A", "status of parcel KX-7731"}).empty());
  CHECK(!VetoOf({"status of parcel KX-7731A", "status of parcel KX-7731C"}).empty());
}

TEST_CASE("a country and its people are one place") {
  CheckPassed({
      {"best beaches in Spain", "best Spanish beaches"},
      {"largest lakes in Canada", "largest Canadian lakes"},
  });
}

TEST_CASE("clauses may change places in a long sentence") {
  CheckPassed({
      {"You can share a folder with the whole team by opening the settings page and pressing the "
       "invite button",
       "By opening the settings page and pressing the invite button, you can share a folder with "
       "the whole team"},
  });
}

TEST_CASE("asking the same in other words is not vetoed") {
  CheckPassed({
      {"Tell me about machine learning", "What is machine learning?"},
      {"What is ML?", "What is machine learning?"},
      {"How do I reset my password?", "how to reset password"},
      {"What's the capital of France?", "what is the capital city of France"},
      {"Who founded Apple?", "who was the founder of apple"},
      {"", ""},
  });
}

TEST_CASE("numbers must agree by value") {
  CheckVetoed(Guard::kNumbers, {
                                   {"top 5 restaurants", "top 10 restaurants"},
                                   {"round to two decimals", "round to three decimals"},
                                   {"loan of 1,000", "loan of 10,000"},
                                   {"loan of 5k", "loan of 6k"},
                                   {"is 17 a prime number", "is 19 a prime number"},
                                   {"2+2", "2-3"},
                                   {"square root of 1.5", "square root of 15"},
                                   {"a cake for 8 people", "a cake for twelve people"},
                                   {"the 3rd law of motion", "the 2nd law of motion"},
                                   {"salary of 1/2 a million", "salary of 2 million"},
                                   {"recipe for pancakes", "recipe for 12 pancakes"},
                               });
  CheckPassed({
      {"top 5 restaurants", "top five restaurants"},
      {"a loan of 1,000", "a loan of 1000"},
      {"a loan of 5k", "a loan of 5,000"},
      {"3.5 million people", "3,500,000 people"},
      {"twenty five people", "25 people"},
      {"two hundred people", "200 people"},
      {"the 3rd law of motion", "the third law of motion"},
      {"which one is better", "which is better"},
      {"a dozen eggs", "12 eggs"},
      {"10M rows", "10 million rows"},
  });
}

TEST_CASE("dates and times must agree") {
  CheckVetoed(Guard::kDates, {
                                 {"holidays in 2024", "holidays in 2025"},
                                 {"weather on Monday", "weather on Tuesday"},
                                 {"weather today", "weather tomorrow"},
                                 {"what happened on 5 May 1945", "what happened on 5 June 1945"},
                                 {"events on 2024-12-31", "events on 2024-12-30"},
                                 {"meeting at 3pm", "meeting at 4pm"},
                                 {"meeting at 15:30", "meeting at 15:45"},
                                 {"who won the cup last year", "who won the cup this year"},
                                 {"sunset in December", "sunset in January"},
                                 {"trains at noon", "trains at midnight"},
                             });
  CheckPassed({
      {"what happened on 5 May 1945", "what happened on May 5, 1945"},
      {"what happened on Dec 5", "what happened on 5th December"},
      {"meeting at 3pm", "meeting at 15:00"},
      {"meeting at 3 pm", "meeting at 3:00 pm"},
      {"trains at noon", "trains at 12:00"},
      {"events on 2024-12-31", "events on 12/31/2024"},
      {"weather on mondays", "weather on Monday"},
      {"sunset in Dec", "sunset in December"},
      {"may I park here", "can I park here"},
      {"weather tmrw", "weather tomorrow"},
  });
}

TEST_CASE("units and currencies must agree") {
  CheckVetoed(Guard::kUnits, {
                                 {"baby weight chart in pounds", "baby weight chart in kilograms"},
                                 {"distance to the moon in miles", "distance to the moon in km"},
                                 {"body temperature in celsius", "body temperature in fahrenheit"},
                                 {"file size in MB", "file size in GB"},
                                 {"formula per day", "formula per week"},
                                 {"height in feet", "height in cm"},
                                 {"speed in mph", "speed in km/h"},
                                 {"sugar in grams", "sugar in ounces"},
                                 {"water in litres", "water in gallons"},
                                 {"power in watts", "power in kW"},
                             });
  CheckVetoed(Guard::kNumbers, {
                                   {"sleep for 500 milliseconds", "sleep for 500 seconds"},
                                   {"5 kg of rice", "5 lb of rice"},
                                   {"a 10 km run", "a 10 mile run"},
                               });
  CheckVetoed(Guard::kCurrency, {
                                    {"price in dollars", "price in euros"},
                                    {"wire 5,000 euros", "wire 5,000 yen"},
                                    {"price in USD", "price in GBP"},
                                    {"$50 gift", "€50 gift"},
                                });
  CheckPassed({
      {"3 kg of rice", "three kilograms of rice"},
      {"sleep 500 ms", "sleep half a second"},
      {"$50 gift", "gift of 50 dollars"},
      {"price in eur", "price in euros"},
      {"120 km/h", "120 kilometers per hour"},
      {"a 90 minute film", "a 1.5 hour film"},
      {"16GB of memory", "16 gigabytes of memory"},
      {"37 C fever", "37 degrees celsius fever"},
      {"1.75 m tall", "175 cm tall"},
      {"20% off", "20 percent off"},
  });
}

TEST_CASE("versions must agree as they are written") {
  CheckVetoed(Guard::kVersions, {
                                    {"new in python 3.11", "new in python 3.12"},
                                    {"new in python 3.1", "new in python 3.10"},
                                    {"angular 12 routing", "angular 16 routing"},
                                    {"iphone 14 battery", "iphone 15 battery"},
                                    {"api v1 docs", "api v2 docs"},
                                    {"windows 10 update", "windows 11 update"},
                                    {"release 1.2.3 notes", "release 1.2.4 notes"},
                                    {"install kubernetes 1.28", "install kubernetes 1.29"},
                                    {"is gpt 3.5 free", "is gpt 4 free"},
                                    {"playstation 4 games", "playstation 5 games"},
                                });
  CheckPassed({
      {"new in python 3.11", "what's new in Python 3.11"},
      {"iphone15 battery", "iphone 15 battery"},
      {"api v2 docs", "docs of the api v2"},
      {"release 1.2.3 notes", "notes of release 1.2.3"},
      {"ps5 games", "PlayStation 5 games"},
  });
}

TEST_CASE("addresses, code and quotations must agree") {
  CheckVetoed(Guard::kUrls, {
                                {"summarize https://a.example/x", "summarize https://a.example/y"},
                                {"is www.one.example down", "is www.two.example down"},
                                {"who is behind one.org", "who is behind two.org"},
                                {"mail to ann@x.org", "mail to bob@x.org"},
                                {"asyncio site:a.org", "asyncio site:b.org"},
                                {"what is in /etc/passwd", "what is in /etc/group"},
                            });
  CheckVetoed(Guard::kCode, {
                                {"what does `foo` do", "what does `bar` do"},
                                {"explain str.split()", "explain str.join()"},
                                {"what does --force do", "what does --dry-run do"},
                                {"open main.py", "open test.py"},
                                {"use max_length", "use min_length"},
                            });
  CheckVetoed(Guard::kQuoted, {
                                  {"translate \"good morning\"", "translate \"good night\""},
                                  {"who wrote 'Faust'?", "who wrote 'Hamlet'?"},
                                  {"what does “ghosting” mean", "what does “breadcrumbing” mean"},
                              });
  CheckPassed({
      {"what does `foo` do", "what does foo do"},
      {"explain str.split", "explain str.split()"},
      {"translate \"good morning\"", "translate 'good morning'"},
      {"who wrote \"Faust\"?", "who wrote Faust?"},
      {"summarize https://a.example/x", "Summarize https://a.example/x."},
  });
}

TEST_CASE("a negation on one side is vetoed") {
  CheckVetoed(Guard::kNegation,
              {
                  {"foods that are safe for dogs", "foods that are not safe for dogs"},
                  {"is a key in a dict", "is a key not in a dict"},
                  {"pasta with eggs", "pasta without eggs"},
                  {"cats that like water", "cats that don't like water"},
                  {"countries that have an army", "countries that have no army"},
                  {"can I travel with a passport", "can I travel without a passport"},
                  {"why is the sky blue", "why isn't the sky blue"},
                  {"rows that match", "rows that do not match"},
                  {"should I take aspirin", "should I never take aspirin"},
                  {"is tea healthy", "isnt tea healthy"},
              });
  CheckPassed({
      {"my printer isn't printing", "my printer does not print"},
      {"dont cats swim", "don't cats swim"},
      {"pasta without eggs", "pasta w/o eggs"},
      {"is parking not allowed here", "is parking forbidden here"},
      {"my phone cannot charge", "my phone can't charge"},
      {"I don't know how to bake bread", "how to bake bread"},
      {"the car does not start", "the car won't start"},
      {"the pump never stops", "the pump doesn't stop"},
      {"pasta wihtout eggs", "pasta without eggs"},
      {"the app fails to load", "the app does not load"},
  });
}

TEST_CASE("opposites are vetoed") {
  CheckVetoed(Guard::kAntonyms, {
                                    {"Can I start a router?", "Can I stop a router?"},
                                    {"enable dark mode", "disable dark mode"},
                                    {"turn on location", "turn off location"},
                                    {"increase the font", "decrease the font"},
                                    {"import contacts", "export contacts"},
                                    {"buy shares", "sell shares"},
                                    {"start the service", "stop the service"},
                                    {"maximum speed", "minimum speed"},
                                    {"sort ascending", "sort descending"},
                                    {"install the driver", "uninstall the driver"},
                                    {"lock the account", "unlock the account"},
                                    {"do I pay before checkout", "do I pay after checkout"},
                                    {"the hottest planet upload", "the hottest planet download"},
                                });
  CheckPassed({
      {"turn off location", "disable location"},
      {"switch on bluetooth", "enable bluetooth"},
      {"reduce the font", "decrease the font"},
      {"buy shares", "purchase shares"},
      {"start the service", "begin the service"},
      {"get rid of ants", "remove ants"},
      {"is a cat faster than a dog", "is a dog slower than a cat"},
      {"stretch before running", "stretch prior to running"},
      {"sign up", "register"},
      {"raise the limit", "increase the limit"},
  });
}

TEST_CASE("a date and a time of the day are told apart by the tense") {
  CheckVetoed(Guard::kTense, {{"When did the Louvre open?", "What time does the Louvre open?"},
                              {"When did the store close?", "When does the store close?"}});
  CheckPassed({{"When did the war end?", "What year did the war end?"},
               {"When does the shop open?", "What time does the shop open?"}});
  CheckVetoed(Guard::kAntonyms, {{"What do TCP and UDP have in common?",
                                  "What is the difference between TCP and UDP?"}});
}

TEST_CASE("an exchange of roles is vetoed") {
  CheckVetoed(Guard::kOrder, {
                                 {"flight from Rome to Oslo", "flight from Oslo to Rome"},
                                 {"convert a list to a tuple", "convert a tuple to a list"},
                                 {"usd to eur", "eur to usd"},
                                 {"is rust faster than go", "is go faster than rust"},
                                 {"move files from disk to tape", "move files from tape to disk"},
                                 {"why do dogs chase cats", "why do cats chase dogs"},
                                 {"replace butter with oil", "replace oil with butter"},
                                 {"use tabs instead of spaces", "use spaces instead of tabs"},
                                 {"brush teeth before breakfast", "breakfast before brush teeth"},
                                 {"translate english to french", "translate french to english"},
                                 {"How do I convert a string to an integer in Java?",
                                  "convert an integer to a string in Java"},
                                 {"turn mechanical energy into electrical energy",
                                  "turn electrical energy into mechanical energy"},
                                 {"How many goals did Brazil score against Germany in 2014?",
                                  "How many goals did Germany score against Brazil in 2014?"},
                             });
  CheckPassed({
      {"flight from Rome to Oslo", "flight to Oslo from Rome"},
      {"in pandas rename a column", "rename a column in pandas"},
      {"tea or coffee, what is healthier", "coffee or tea, what is healthier"},
      {"the price of gas in Norway", "in Norway, the price of gas"},
      {"convert a list to a tuple in python", "python: convert a list to a tuple"},
      {"usd to eur rate", "rate usd to eur"},
      {"was the dog bitten by the cat", "was the dog bitten by the cat"},
      {"tips for running a marathon", "marathon running tips"},
      {"rust vs go", "go vs rust"},
      {"how is rent paid when I move", "when I move, how is rent paid"},
  });
}

TEST_CASE("names must have a counterpart") {
  CheckVetoed(Guard::kNames, {
                                 {"Who founded Apple?", "Who founded Google?"},
                                 {"how tall is Tom Cruise", "how tall is Brad Pitt"},
                                 {"what is Terraform", "what is Ansible"},
                                 {"who wrote Ulysses", "who wrote Emma"},
                                 {"is IKEA open", "is ALDI open"},
                                 {"when did Mozart die", "when did Haydn die"},
                                 {"install Postfix now", "install Dovecot now"},
                                 {"how to play Catan", "how to play Carcassonne"},
                                 {"does Netflix have ads", "does Hulu have ads"},
                                 {"review of the Bose headset", "review of the Jabra headset"},
                             });
  CheckPassed({
      {"Who founded Apple?", "who founded apple"},
      {"hotels in NYC", "hotels in New York City"},
      {"what is OLTP", "what is online transaction processing"},
      {"who was Shakespeare", "who was Shakespere"},
      {"population of the UK", "population of the United Kingdom"},
      {"learn JS", "learn JavaScript"},
      {"what is NATO", "What is nato"},
      {"Install PostgreSQL", "install postgres"},
      {"Is YouTube down", "is youtube down"},
      {"what is a CPU", "what is a processor"},
  });
}

TEST_CASE("places and qualifiers narrow a question") {
  CheckVetoed(Guard::kPlaces, {
                                  {"parental leave in Germany", "parental leave in Sweden"},
                                  {"minimum wage in france", "minimum wage in spain"},
                                  {"tax rate in texas", "tax rate in florida"},
                                  {"speed limit", "speed limit in Germany"},
                              });
  CheckVetoed(Guard::kQualifiers, {
                                      {"yoga for children", "yoga for adults"},
                                      {"guitar for beginners", "guitar for experts"},
                                      {"binary search in java", "binary search in rust"},
                                      {"screenshot on windows", "screenshot on mac"},
                                      {"vegan lasagna", "keto lasagna"},
                                      {"lullabies in Spanish", "lullabies in French"},
                                      {"install git on ubuntu", "install git on windows"},
                                      {"lasagna recipe", "vegan lasagna recipe"},
                                      {"hotels for families", "hotels for couples"},
                                      {"translate hello to german", "translate hello to italian"},
                                  });
  CheckPassed({
      {"yoga for kids", "yoga for children"},
      {"guitar for newbies", "guitar for beginners"},
      {"binary search in js", "binary search in javascript"},
      {"leave in the US", "leave in the United States"},
  });
}

TEST_CASE("amounts agree in other words") {
  CheckPassed({
      {"the gate opens at 5 a.m. every day", "the gate opens at 5 am every day"},
      {"closed from 6 p.m. on Monday", "closed from 6pm on Monday"},
      {"bake for a quarter of an hour", "bake for fifteen minutes"},
      {"bake for three quarters of an hour", "bake for 45 minutes"},
      {"wait a third of an hour", "wait twenty minutes"},
      {"walk for an hour and a half", "walk for 90 minutes"},
      {"keep jars up to a year", "keep jars up to twelve months"},
      {"do points expire within a week", "do points expire within 7 days"},
      {"delete files older than 30d", "delete files older than thirty days"},
      {"best songs of the eighties", "best songs of the 1980s"},
      {"best songs of the 80s", "best songs of the 1980s"},
      {"solve x^2 - 5x + 6 = 0", "solve x^2-5x+6=0"},
      {"merge two pdf files", "merge pdf files into one"},
      {"compare two branches", "compare one branch with another"},
      {"a licence for two computers", "a licence for more than one computer"},
      {"a licence for both computers", "a licence for two computers"},
      {"a torque of 90 Nm", "a torque of 90 newton metres"},
      {"a house of 2000 sq ft", "a house of 2,000 square feet"},
      {"open at weekends", "open on Saturdays and Sundays"},
  });
  CheckVetoed(Guard::kNumbers, {
                                   {"bake for a quarter of an hour", "bake for half an hour"},
                                   {"keep jars up to a year", "keep jars up to six months"},
                                   {"solve x^2 - 5x + 6 = 0", "solve x^2 - 5x - 6 = 0"},
                                   {"merge two pdf files", "merge three pdf files"},
                                   {"read chapter one", "read chapter two"},
                                   {"best songs of the eighties", "best songs of the nineties"},
                               });
}

TEST_CASE("the same is negated in other words") {
  CheckPassed({
      {"if a tree falls and nobody hears it", "if a tree falls and no one hears it"},
      {"if `encoding` is not given, it guesses", "if no `encoding` is given, it guesses"},
      {"the tool changes nothing on disk", "the tool does not change anything on disk"},
      {"why isn't my css grid centered", "why is my CSS grid not centered"},
      {"my alarm doesn't ring, why", "why doesn't my alarm ring"},
      {"wipe it with a cloth, never use compressed air",
       "wipe it using a cloth. Do not ever use compressed air"},
      {"store cheese so it doesn't dry out", "keep cheese from drying out"},
      {"courses can be cancelled free of charge", "courses can be cancelled without charge"},
      {"he only eats pasta", "he eats nothing but pasta"},
      {"a swap without the manager's approval", "a swap without approval from the manager"},
      {"what must you not do when it burns", "when it burns, what must you not do"},
      {"reset it, I don't know the password", "reset it without the password"},
      {"do I need a visa for Kenya", "is it possible to visit Kenya without a visa"},
      {"can't connect to postgres, connection refused", "postgres refuses the connection"},
      {"prove that it is irrational", "prove that it is not rational"},
      {"toddler won't sleep", "get my toddler to sleep"},
      {"when is steak rare", "when is a steak rare"},
      {"how hard is the exam", "how difficult is the exam"},
  });
  CheckVetoed(Guard::kNegation,
              {
                  {"keep cheese from drying out", "how is cheese drying out"},
                  {"keep users from logging in", "keep users logging in"},
                  {"is it sold any more", "is it no longer sold"},
                  {"lines containing an error", "lines not containing an error"},
                  {"what must you do when it burns", "what must you not do when it burns"},
                  {"my car starts when it is cold but not when it is hot",
                   "my car starts when it is hot but not when it is cold"},
                  {"is it safe not to take it", "is it not safe to take it"},
                  {"pizza without ham with cheese", "pizza without cheese with ham"},
                  {"does it snow here", "does it hardly snow here"},
                  {"explain \"must\" in English", "explain \"must not\" in English"},
                  {"recipes that need eggs", "recipes that need no eggs"},
              });
}

TEST_CASE("opposites in other surroundings are only wording") {
  CheckPassed({
      {"How do I schedule a script every night at 2?", "cron expression for a job daily at 2 am"},
      {"If `strict` is true, it raises an error", "an error is thrown provided `strict` is on"},
      {"Should kids get paid for doing chores?",
       "Is it a good idea to give children money for helping around the house?"},
      {"I am terrible at maths", "What helps a weak student get good with numbers?"},
  });
  CheckVetoed(Guard::kAntonyms,
              {
                  {"How do I decrypt AES text in PHP", "Encrypt a string with AES in PHP"},
                  {"undo the last step", "redo the step I did"},
                  {"Can I give blood with type A?", "Can I get blood with type A?"},
                  {"How do I pin a message?", "How do I unpin a message?"},
                  {"What is a predator?", "What is prey?"},
                  {"who came first", "who came last"},
                  {"foods that prevent cancer", "foods that cause cancer"},
              });
}

TEST_CASE("ranks are vetoed as opposites or on other scales") {
  CheckPassed({
      {"make a small garden look larger", "make a tiny garden look bigger"},
      {"the fastest way to learn tables", "how tables are learnt most quickly"},
      {"the cheapest country in Asia", "the least expensive country in Asia"},
      {"the biggest hit by Abba", "the most popular hit by Abba"},
      {"the best guitarists of all time", "the greatest guitarists of all time"},
      {"best beaches in Italy", "most beautiful beaches in Italy"},
  });
  CheckVetoed(Guard::kRank,
              {
                  {"best hotels in Rome", "worst hotels in Rome"},
                  {"best hotels in Rome", "cheapest hotels in Rome"},
                  {"cheapest country in Asia", "safest country in Asia"},
                  {"largest file on disk", "smallest file on disk"},
                  {"which fruit has the most sugar", "which fruit has the least sugar"},
                  {"oldest city in the world", "largest city in the world"},
              });
}

TEST_CASE("a reordering is no exchange of roles") {
  CheckPassed({
      {"add it at the end of a line if you want the linter to skip that line",
       "add it to the end of a line to make the linter skip it"},
      {"How do I learn French on my own at home?", "How can I learn French by myself at home?"},
      {"What is the meaning of the song Hotel California?",
       "what's the meaning of the song \"Hotel California\" by the Eagles"},
      {"visitors are asked to wash their hands before entering and after leaving the ward",
       "we ask visitors to wash their hands before entering and after leaving the ward"},
      {"remove the bolts before you connect the washer",
       "the washer must not be connected until you remove the bolts"},
      {"does it matter if I eat before or after sport",
       "if I eat before or after sport, does it matter"},
      {"Your policy covers water damage caused by a burst pipe",
       "Your policy covers damage by water from a burst pipe"},
  });
  CheckVetoed(Guard::kOrder,
              {
                  {"my daughter hits her brother", "my daughter gets hit by her brother"},
                  {"Allow the web server to talk to the database server",
                   "Allow the database server to talk to the web server"},
                  {"should I stretch before a run", "should I stretch after a run"},
                  {"is it valid until May", "is it not valid until May"},
              });
}

TEST_CASE("names in another form are one name") {
  CheckPassed({
      {"memory leak in a Node.js app", "memory leak in a Node app"},
      {"is an ID card enough for Norway", "is an identity card enough for Norway"},
      {"why did the Soviet Union collapse", "why did the USSR collapse"},
      {"taxes in Denmark", "why do Danes pay taxes"},
      {"summarize this thread", "summarise this thread"},
      {"organise a trip to Oslo", "organize a trip to Oslo"},
      {"is the app out on iOS", "is the app out on iPhone"},
      {"are OTC painkillers safe", "are over-the-counter painkillers safe"},
  });
}

TEST_CASE("cut, empty and foreign texts are never sure") {
  const std::string words = [] {
    std::string text;
    for (int i = 0; i < 600; ++i) {
      text += "word ";
    }
    return text;
  }();
  CHECK(VetoOf({words, words}).find("length") != std::string::npos);
  CHECK(VetoOf({"what is love", ""}).find("length") != std::string::npos);
  CHECK(VetoOf({"what is love", "что такое любовь"}).find("script") != std::string::npos);
  CHECK(VetoOf({"что такое любовь", "что такое любовь"}).empty());
}

}  // namespace
}  // namespace reprise::match
