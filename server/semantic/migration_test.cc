// A change of the embedder: both spaces answer, no vector meets one of another embedder, what was
// done is not done again.
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "server/semantic/semantic.h"
#include "server/semantic/vector_row.h"
#include "storage/engine/test_support.h"

namespace reprise::semantic {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::size_t kWidth = 64;
constexpr storage::NamespaceId kHome{7};
const Partition kPartition{kHome, 1};

// How the embedders of a test behave.
struct World {
  bool is_down = false;
  bool is_missing = false;  // what is asked for stands in for something else
  std::map<std::string, std::uint64_t> embedded;
  std::set<std::string> gone;      // that cannot be opened any more
  std::set<std::string> poisoned;  // texts
};

// A text "<number> ..." lies on an axis of its own; each embedder counts the axes from another one.
// So the vector of a text by one embedder is that of another text by the other.
class FakeEmbedding final : public Embedding {
 public:
  FakeEmbedding(std::string name, World& world) : name_(std::move(name)), world_(world) {
    Warn(world.is_missing ? "a stand-in" : "");
  }
  std::string_view Name() const override { return name_; }
  std::string_view Fingerprint() const override { return name_; }
  std::size_t Width() const override { return kWidth; }
  base::Result<VectorsPtr> Embed(const OwnText& own) const override {
    const std::string_view text = own.text;
    if (world_.is_down || world_.poisoned.contains(std::string(text))) {
      return Error{Code::kUnavailable, "it is down"};
    }
    CountEmbedded();
    ++world_.embedded[name_];
    auto made = std::make_shared<embed::TokenVectors>();
    made->vector.assign(kWidth, 0);
    const auto shift = static_cast<std::size_t>(name_.back());
    made->vector[(std::stoul(std::string(text)) + shift) % kWidth] = 1;
    return VectorsPtr(std::move(made));
  }

 private:
  const std::string name_;
  World& world_;
};

// Entries by number, as a cache would hold them.
class Entries {
 public:
  Entry Add(std::uint64_t number) {
    Entry entry{kPartition, ++last_id_, NameOf(number), storage::kNever};
    live_[number] = entry;
    return entry;
  }
  Entry At(std::uint64_t number) const { return live_.at(number); }
  void Remove(std::uint64_t number) {
    gone_.emplace_back(kPartition, live_.at(number).id);
    live_.erase(number);
  }
  std::size_t size() const { return live_.size(); }
  std::uint64_t NumberOf(std::uint64_t id) const {
    for (const auto& [number, entry] : live_) {
      if (entry.id == id) {
        return number;
      }
    }
    return 0;
  }
  Owner AsOwner() {
    return {[this](const Entry& entry) { return NumberOf(entry.id) != 0; },
            [this](const Entry& entry) { return std::optional(TextOf(NumberOf(entry.id))); },
            [this] { return std::exchange(gone_, {}); },
            [this](std::uint64_t& cursor, std::vector<Entry>& page) { return List(cursor, page); }};
  }
  static std::string TextOf(std::uint64_t number) { return std::to_string(number) + " stored"; }

 private:
  static std::string NameOf(std::uint64_t number) {
    std::string name = EntryPrefix(kHome) + std::string(16, 'n');
    name.back() = static_cast<char>(number);
    return name;
  }
  bool List(std::uint64_t& cursor, std::vector<Entry>& page) const {
    constexpr std::size_t kPage = 7;
    auto next = live_.upper_bound(cursor);
    const bool more = next != live_.end();
    for (std::size_t i = 0; i < kPage && next != live_.end(); ++i, ++next) {
      page.push_back(next->second);
      cursor = next->first;
    }
    return more;
  }

  std::map<std::uint64_t, Entry> live_;
  std::vector<std::pair<Partition, std::uint64_t>> gone_;
  std::uint64_t last_id_ = 0;
};

class Bench {
 public:
  Bench() {
    storage::StoreOptions options;
    options.engine = storage::EngineKind::kMemory;
    store_ = storage::Store::OpenWithClock(options, clock_).value();
  }

