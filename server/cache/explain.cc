// Owns the search for neighbours and how they are compared. Does not own the lookup itself.
#include "server/cache/explain.h"

#include <algorithm>
#include <set>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/cache/cache.h"
#include "server/cache/space.h"
#include "server/telemetry/escape.h"
#include "server/text/normalize.h"

namespace reprise::cache {
namespace {

using base::Value;

std::string Shown(const Value& value) {
  const std::string json = wire::ToJson(value);
  const std::string_view cut = telemetry::CutAt(json, kShownBytes);
  return cut.size() == json.size() ? json : std::string(cut) + "...";
}

// Walks over both values at once.
class Comparison {
 public:
  explicit Comparison(std::vector<Difference>& out) : out_(out) {}

  void Compare(const std::string& path, const Value* asked, const Value* stored) {
    if (out_.size() >= kDifferences || Equal(asked, stored)) {
      return;
    }
    if (asked != nullptr && stored != nullptr && CompareInside(path, *asked, *stored)) {
      return;
    }
    out_.push_back(
        {path, asked == nullptr ? "" : Shown(*asked), stored == nullptr ? "" : Shown(*stored)});
  }

 private:
  static bool Equal(const Value* one, const Value* other) {
    return one == nullptr || other == nullptr ? one == other : *one == *other;
  }

  bool CompareInside(const std::string& path, const Value& asked, const Value& stored) {
    if (asked.AsMap() != nullptr && stored.AsMap() != nullptr) {
      CompareMaps(path, asked, stored);
      return true;
    }
    if (asked.AsArray() != nullptr && stored.AsArray() != nullptr) {
      CompareArrays(path, *asked.AsArray(), *stored.AsArray());
      return true;
    }
    return false;
  }

  void CompareMaps(const std::string& path, const Value& asked, const Value& stored) {
    const auto inside = [&path](const Value& key) {
      const auto text = key.AsText();
      return (path.empty() ? "" : path + ".") +
             (text.has_value() ? std::string(telemetry::CutAt(*text, kShownBytes)) : Shown(key));
    };
    const auto find = [](const Value::Map& map, const Value& key) -> const Value* {
      const auto found = std::find_if(map.begin(), map.end(),
                                      [&key](const auto& item) { return item.first == key; });
      return found == map.end() ? nullptr : &found->second;
    };
    for (const auto& [key, value] : *asked.AsMap()) {
      Compare(inside(key), &value, find(*stored.AsMap(), key));
    }
    for (const auto& [key, value] : *stored.AsMap()) {
      if (find(*asked.AsMap(), key) == nullptr) {
        Compare(inside(key), nullptr, &value);
      }
    }
  }

  void CompareArrays(const std::string& path, const Value::Array& asked,
                     const Value::Array& stored) {
    for (std::size_t i = 0; i < std::max(asked.size(), stored.size()); ++i) {
      Compare(path + "[" + std::to_string(i) + "]", i < asked.size() ? &asked[i] : nullptr,
              i < stored.size() ? &stored[i] : nullptr);
    }
  }

  std::vector<Difference>& out_;
};

std::set<std::string_view> WordsOf(std::string_view text) {
  std::set<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) {
      words.insert(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

bool IsNearer(const Neighbour& one, const Neighbour& other) {
  if (one.same_prompt != other.same_prompt) {
    return one.same_prompt;
  }
  if (one.same_prompt && one.differences.size() != other.differences.size()) {
    return one.differences.size() < other.differences.size();
  }
  return one.overlap > other.overlap;
}

// Keeps the nearest ones.
void Offer(Neighbour neighbour, std::vector<Neighbour>& nearest) {
  const auto place = std::find_if(nearest.begin(), nearest.end(), [&](const Neighbour& other) {
    return IsNearer(neighbour, other);
  });
  nearest.insert(place, std::move(neighbour));
  if (nearest.size() > kNeighbours) {
    nearest.pop_back();
  }
}

}  // namespace

base::Result<std::vector<Difference>> DifferencesOf(std::string_view asked,
                                                    std::string_view stored) {
  const auto read = [](std::string_view identity) -> base::Result<Value> {
    return identity.empty() ? base::Result<Value>(Value(Value::Map{})) : wire::Decode(identity);
  };
  ASSIGN_OR_RETURN(const Value one, read(asked));
  ASSIGN_OR_RETURN(const Value other, read(stored));
  std::vector<Difference> differences;
  Comparison(differences).Compare("", &one, &other);
  return differences;
}

double WordOverlap(std::string_view one, std::string_view other) {
  const std::set<std::string_view> words = WordsOf(one);
  const std::set<std::string_view> others = WordsOf(other);
  const auto shared = static_cast<double>(std::count_if(
      words.begin(), words.end(), [&](std::string_view word) { return others.contains(word); }));
  const double all = static_cast<double>(words.size() + others.size()) - shared;
  return all == 0 ? 0 : shared / all;
}

base::Result<Neighbourhood> Cache::FindNeighbours(const FlightQuestion& asked,
                                                  const storage::View& view,
                                                  std::uint64_t rows_max) const {
  Neighbourhood result;
  const Space* space = Find(asked.namespace_id);
  std::optional<base::Error> bad;
  const std::string prefix = BodyPrefix(asked.namespace_id);
  const storage::ScanRequest bodies{
      .family = storage::Family::kEntries, .prefix = prefix, .after = ""};
  const auto look = [&](const storage::ScanRow& row) -> base::Status {
    ASSIGN_OR_RETURN(const Body body, ParseBody(row.value));
    std::string normalized;
    RETURN_IF_ERROR(text::Normalize(body.prompt, normalized));
    Neighbour neighbour;
    neighbour.same_prompt = normalized == asked.normalized_prompt;
    neighbour.overlap =
        neighbour.same_prompt ? 1 : WordOverlap(normalized, asked.normalized_prompt);
    const KeyHash exact = KeyHash::FromBytes(row.key.substr(row.key.size() - 16));
    if (neighbour.overlap < kOverlapMin || space == nullptr || !space->Holds(exact, body.id)) {
      return base::Ok{};
    }
    ASSIGN_OR_RETURN(neighbour.differences, DifferencesOf(asked.identity, body.identity));
    neighbour.id = body.id;
    neighbour.prompt = telemetry::CutAt(body.prompt, kShownBytes);
    neighbour.model = body.model;
    neighbour.expires_at = row.expires_at;
    Offer(std::move(neighbour), result.nearest);
    return base::Ok{};
  };
  RETURN_IF_ERROR(view.store().Scan(bodies, view.now(), [&](const storage::ScanRow& row) {
    if (result.rows_read >= rows_max) {
      result.complete = false;
      return false;
    }
    ++result.rows_read;
    if (const base::Status looked = look(row); !looked.ok()) {
      bad = looked.error();
    }
    return !bad.has_value();
  }));
  if (bad.has_value()) {
    return *std::move(bad);
  }
  return result;
}

}  // namespace reprise::cache
