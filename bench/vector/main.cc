// reprise-vectors: recall, latency, memory, churn and snapshots of one partition of the index.
//
// Prints one line of name=value for each phase. Exit code 1 when recall fresh or after churn is
// below 0.98, or falls by more than half a point, or more than 500 entries per million are lost.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/vector/sentences.h"
#include "storage/vector/index.h"
#include "storage/vector/kernels.h"

namespace reprise::bench {
namespace {

using vector::VectorIndex;

constexpr vector::PartitionId kPartition{1, 2};

struct Settings {
  std::size_t entries = 100'000;
  std::size_t width = 512;
  std::size_t kept_width = 0;  // The index has so many of the numbers; 0: all.
  std::size_t latent = 64;
  std::size_t queries = 1'000;
  double churn = 0;
  bool is_float = false;
  bool is_exact = false;
  float rephrased = 0.3F;
  std::uint64_t seed = 1;
  std::string folder;
  vector::GraphOptions graph;
  std::vector<std::uint32_t> also_ef_search;
};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Spread {
  double p50 = 0;
  double p99 = 0;
};

Spread SpreadOf(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values[values.size() * 99 / 100]};
}

// One partition, with the vectors as they were given beside it.
class Partition {
 public:
  explicit Partition(const Settings& settings)
      : settings_(settings),
        sentences_({settings.width, settings.latent, settings.entries / 1'000 + 10,
                    settings.entries / 20 + 10, settings.seed}),
        random_(settings.seed),
        index_(std::make_unique<VectorIndex>(OptionsOf(settings))) {}

  static vector::IndexOptions OptionsOf(const Settings& settings) {
    vector::IndexOptions options;
    options.width =
        static_cast<std::uint32_t>(settings.kept_width > 0 ? settings.kept_width : settings.width);
    options.encoding = settings.is_float ? vector::Encoding::kFloat : vector::Encoding::kInt8;
    options.graph = settings.graph;
    options.graph.seed = settings.seed;
    if (settings.is_exact) {
      options.exact_below = vector::kExactBelowMax;
    }
    return options;
  }

  void Fill() {
    const auto start = std::chrono::steady_clock::now();
    double making = 0;
    for (std::size_t i = 0; i < settings_.entries; ++i) {
      const auto begun = std::chrono::steady_clock::now();
      meanings_.push_back(sentences_.Next());
      const std::vector<float> vector = sentences_.VectorOf(meanings_.back());
      given_.insert(given_.end(), vector.begin(), vector.end());
      making += SecondsSince(begun);
      Put(i);
    }
    while (index_->Maintain(1'000)) {
    }
    const double seconds = SecondsSince(start) - making;
    std::printf("fill entries=%zu seconds=%.1f us_each=%.0f\n", settings_.entries, seconds,
                seconds * 1e6 / static_cast<double>(settings_.entries));
  }

  void Churn() {
    const auto changes =
        static_cast<std::size_t>(settings_.churn * static_cast<double>(settings_.entries));
    std::vector<double> took;
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t place = random_() % settings_.entries;
      meanings_[place] = sentences_.Next();
      const std::vector<float> vector = sentences_.VectorOf(meanings_[place]);
      std::copy(vector.begin(), vector.end(),
                given_.begin() + static_cast<std::ptrdiff_t>(place * settings_.width));
      const auto begun = std::chrono::steady_clock::now();
      index_->Remove(kPartition, ids_[place], ++sequence_);
      Put(place);
      took.push_back(SecondsSince(begun) * 1e6);
    }
    const Spread spread = SpreadOf(took);
    std::printf("churn changes=%zu p50_us=%.0f p99_us=%.0f max_us=%.0f\n", changes, spread.p50,
                spread.p99, took.back());
  }