  // As after a restart, orderly or not: nothing but the store is kept.
  Semantic& Start(const std::string& embedder) {
    semantic_.reset();
    SemanticOptions options;
    options.spaces.embedding.embedder = embedder;
    options.spaces.embedding.client_width = client_width;
    options.log = [this](std::string_view line) { lines.emplace_back(line); };
    options.spaces.make_embedding =
        [this](const EmbeddingOptions& wanted,
               const base::Clock& clock) -> base::Result<std::unique_ptr<Embedding>> {
      if (wanted.embedder == "client") {
        return Embedding::Make(wanted, clock);
      }
      if (world.gone.contains(wanted.embedder)) {
        return Error{Code::kUnavailable, "it is not configured any more"};
      }
      return std::unique_ptr<Embedding>(std::make_unique<FakeEmbedding>(wanted.embedder, world));
    };
    semantic_ = Semantic::Open(options, *store_, clock_).value();
    semantic_->Serve(entries.AsOwner());
    return *semantic_;
  }
  Semantic& semantic() { return *semantic_; }
  storage::Store& store() { return *store_; }
  void Advance(std::int64_t ms) { clock_.Advance(ms); }

  void Add(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) {
      semantic_->Enqueue(entries.Add(number));
    }
  }
  // Adds one with a caller's vector.
  base::Status AddWith(std::uint64_t number, const std::vector<float>& vector) {
    const Entry entry = entries.Add(number);
    RETURN_IF_ERROR(store_->Run([&](storage::Transaction& transaction) {
      return semantic_->PutVector(entry, vector, transaction);
    }));
    semantic_->Enqueue(entry);
    return base::Ok{};
  }
  void Finish() {
    for (int i = 0; i < 10'000 && semantic_->Step(); ++i) {
    }
  }
  void StepUntilLeft(std::uint64_t left) {
    while (!semantic_->Stats().filling.is_embedding || semantic_->Stats().filling.left > left) {
      REQUIRE(semantic_->Step());
    }
  }

  struct Seen {
    std::size_t found = 0;  // entries that their own question finds
    std::size_t twice = 0;  // by both spaces
    std::size_t mixed = 0;  // questions that find another's entry: vectors of two embedders met
  };
  Seen AskAll(std::span<const float> vector = {}) const {
    Seen seen;
    for (std::uint64_t number = 1; number < kWidth; ++number) {
      const auto asked =
          semantic_->Ask(kPartition, std::to_string(number) + " asked", vector).value();
      std::size_t found = 0;
      for (const Asked& by : asked) {
        const auto matches = by.space->Nearest(kPartition, by.probe, 8).value();
        for (std::size_t i = 0; i < matches.size(); ++i) {
          const bool is_near = matches[i].similarity > 0.5;
          const std::uint64_t other = entries.NumberOf(matches[i].id);
          found += is_near && other == number ? 1 : 0;
          seen.mixed += is_near && other != number && other != 0 ? 1 : 0;
        }
      }
      seen.found += found > 0 ? 1 : 0;
      seen.twice += found > 1 ? 1 : 0;
    }
    return seen;
  }
  std::size_t RowsOf(std::string_view embedder) const {
    std::size_t rows = 0;
    const std::string prefix = VectorPrefix(HashOf(embedder));
    const storage::ScanRequest request{.family = Family::kVectors, .prefix = prefix, .after = ""};
    REQUIRE(store_
                ->Scan(request, clock_.Now(),
                       [&rows](const storage::ScanRow&) {
                         ++rows;
                         return true;
                       })
                .ok());
    return rows;
  }

  World world;
  Entries entries;
  std::vector<std::string> lines;
  std::int64_t client_width = 4;

 private:
  base::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Semantic> semantic_;
};

