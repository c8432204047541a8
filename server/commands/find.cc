// Finding a command by the name that a client sent: a small open-addressed table, made at the first
// use.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "server/commands/all.h"

namespace reprise::commands {
namespace {

constexpr char Upper(char letter) {
  return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

bool SameName(std::string_view known, std::string_view given) {
  return known.size() == given.size() && std::equal(known.begin(), known.end(), given.begin(),
                                                    [](char a, char b) { return a == Upper(b); });
}

// FNV-1a over the upper-case name. The names are ours, so nobody can make them collide.
std::uint32_t HashOf(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char letter : name) {
    hash = (hash ^ static_cast<std::uint8_t>(Upper(letter))) * 16777619U;
  }
  return hash;
}

constexpr std::size_t kCells = 256;
constexpr std::uint8_t kEmpty = 255;

struct Table {
  std::array<std::uint8_t, kCells> cells{};
  Table() {
    cells.fill(kEmpty);
    for (std::size_t i = 0; i < AllCommands().size(); ++i) {
      std::size_t cell = HashOf(AllCommands()[i]->name) % kCells;
      while (cells[cell] != kEmpty) {
        cell = (cell + 1) % kCells;
      }
      cells[cell] = static_cast<std::uint8_t>(i);
    }
  }
};

// Edits that turn one name into the other (Levenshtein, two rows).
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min(
          {above + 1, row[j - 1] + 1, diagonal + (Upper(a[i - 1]) == Upper(b[j - 1]) ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::size_t> IndexOf(std::string_view name) {
  static const Table table;
  for (std::size_t cell = HashOf(name) % kCells; table.cells[cell] != kEmpty;
       cell = (cell + 1) % kCells) {
    const std::size_t index = table.cells[cell];
    if (SameName(AllCommands()[index]->name, name)) {
      return index;
    }
  }
  return std::nullopt;
}

const CommandSpec* FindCommand(std::string_view name) {
  const auto index = IndexOf(name);
  return index.has_value() ? AllCommands()[*index] : nullptr;
}

std::string_view NearestCommand(std::string_view name) {
  constexpr std::size_t kEditsMax = 3;
  std::string_view nearest;
  std::size_t least = kEditsMax + 1;
  for (const CommandSpec* spec : AllCommands()) {
    const std::size_t edits = Distance(spec->name, name);
    if (edits < least && edits < name.size()) {
      least = edits;
      nearest = spec->name;
    }
  }
  return nearest;
}

}  // namespace reprise::commands
