#include "server/routing/lexicon.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "server/routing/words.h"

namespace reprise::routing {
namespace {

struct Row {
  Cue cue;
  std::string_view words;  // between single spaces
};

constexpr std::array kRows{
    Row{kNegation,
        "not except never least neither nor without no cannot incorrect false none unless"},
    Row{kReasoning,
        "why how explain prove derive show analyze analyse evaluate justify deduce infer conclude "
        "reason reasoning discuss design plan"},
    Row{kComparison,
        "compare contrast difference versus better best worse most likely more less greater fewer "
        "than similar same equal"},
    Row{kLookUp, "who when where define called name known term"},
    Row{kCondition, "if suppose assume given when whenever provided let consider imagine"},
    Row{kQuantity,
        "percent half twice double triple each per total ratio average remaining left every times "
        "sum rate altogether sold cost price spent earn earned equal number many much fraction "
        "probability"},
    Row{kTechnical,
        "function algorithm code class python java sql query program compile array string integer "
        "loop recursion database api server protocol encryption memory cpu thread theorem matrix "
        "vector polynomial derivative integral equation molecule enzyme protein voltage entropy "
        "velocity acceleration hypothesis coefficient equilibrium variance distribution regression "
        "statute liability diagnosis patient syndrome gene neuron membrane electron ion acid"},
    Row{kSeveral, "statement statements following both scenarios scenario each respectively"},
    Row{kOutput,
        "write essay list describe summarize translate generate implement create compose draft "
        "story"},
    Row{kPerson, "i you he she my his her we they"},
    Row{kOpening, "what which who when where is are does do"},
    Row{kLong,
        "essay detailed comprehensive thorough report article story chapter step steps complete "
        "full entire guide tutorial"},
    Row{kShort, "briefly brief short yes one sentence word only simply quick quickly tl"},
};

struct Entry {
  std::uint64_t hash = 0;
  std::uint16_t cues = 0;
};

constexpr std::size_t WordsIn(std::string_view words) {
  return static_cast<std::size_t>(std::count(words.begin(), words.end(), ' ')) + 1;
}

constexpr std::size_t WordsInAll() {
  std::size_t count = 0;
  for (const Row& row : kRows) {
    count += WordsIn(row.words);
  }
  return count;
}

struct Table {
  std::array<Entry, WordsInAll()> entries{};
  std::size_t size = 0;
};

constexpr Table MakeTable() {
  Table table;
  for (const Row& row : kRows) {
    std::string_view rest = row.words;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      table.entries[table.size++] = {HashOfWord(rest.substr(0, end)),
                                     static_cast<std::uint16_t>(row.cue)};
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::sort(table.entries.begin(), table.entries.end(),
            [](const Entry& a, const Entry& b) { return a.hash < b.hash; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < table.size; ++i) {
    if (kept > 0 && table.entries[kept - 1].hash == table.entries[i].hash) {
      table.entries[kept - 1].cues =
          static_cast<std::uint16_t>(table.entries[kept - 1].cues | table.entries[i].cues);
    } else {
      table.entries[kept++] = table.entries[i];
    }
  }
  table.size = kept;
  return table;
}

constexpr Table kTable = MakeTable();

}  // namespace

std::uint16_t CuesOf(std::uint64_t word_hash) {
  const auto end = kTable.entries.begin() + static_cast<std::ptrdiff_t>(kTable.size);
  const auto found =
      std::lower_bound(kTable.entries.begin(), end, word_hash,
                       [](const Entry& entry, std::uint64_t hash) { return entry.hash < hash; });
  return found != end && found->hash == word_hash ? found->cues : std::uint16_t{0};
}

}  // namespace reprise::routing