  // Against a scan of the vectors as they were given.
  double Recall(const char* name) {
    std::size_t right = 0;
    std::size_t right_ten = 0;
    std::vector<double> took;
    for (std::size_t i = 0; i < settings_.queries; ++i) {
      const auto& meaning = meanings_[random_() % meanings_.size()];
      const auto query = sentences_.VectorOf(sentences_.Rephrased(meaning, settings_.rephrased));
      const std::vector<float> kept = KeptOf(query.data());
      const auto begun = std::chrono::steady_clock::now();
      const auto found = index_->Search(kPartition, kept, 1);
      took.push_back(SecondsSince(begun) * 1e6);
      const std::vector<vector::EntryId> best = Nearest(query);
      right += !found.value().empty() && found.value()[0].id == best[0] ? 1 : 0;
      for (const vector::Match& match : index_->Search(kPartition, kept, best.size()).value()) {
        right_ten += std::count(best.begin(), best.end(), match.id) > 0 ? 1 : 0;
      }
    }
    const Spread spread = SpreadOf(took);
    const double recall = static_cast<double>(right) / static_cast<double>(settings_.queries);
    std::printf("search %s p50_us=%.0f p99_us=%.0f recall_at_1=%.4f recall_at_10=%.4f\n", name,
                spread.p50, spread.p99, recall,
                static_cast<double>(right_ten) / static_cast<double>(settings_.queries * kTen));
    return recall;
  }

  std::uint64_t Audit(const char* name) {
    const vector::AuditReport report = index_->Audit(static_cast<std::uint32_t>(settings_.entries));
    std::printf("audit %s probed=%lu unreachable=%luppm repaired=%lu\n", name, report.probed,
                report.UnreachablePerMillion(), report.repaired);
    return report.UnreachablePerMillion();
  }

  void Memory() {
    const vector::IndexStats stats = index_->Stats();
    std::printf("memory entries=%lu nodes=%lu dead=%lu bytes_each=%.0f\n", stats.entries,
                stats.nodes, stats.dead,
                static_cast<double>(stats.bytes) / static_cast<double>(stats.entries));
  }

  bool SaveAndLoad() {
    const std::string path = settings_.folder + "/vectors.snapshot";
    auto begun = std::chrono::steady_clock::now();
    const auto saved = index_->Snapshot(path);
    const double save_seconds = SecondsSince(begun);
    if (!saved.ok()) {
      std::printf("snapshot failed: %s\n", saved.error().detail.c_str());
      return false;
    }
    begun = std::chrono::steady_clock::now();
    auto loaded = VectorIndex::Load(OptionsOf(settings_), path);
    const double load_seconds = SecondsSince(begun);
    std::printf("snapshot mib=%.0f save_s=%.2f load_s=%.2f\n",
                static_cast<double>(std::filesystem::file_size(path)) / (1 << 20), save_seconds,
                load_seconds);
    for (const std::uint32_t ef_search : settings_.also_ef_search) {
      vector::IndexOptions options = OptionsOf(settings_);
      options.graph.ef_search = ef_search;
      index_ = VectorIndex::Load(options, path).value();
      Recall(("ef_search=" + std::to_string(ef_search)).c_str());
    }
    std::filesystem::remove(path);
    if (!loaded.ok()) {
      std::printf("load failed: %s\n", loaded.error().detail.c_str());
      return false;
    }
    index_ = std::move(loaded).value();
    return true;
  }

 private:
  static constexpr std::size_t kTen = 10;

  // The first numbers of a vector, one unit long again.
  std::vector<float> KeptOf(const float* vector) const {
    std::vector<float> kept(vector, vector + OptionsOf(settings_).width);
    float squared = 0;
    for (const float number : kept) {
      squared += number * number;
    }
    for (float& number : kept) {
      number /= std::sqrt(squared);
    }
    return kept;
  }

  // Ids are never used again, as in the store.
  void Put(std::size_t place) {
    ids_.resize(std::max(ids_.size(), place + 1));
    ids_[place] = ++last_id_;
    const auto status =
        index_->Add(kPartition, last_id_, KeptOf(&given_[place * settings_.width]), ++sequence_);
    if (!status.ok()) {
      std::printf("refused: %s\n", status.error().detail.c_str());
    }
  }