TEST_CASE("while vectors are replaced, every entry is found, and by vectors of one embedder") {
  Bench bench;
  bench.Start("fake-a");
  bench.Add(1, 50);
  bench.Finish();
  CHECK(bench.AskAll().found == 50);
  CHECK(bench.RowsOf("fake-a") == 50);
  Semantic& semantic = bench.Start("fake-b");
  std::size_t steps = 0;
  std::size_t both = 0;
  bool is_loaded = false;
  for (bool works = true; works; ++steps) {
    works = semantic.Step();
    const auto stats = semantic.Stats();
    const auto seen = bench.AskAll();
    CHECK(seen.mixed == 0);
    is_loaded = is_loaded || !stats.filling.is_loading;
    if (is_loaded) {
      CHECK(seen.found == 50);
      CHECK(seen.twice == 0);
    }
    both += stats.index.entries > 0 && stats.replaced.index.entries > 0 ? 1 : 0;
    REQUIRE(steps < 1'000);
  }
  CHECK(both > 1);
  CHECK(bench.world.embedded["fake-b"] >= 50);
  CHECK(semantic.Stats().filling.left == 0);
  CHECK(semantic.Stats().filling.total == 50);
  CHECK(semantic.Stats().replaced.embedder.empty());
  CHECK(bench.RowsOf("fake-a") == 0);
  CHECK(bench.RowsOf("fake-b") == 50);
  REQUIRE(bench.lines.size() == 2);
  CHECK(bench.lines[0] ==
        "vectors of fake-a (fake-a) are replaced by those of fake-b (fake-b): 50 of 50 entries are "
        "embedded anew; both are searched meanwhile");
  CHECK(bench.lines[1] == "all entries have vectors of fake-b; those of fake-a are deleted");
  bench.Start("fake-b");
  bench.Finish();
  CHECK(bench.lines.size() == 2);
}

TEST_CASE("a restart in the middle goes on where it was") {
  Bench bench;
  bench.Start("fake-a");
  bench.Add(1, 60);
  bench.Finish();
  bench.Start("fake-b");
  bench.StepUntilLeft(30);
  const std::size_t done = bench.RowsOf("fake-b");
  CHECK(done >= 30);
  CHECK(done < 60);
  bench.Start("fake-b");
  bench.StepUntilLeft(60 - done);
  CHECK(bench.semantic().Stats().filling.left == 60 - done);
  CHECK(bench.AskAll().found == 60);
  bench.world.embedded.clear();
  bench.Finish();
  CHECK(bench.world.embedded["fake-b"] == 60 - done);
  CHECK(bench.RowsOf("fake-a") == 0);
}

TEST_CASE("going back in the middle embeds only what has come meanwhile") {
  Bench bench;
  bench.Start("fake-a");
  bench.Add(1, 40);
  bench.Finish();
  bench.Start("fake-b");
  bench.Add(41, 44);
  bench.StepUntilLeft(20);
  bench.Start("fake-a");
  bench.world.embedded.clear();
  while (bench.semantic().Stats().filling.is_loading) {
    bench.semantic().Step();
  }
  const auto seen = bench.AskAll();
  CHECK(seen.found == 44);
  CHECK(seen.mixed == 0);
  bench.world.embedded.clear();
  bench.Finish();
  CHECK(bench.world.embedded["fake-a"] == 4);
  CHECK(bench.RowsOf("fake-b") == 0);
  CHECK(bench.RowsOf("fake-a") == 44);
}

TEST_CASE("a change in the middle of a change keeps the space that was full") {
  Bench bench;
  bench.Start("fake-a");
  bench.Add(1, 40);
  bench.Finish();
  bench.Start("fake-b");
  bench.StepUntilLeft(20);
  bench.Start("fake-c");
  CHECK(bench.semantic().Stats().replaced.fingerprint == "fake-a");
  CHECK(bench.RowsOf("fake-b") == 0);
  bench.StepUntilLeft(20);
  CHECK(bench.AskAll().found == 40);
  CHECK(bench.AskAll().mixed == 0);
  bench.Finish();
  CHECK(bench.RowsOf("fake-a") == 0);
  CHECK(bench.RowsOf("fake-c") == 40);
}

TEST_CASE("new entries go first, and those that go leave both spaces") {
  Bench bench;
  bench.Start("fake-a");
  bench.Add(1, 40);
  bench.Finish();
  Semantic& semantic = bench.Start("fake-b");
  bench.StepUntilLeft(39);
  bench.Add(41, 42);
  const auto before = semantic.Stats();
  semantic.Step();
  CHECK(semantic.Stats().index.entries == before.index.entries + 2);
  CHECK(semantic.Stats().filling.left == before.filling.left);
  bench.entries.Remove(1);
  bench.entries.Remove(40);
  semantic.Step();
  CHECK(bench.AskAll().found == 40);
  REQUIRE(bench.store()
              .Run([&](storage::Transaction& transaction) -> base::Status {
                semantic.DeleteVector(bench.entries.At(2).name, transaction);
                return base::Ok{};
              })
              .ok());
  CHECK(bench.RowsOf("fake-a") == 39);
  REQUIRE(bench.store()
              .Run([&](storage::Transaction& transaction) -> base::Status {
                semantic.DropNamespace(kHome, transaction);
                return base::Ok{};
              })
              .ok());
  CHECK(bench.RowsOf("fake-a") + bench.RowsOf("fake-b") == 0);
}

TEST_CASE("an old embedder that cannot be opened is named, and its vectors stay until the end") {
  Bench bench;
  bench.Start("fake-a");
  bench.Add(1, 40);
  bench.Finish();
  bench.world.gone = {"fake-a"};
  Semantic& semantic = bench.Start("fake-b");
  CHECK(semantic.Stats().replaced.warning == "it is not configured any more");
  CHECK_FALSE(semantic.HasEntries(kPartition));
  bench.StepUntilLeft(20);
  CHECK(bench.lines.back().ends_with(
      "the old ones are not searched meanwhile: it is not configured any more"));
  const auto seen = bench.AskAll();
  CHECK(seen.found == semantic.Stats().index.entries);
  CHECK(seen.mixed == 0);
  CHECK(bench.RowsOf("fake-a") == 40);
  bench.Finish();
  CHECK(bench.RowsOf("fake-a") == 0);
  CHECK(bench.AskAll().found == 40);
}

TEST_CASE("an embedder that does not answer holds the change up, and loses nothing") {
  Bench bench;
  bench.Start("fake-a");
  bench.Add(1, 40);
  bench.Finish();
  Semantic& semantic = bench.Start("fake-b");
  bench.StepUntilLeft(30);
  bench.world.is_down = true;
  bench.Add(41, 41);
  for (int i = 0; i < 100; ++i) {
    bench.Finish();
    bench.Advance(60'000);
  }
  CHECK(semantic.Stats().filling.left > 0);
  CHECK(bench.RowsOf("fake-a") == 40);
  bench.world.is_down = false;
  bench.world.poisoned = {Entries::TextOf(40)};
  for (int i = 0; i < 100; ++i) {
    bench.Finish();
    CHECK(bench.AskAll().found >= 40);  // These embed, so the embedder is well.
    bench.Advance(60'000);
  }
  CHECK(semantic.Stats().failed == 1);
  CHECK(semantic.Stats().index.entries == 40);
  CHECK(bench.RowsOf("fake-a") == 0);
}

TEST_CASE("a stand-in for a model that is missing does not delete its vectors") {
  Bench bench;
  bench.Start("fake-a");
  bench.Add(1, 40);
  bench.Finish();
  bench.world.is_missing = true;
  bench.Start("fake-b");
  bench.Finish();
  CHECK(bench.AskAll().found == 40);
  CHECK(bench.RowsOf("fake-a") == 40);
  CHECK(bench.lines.back().ends_with("because this embedder only stands in"));
  bench.world.is_missing = false;
  bench.Start("fake-a");
  bench.world.embedded.clear();
  bench.Finish();
  CHECK(bench.world.embedded["fake-a"] == 0);
  CHECK(bench.RowsOf("fake-b") == 0);
}

TEST_CASE("evidence of one embedder does not decide for another, and is there when it is back") {
  Bench bench;
  const auto evidence = [&bench] {
    return bench.semantic().ReportOf({kHome, "general", Setting::kAlone}, 0.02).evidence;
  };
  // Answers how many of them were known.
  const auto learn = [&bench](std::uint64_t count, bool replace = false) {
    std::vector<LabelledPair> pairs;
    for (std::uint64_t i = 0; i < count; ++i) {
      pairs.push_back({LabelledPair::HashOf("stored", std::to_string(i), true), 0.9, true});
    }
    std::uint64_t known = 0;
    REQUIRE(bench.store()
                .Run([&](storage::Transaction& transaction) -> base::Status {
                  ASSIGN_OR_RETURN(known, bench.semantic().Learn(kHome, {"general", pairs, replace},
                                                                 transaction));
                  return base::Ok{};
                })
                .ok());
    return known;
  };
  bench.Start("fake-a");
  CHECK(learn(400) == 0);
  CHECK(learn(500) == 400);  // A pair is evidence once,
  CHECK(evidence() == 500);
  CHECK(bench.semantic().ReportOf({kHome, "general", Setting::kAlone}, 0.02).ruling.serves);
  bench.Start("fake-b");
  CHECK(evidence() == 0);
  CHECK_FALSE(bench.semantic().ReportOf({kHome, "general", Setting::kAlone}, 0.02).ruling.serves);
  CHECK(learn(7) == 0);  // of each embedder,
  CHECK(evidence() == 7);
  bench.Start("fake-a");
  CHECK(evidence() == 500);
  CHECK(learn(501) == 500);  // after a restart, too.
  CHECK(learn(3, true) == 0);
  CHECK(evidence() == 3);
  bench.Start("fake-a");
  CHECK(learn(4) == 3);
}

TEST_CASE("a bad hit stays barred by the next embedder") {
  Bench bench;
  Semantic& before = bench.Start("fake-a");
  bench.Add(1, 3);
  bench.Finish();
  const std::string name = bench.entries.At(1).name;
  const auto is_barred = [&](const std::string& question) {
    auto asked = bench.semantic().Ask(kPartition, question, {}).value();
    REQUIRE_FALSE(asked.empty());
    return bench.semantic().IsBarred(name, asked.front());
  };
  const auto asked = before.Ask(kPartition, "1 asked", {}).value();
  const Hit hit{kHome,
                name,
                "general",
                0.9,
                "1 asked",
                {asked[0].space->hash(), PackedVector::Of(asked[0].probe.vectors->vector)},
                Source::kFeedback};
  REQUIRE(bench.store()
              .Run([&](storage::Transaction& transaction) {
                return before.Judge(hit, false, transaction);
              })
              .ok());
  CHECK(is_barred("1 spelled in another way"));
  CHECK_FALSE(is_barred("2 asked"));
  for (const bool restarts : {false, true}) {
    Semantic& after = bench.Start("fake-b");
    if (!restarts) {
      bench.world.is_down = true;  // It has not seen the question yet: to be sure, no.
      bench.Finish();
      bench.world.is_down = false;
      bench.Advance(60'000);
      auto both = after.Ask(kPartition, "2 asked", {}).value();
      REQUIRE(both.size() == 2);
      CHECK_FALSE(after.IsBarred(name, both[0]));
      CHECK(after.IsBarred(name, both[1]));
    }
    bench.Finish();
    CHECK(is_barred("1 asked"));
    CHECK(is_barred("1 spelled in another way"));
    CHECK_FALSE(is_barred("2 asked"));
  }
}

TEST_CASE("callers' vectors are never made by the server, and belong to one width") {
  Bench bench;
  bench.Start("client");
  REQUIRE(bench.AddWith(1, {1, 0, 0, 0}).ok());
  REQUIRE(bench.AddWith(2, {0, 1, 0, 0}).ok());
  CHECK(bench.AddWith(3, {1, 0, 0}).error().code == Code::kBadRequest);
  bench.entries.Remove(3);
  bench.Finish();
  CHECK(bench.semantic().Stats().index.entries == 2);

  SECTION("the server's embedder takes their place; until then both kinds of probes work") {
    Semantic& semantic = bench.Start("fake-a");
    bench.world.is_down = true;
    bench.Finish();
    const std::vector<float> near{1, 0.1F, 0, 0};
    const auto asked = semantic.Ask(kPartition, "1 asked", near).value();
    REQUIRE(asked.size() == 1);
    const auto matches = asked[0].space->Nearest(kPartition, asked[0].probe, 1).value();
    REQUIRE(matches.size() == 1);
    CHECK(bench.entries.NumberOf(matches[0].id) == 1);
    CHECK(semantic.Ask(kPartition, "1 asked", std::vector<float>{1, 0, 0}).error().code ==
          Code::kBadRequest);
    bench.world.is_down = false;
    bench.Advance(60'000);
    bench.Finish();
    CHECK(semantic.Stats().index.entries == 2);
    CHECK(bench.RowsOf("client-4") == 0);
    CHECK(semantic.Ask(kPartition, "1 asked", near).error().code == Code::kBadRequest);
  }
  SECTION("vectors of another width take their place as callers bring them") {
    bench.client_width = 8;
    Semantic& semantic = bench.Start("client");
    bench.Finish();
    CHECK(semantic.Stats().replaced.fingerprint == "client-4");
    CHECK(semantic.Stats().filling.left == 2);
    const std::vector<float> narrow{1, 0, 0, 0};
    const std::vector<float> wide{1, 0, 0, 0, 0, 0, 0, 0};
    CHECK(semantic.Ask(kPartition, "1 asked", narrow).value().size() == 1);
    const auto asked = semantic.Ask(kPartition, "1 asked", wide).value();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].space->Nearest(kPartition, asked[0].probe, 1).value().size() == 0);
    CHECK(semantic.Ask(kPartition, "1 asked", std::vector<float>(6, 1)).error().code ==
          Code::kBadRequest);
    REQUIRE(bench.AddWith(1, wide).ok());
    bench.Finish();
    CHECK(semantic.Ask(kPartition, "1 asked", wide).value().size() == 1);
    bench.entries.Remove(2);
    bench.Advance(60'001);
    bench.Finish();
    CHECK(semantic.Stats().replaced.fingerprint.empty());
    CHECK(semantic.Ask(kPartition, "1 asked", narrow).error().code == Code::kBadRequest);
  }
  SECTION("an embedder's vectors serve on until callers have brought theirs") {
    bench.Start("fake-a");
    bench.Finish();
    Semantic& semantic = bench.Start("client");
    bench.Finish();
    CHECK(semantic.Stats().filling.left == 2);
    CHECK(semantic.Ask(kPartition, "1 asked", {}).value().size() == 1);
    CHECK(bench.AskAll().found == 2);
    REQUIRE(bench.AddWith(1, {1, 0, 0, 0}).ok());
    REQUIRE(bench.AddWith(2, {0, 1, 0, 0}).ok());
    bench.Advance(60'001);
    bench.Finish();
    CHECK(semantic.Stats().replaced.fingerprint.empty());
    CHECK(semantic.Ask(kPartition, "1 asked", {}).error().code == Code::kBadRequest);
  }
}

}  // namespace
}  // namespace reprise::semantic
