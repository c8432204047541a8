#include "bench/semantic/questions.h"

#include <array>
#include <string_view>

namespace reprise::bench {
namespace {

constexpr std::array<std::string_view, 40> kVerbs{
    "reset",    "cancel",  "renew",   "install", "repair",    "clean",     "sell",     "export",
    "import",   "insure",  "replace", "update",  "measure",   "configure", "paint",    "order",
    "return",   "rent",    "test",    "unlock",  "calibrate", "charge",    "store",    "ship",
    "register", "connect", "print",   "scan",    "share",     "transfer",  "upgrade",  "translate",
    "archive",  "encrypt", "polish",  "weigh",   "assemble",  "label",     "schedule", "verify"};
constexpr std::array<std::string_view, 75> kThings{
    "password",   "subscription", "passport", "printer",   "bicycle",     "washing machine",
    "contract",   "calendar",     "router",   "guitar",    "thermostat",  "insurance policy",
    "database",   "keyboard",     "invoice",  "telescope", "greenhouse",  "boat",
    "camera",     "ticket",       "mortgage", "piano",     "garden hose", "spreadsheet",
    "microscope", "tent",         "passcode", "warranty",  "dishwasher",  "violin",
    "backup",     "certificate",  "wallet",   "helmet",    "sofa",        "chimney",
    "profile",    "antenna",      "battery",  "bookshelf", "carpet",      "drone",
    "engine",     "fence",        "gearbox",  "heater",    "inbox",       "jacket",
    "kettle",     "ladder",       "mirror",   "notebook",  "oven",        "parcel",
    "quilt",      "roof",         "scooter",  "tractor",   "umbrella",    "vaccine record",
    "website",    "yacht",        "zipper",   "account",   "balcony",     "compass",
    "doorbell",   "elevator",     "freezer",  "generator", "hard disk",   "ice machine",
    "jukebox",    "lease",        "modem"};
constexpr std::array<std::string_view, 100> kWhere{"at home",
                                                   "at the office",
                                                   "before winter",
                                                   "after moving house",
                                                   "without tools",
                                                   "with a phone",
                                                   "in a hurry",
                                                   "on a boat",
                                                   "for a friend",
                                                   "for my parents",
                                                   "in the kitchen",
                                                   "during a storm",
                                                   "as a student",
                                                   "as a nurse",
                                                   "on a tablet",
                                                   "in the desert",
                                                   "near the sea",
                                                   "while travelling",
                                                   "with a baby",
                                                   "under warranty",
                                                   "with gloves",
                                                   "in the dark",
                                                   "on a small budget",
                                                   "for a wedding",
                                                   "at the airport",
                                                   "on the train",
                                                   "for a museum",
                                                   "in a basement",
                                                   "with one hand",
                                                   "from a library",
                                                   "in a hotel",
                                                   "at high altitude",
                                                   "after a flood",
                                                   "before a holiday",
                                                   "for the first time",
                                                   "in a shared flat",
                                                   "at school",
                                                   "on a farm",
                                                   "in a hospital",
                                                   "with solar power",
                                                   "for a charity",
                                                   "in a theatre",
                                                   "during the night",
                                                   "on the balcony",
                                                   "with a neighbour",
                                                   "in an emergency",
                                                   "on a bridge",
                                                   "for a neighbour",
                                                   "at the border",
                                                   "with a lawyer",
                                                   "in the countryside",
                                                   "on a mountain",
                                                   "by post",
                                                   "by telephone",
                                                   "with a screwdriver",
                                                   "in the bathroom",
                                                   "on Linux",
                                                   "in a van",
                                                   "at a festival",
                                                   "for an exam",
                                                   "after a divorce",
                                                   "before an audit",
                                                   "with old software",
                                                   "in a laboratory",
                                                   "on a ship",
                                                   "for a bakery",
                                                   "in a barn",
                                                   "with children",
                                                   "during a strike",
                                                   "at the harbour",
                                                   "for a choir",
                                                   "in a tunnel",
                                                   "on a roof",
                                                   "with a magnet",
                                                   "in the rain",
                                                   "at a market",
                                                   "for an apprentice",
                                                   "after an accident",
                                                   "before sunrise",
                                                   "in a workshop",
                                                   "on a campsite",
                                                   "with a translator",
                                                   "in the archive",
                                                   "at a petrol station",
                                                   "for a landlord",
                                                   "on a weekend",
                                                   "with a walking aid",
                                                   "in a cellar",
                                                   "at the post office",
                                                   "for a newspaper",
                                                   "on an island",
                                                   "with low bandwidth",
                                                   "in a monastery",
                                                   "at a conference",
                                                   "for a restaurant",
                                                   "on a treadmill",
                                                   "with a dog",
                                                   "in a cave",
                                                   "at a racetrack",
                                                   "for a film crew"};
constexpr std::array<std::string_view, 12> kFar{
    "Who painted the ceiling of chapel",  "When did the dynasty fall in province",
    "Which planet orbits the star",       "Why does the enzyme bind to protein",
    "What rhymes with the word",          "How tall is the volcano on island",
    "Who scored the winning goal in cup", "Which treaty ended the siege of",
    "What is the boiling point of oxide", "Who composed the opera about king",
    "Which river flows through valley",   "When was the comet first seen by"};

constexpr std::uint64_t kAll = kVerbs.size() * kThings.size() * kWhere.size();

struct Parts {
  std::string verb;
  std::string thing;
  std::string where;
};

// A stride without a common factor: neighbours in number are not neighbours in meaning.
Parts PartsOf(std::uint64_t number) {
  constexpr std::uint64_t kStride = 100'003;
  const std::uint64_t place = number * kStride % kAll;
  const std::uint64_t rest = place / kVerbs.size();
  return {std::string(kVerbs[place % kVerbs.size()]), std::string(kThings[rest % kThings.size()]),
          std::string(kWhere[rest / kThings.size()])};
}

}  // namespace

std::string StoredQuestion(std::uint64_t number) {
  const Parts parts = PartsOf(number);
  return "How do I " + parts.verb + " my " + parts.thing + " " + parts.where + "?";
}

std::string Rephrased(std::uint64_t number, std::uint64_t wording) {
  const Parts parts = PartsOf(number);
  const std::string what = parts.verb + " my " + parts.thing + " " + parts.where;
  switch (wording % 3) {
    case 0:
      return "What do I have to do to " + what + "?";
    case 1:
      return "Please tell me how I can " + what;
    default:
      return "What is the way to " + what + "?";
  }
}

std::string Unrelated(std::uint64_t number) {
  std::string name;
  for (std::uint64_t rest = number + 7; rest > 0; rest /= 20) {
    name += "bcdfghjklmnpqrstvwxz"[rest % 20];
    name += "aeiou"[rest % 5];
  }
  return std::string(kFar[number % kFar.size()]) + " " + name + "?";
}

}  // namespace reprise::bench