  std::vector<vector::EntryId> Nearest(const std::vector<float>& query) const {
    std::vector<std::pair<float, vector::EntryId>> all;
    all.reserve(settings_.entries);
    const vector::Kernels& kernels = vector::BestKernels();
    for (std::size_t i = 0; i < settings_.entries; ++i) {
      const float* given = &given_[i * settings_.width];
      all.emplace_back(-kernels.dot_float(query.data(), given, settings_.width), ids_[i]);
    }
    std::partial_sort(all.begin(), all.begin() + kTen, all.end());
    std::vector<vector::EntryId> best;
    for (std::size_t i = 0; i < kTen; ++i) {
      best.push_back(all[i].second);
    }
    return best;
  }

  const Settings& settings_;
  Sentences sentences_;
  std::mt19937_64 random_;
  std::unique_ptr<VectorIndex> index_;
  std::vector<Sentences::Meaning> meanings_;
  std::vector<float> given_;
  std::vector<vector::EntryId> ids_;
  vector::EntryId last_id_ = 0;
  std::uint64_t sequence_ = 0;
};

int Run(const Settings& settings) {
  constexpr double kRecallMin = 0.98;
  constexpr double kRecallDropMax = 0.005;
  constexpr std::uint64_t kUnreachableMax = 500;
  std::printf("entries=%zu width=%zu encoding=%s m=%u ef_construction=%u ef_search=%u kernels=%s\n",
              settings.entries, settings.width, settings.is_float ? "float" : "int8",
              settings.graph.m, settings.graph.ef_construction, settings.graph.ef_search,
              std::string(vector::BestKernels().name).c_str());
  Partition partition(settings);
  partition.Fill();
  partition.Memory();
  const double fresh = partition.Recall("fresh");
  std::uint64_t unreachable = partition.Audit("fresh");
  double churned = fresh;
  if (settings.churn > 0) {
    partition.Churn();
    partition.Memory();
    churned = partition.Recall("churned");
    unreachable = std::max(unreachable, partition.Audit("churned"));
    partition.Recall("repaired");
  }
  bool is_good = fresh >= kRecallMin && churned >= kRecallMin &&
                 fresh - churned <= kRecallDropMax && unreachable <= kUnreachableMax;
  if (!settings.folder.empty()) {
    is_good = partition.SaveAndLoad() && partition.Recall("loaded") >= kRecallMin && is_good;
  }
  std::printf("verdict=%s\n", is_good ? "ok" : "MISSED");
  return is_good ? 0 : 1;
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  reprise::bench::Settings settings;
  CLI::App app{"Recall, latency, memory, churn and snapshots of one partition of vectors."};
  app.add_option("--entries", settings.entries);
  app.add_option("--width", settings.width);
  app.add_option("--kept-width", settings.kept_width,
                 "keep only the first numbers of each vector; recall is of the whole ones");
  app.add_option("--latent", settings.latent, "dimensions in which sentences differ");
  app.add_option("--queries", settings.queries);
  app.add_option("--churn", settings.churn, "replace so many times the entries");
  app.add_flag("--float", settings.is_float, "keep floats, not bytes");
  app.add_flag("--exact", settings.is_exact, "scan: no graph");
  app.add_option("--rephrased", settings.rephrased, "how far queries lie from entries");
  app.add_option("--seed", settings.seed);
  app.add_option("--snapshot", settings.folder, "save to and load from this folder");
  app.add_option("--also-ef-search", settings.also_ef_search, "with --snapshot: search so too");
  app.add_option("--m", settings.graph.m);
  app.add_option("--ef-construction", settings.graph.ef_construction);
  app.add_option("--ef-search", settings.graph.ef_search);
  CLI11_PARSE(app, argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return reprise::bench::Run(settings);
}
