#include "server/instance/instance.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "protocol/base/limits.h"
#include "protocol/base/random.h"
#include "protocol/base/read_file.h"
#include "protocol/wire/plain_json.h"
#include "server/config/toml_value.h"
#include "server/spend/price_file.h"

namespace reprise::instance {
namespace {

constexpr std::size_t kSlotsPerTick = 20'000;
constexpr std::size_t kSlidesPerBatch = 500;
constexpr int kSlideBatches = 20;
constexpr std::size_t kTrimmedPerBatch = 1'000;
constexpr int kTrimBatches = 8;

constexpr std::size_t kPriceFileDepth = 16;

semantic::SemanticOptions SemanticOptionsOf(const config::Config& config) {
  semantic::SemanticOptions options;
  options.spaces.embedding.embedder = config.semantic.embedder;
  options.spaces.embedding.models_dir = config.semantic.models_dir;
  options.spaces.embedding.client_width = config.semantic.client_width;
  options.spaces.embedding.cache_bytes = config.semantic.vector_cache_bytes;
  options.spaces.embedding.url = config.semantic.http_url;
  options.spaces.embedding.model = config.semantic.http_model;
  options.spaces.embedding.key_variable = config.semantic.http_key_env;
  options.spaces.embedding.http_width = config.semantic.http_width;
  options.spaces.embedding.deadline_ms = config.semantic.http_deadline_ms;
  options.snapshot_ms = config.semantic.snapshot_ms;
  options.log = config.semantic.log;
  if (config.store.engine == storage::EngineKind::kRocksDb) {
    options.spaces.space.folder = config.store.dir + "/vectors";
  }
  return options;
}

std::int64_t Bounded(std::uint64_t number) {
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

spend::Saving SavingOf(const cache::SavingSum& sum) {
  spend::Saving saving;
  saving.strategy = "cache." + std::string(cache::NameOf(sum.tier));
  saving.count = sum.hits;
  saving.tokens_in = Bounded(sum.tokens_in);
  saving.tokens_out = Bounded(sum.tokens_out);
  saving.cost_nano = Bounded(sum.cost_nano);
  saving.scopes.bot = sum.bot;
  saving.scopes.model = sum.model;
  saving.scopes.type = sum.type;
  return saving;
}

}  // namespace

class Instance::CountersCall final : public storage::Mutation {
 public:
  explicit CountersCall(Instance& instance) : instance_(instance) {}

  base::Status Apply(storage::Transaction& transaction) override {
    instance_.cache_->WriteCounters(transaction);
    return base::Ok{};
  }
  // Refused or not: the next tick writes what is left.
  void Finish(base::Status /*outcome*/) override { instance_.counters_submitted_ = false; }
  std::size_t QueuedBytes() const override { return sizeof(*this); }

 private:
  Instance& instance_;
};

Instance::Instance(std::unique_ptr<storage::Store> store, const base::Clock& clock)
    : clock_(clock), store_(std::move(store)) {}

Instance::~Instance() {
  if (cache_ != nullptr) {
    WriteCounters();
    PostSavings(true);
  }
  if (control_ != nullptr) {
    const base::Status saved =
        store_->Run([this](storage::Transaction& transaction) -> base::Status {
          control_->Save(transaction);
          return base::Ok{};
        });
    (void)saved.ok();  // What a crash would lose is lost.
  }
  rate_writer_.reset();
  if (rate_ != nullptr) {
    WriteRate();
  }
  if (routing_ != nullptr) {
    WriteRouting(true);
  }
  index_writer_.reset();
  flight_timer_.reset();
  job_timer_.reset();
  if (semantic_ != nullptr) {
    semantic_->StopEmbedding();  // It posts to the store.
  }
  store_.reset();  // It finishes what was submitted, which still uses the cache and the jobs.
}

base::Result<std::unique_ptr<Instance>> Instance::Open(const config::Config& config,
                                                       base::SystemClock& clock) {
  ASSIGN_OR_RETURN(auto store, storage::Store::Open(config.store, clock));
  return Load(std::move(store), config, clock);
}

base::Result<std::unique_ptr<Instance>> Instance::OpenWithClock(const config::Config& config,
                                                                const base::Clock& clock) {
  ASSIGN_OR_RETURN(auto store, storage::Store::OpenWithClock(config.store, clock));
  return Load(std::move(store), config, clock);
}

base::Result<std::unique_ptr<Instance>> Instance::Load(std::unique_ptr<storage::Store> store,
                                                       const config::Config& config,
                                                       const base::Clock& clock) {
  std::unique_ptr<Instance> instance(new Instance(std::move(store), clock));
  ASSIGN_OR_RETURN(instance->access_, access::Registry::Load(*instance->store_));
  std::vector<storage::NamespaceId> namespaces;
  for (const access::Namespace& entry : instance->access_->Namespaces()) {
    namespaces.push_back(entry.id);
  }
  ASSIGN_OR_RETURN(instance->spend_,
                   spend::Spend::Load(*instance->store_, namespaces, clock.Now()));
  ASSIGN_OR_RETURN(instance->control_, control::Control::Load(*instance->store_, config.control));
  ASSIGN_OR_RETURN(instance->cache_, cache::Cache::Load(*instance->store_, namespaces, clock));
  ASSIGN_OR_RETURN(instance->rate_, rate::Limiter::Load(*instance->store_, namespaces, config.rate,
                                                        clock, base::RandomSeed()));
  instance->rate_writer_ =
      std::make_unique<RateWriter>(*instance->rate_, *instance->store_, config.rate.flush_ms);
  ASSIGN_OR_RETURN(instance->routing_,
                   routing::Routing::Load(*instance->store_, config.routing, base::RandomSeed()));
  ASSIGN_OR_RETURN(instance->semantic_,
                   semantic::Semantic::Open(SemanticOptionsOf(config), *instance->store_, clock));
  instance->cache_->UseSemantic(*instance->semantic_);
  instance->semantic_->SetEnabled(
      instance->control_->MayRunSomewhere(control::Strategy::kCacheSemantic, config));
  instance->index_writer_ = std::make_unique<IndexWriter>(*instance->semantic_);
  instance->cache_->SetLog(config.cache);
  instance->cache_->OnManyRecords([owner = instance.get()] { owner->SubmitCounters(); });
  ASSIGN_OR_RETURN(instance->jobs_,
                   jobs::Jobs::Load(*instance->store_, namespaces, clock, config.jobs));
  instance->SetJobsOptions(config.jobs);
  instance->jobs_->OnSaving(
      [owner = instance.get()](const jobs::Saving& saving, storage::Transaction& transaction) {
        owner->RecordSaving(saving, transaction);
      });
  instance->job_timer_ = std::make_unique<JobTimer>(*instance->jobs_, clock);
  instance->flight_timer_ = std::make_unique<FlightTimer>(instance->cache_->flights(), clock);
  return instance;
}

base::Result<std::size_t> Instance::UsePriceFile(const std::string& path) {
  const auto read = [&]() -> base::Result<spend::PriceFile> {
    if (!path.ends_with(".json")) {
      ASSIGN_OR_RETURN(const base::Value toml, config::ReadToml(path));
      return spend::ReadPriceFile(toml);
    }
    ASSIGN_OR_RETURN(
        const std::string text,
        base::ReadRegularFile(path, static_cast<std::size_t>(base::limits::kPriceFileBytes.value)));
    ASSIGN_OR_RETURN(const base::Value json, wire::FromPlainJson(text, kPriceFileDepth));
    return spend::ReadPriceFile(json);
  };
  auto file = read();
  if (!file.ok()) {
    return base::Error{file.error().code, "prices of " + path + ": " + file.error().detail};
  }
  spend_->prices().SetStarter(file.value());
  return file.value().models.size();
}

void Instance::SetJobsOptions(const config::JobsOptions& options) {
  jobs_->SetOptions(options, [this](std::string_view name) {
    const auto found = access_->Find(name);
    return found.ok() ? std::optional(found.value()) : std::nullopt;
  });
}

// The tokens of a context that was not sent again are worth what the price table says; a model
// without a price leaves the tokens alone.
void Instance::RecordSaving(const jobs::Saving& saving, storage::Transaction& transaction) {
  const bool by_batching = saving.by == jobs::Saving::By::kBatching;
  spend::Saving record;
  record.strategy = by_batching ? "batching" : "deferral";
  record.count = saving.tasks;
  record.tokens_in = static_cast<std::int64_t>(saving.tokens_in);
  record.cost_nano = static_cast<std::int64_t>(saving.cost_nano);
  record.scopes.model = saving.model;
  if (by_batching && saving.tokens_in > 0 && !saving.model.empty()) {
    spend::CostAsk ask;
    ask.usage = spend::Usage{.input_tokens = record.tokens_in, .requests = 0};
    const auto cost = spend_->CostOf(saving.home, ask, saving.model, transaction.now());
    record.cost_nano = cost.ok() ? cost.value() : 0;
  }
  (void)spend_->RecordSaving(saving.home, record, transaction).ok();
}

void Instance::Disconnect(std::uint64_t owner) {
  cache_->flights().Disconnect(owner);
  jobs_->Disconnect(owner);
}

void Instance::Expel(std::uint64_t owner) {
  cache_->flights().Expel(owner);
  jobs_->Expel(owner);
}

std::size_t Instance::StopWaiting(std::uint64_t owner) {
  return cache_->flights().StopWaiting(owner) + jobs_->StopWaiting(owner);
}

void Instance::Tick(const config::Config& config) {
  const config::CacheOptions& options = config.cache;
  spend_->Tick(clock_.Now());
  cache_->SweepExpired(clock_.Now(), kSlotsPerTick);
  semantic_->SetEnabled(control_->MayRunSomewhere(control::Strategy::kCacheSemantic, config));
  if (control_->NeedsUpkeep(clock_.Now())) {
    const base::Status kept =
        store_->Run([this](storage::Transaction& transaction) -> base::Status {
          control_->Upkeep(clock_.Now(), transaction);
          return base::Ok{};
        });
    (void)kept.ok();  // A refused write is tried again by the next tick.
  }
  if (cache_->HasUnwrittenCounters()) {
    WriteCounters();
  }
  PostSavings(false);
  WriteRouting(false);
  // Popular entries may slide by the thousands between two ticks; the rest waits for the next one.
  for (int i = 0; cache_->HasSlides() && i < kSlideBatches; ++i) {
    const base::Status slid = store_->Run([this](storage::Transaction& transaction) {
      return cache_->WriteSlides(kSlidesPerBatch, transaction);
    });
    if (!slid.ok()) {
      break;  // The entries live as long as they would have without the hits.
    }
  }
  for (int i = 0; cache_->NeedsTrim(options) && i < kTrimBatches; ++i) {
    const base::Status trimmed =
        store_->Run([&](storage::Transaction& transaction) -> base::Status {
          cache_->Trim(options, kTrimmedPerBatch, transaction);
          return base::Ok{};
        });
    if (!trimmed.ok()) {
      break;
    }
  }
  if (cache_->NeedsReclaim()) {
    const base::Status reclaimed =
        store_->Run([this](storage::Transaction& transaction) -> base::Status {
          cache_->Reclaim(kSlotsPerTick, transaction);
          return base::Ok{};
        });
    (void)reclaimed.ok();  // A refused write is tried again by the next tick.
  }
}

// A refused write (disk full, read-only) leaves the counters marked as unwritten; the next tick
// tries again.
void Instance::WriteCounters() {
  const base::Status written =
      store_->Run([this](storage::Transaction& transaction) -> base::Status {
        cache_->WriteCounters(transaction);
        return base::Ok{};
      });
  (void)written.ok();
}

void Instance::PostSavings() {
  PostSavings(true);
}

void Instance::PostSavings(bool all) {
  if (!cache_->HasSavings(all)) {
    return;
  }
  const base::Status posted = store_->Run([&](storage::Transaction& transaction) -> base::Status {
    const auto post = [&](storage::NamespaceId id, const cache::SavingSum& sum) -> base::Status {
      const auto recorded = spend_->RecordSaving(id, SavingOf(sum), transaction);
      // A day's sum has 64 bits; what is beyond cannot be told.
      return recorded.ok() || recorded.error().code == base::Code::kTooLarge
                 ? base::Status(base::Ok{})
                 : recorded.error();
    };
    return cache_->PostSavings(all, post, transaction);
  });
  (void)posted.ok();
}

// Everything as it is, so that a restart forgets nothing. A refused write is as a crash.
void Instance::WriteRate() {
  rate_->BeginExact();
  base::Status written = base::Ok{};
  while (written.ok() && rate_->BatchesToWrite() > 0) {
    written = store_->Run([this](storage::Transaction& transaction) -> base::Status {
      rate_->WriteChanges(transaction);
      return base::Ok{};
    });
  }
}

// A refused write is tried again by the next tick; what a crash loses is learned again.
void Instance::WriteRouting(bool all) {
  if (!routing_->HasUnwritten(all)) {
    return;
  }
  const base::Status written =
      store_->Run([this, all](storage::Transaction& transaction) -> base::Status {
        routing_->Write(all, transaction);
        return base::Ok{};
      });
  (void)written.ok();
}

void Instance::ConfigureRate(const config::RateOptions& options) {
  rate_->Configure(options);
  rate_writer_->SetInterval(options.flush_ms);
}

void Instance::SubmitCounters() {
  if (counters_submitted_.exchange(true)) {
    return;
  }
  std::vector<std::unique_ptr<storage::Mutation>> calls;
  calls.push_back(std::make_unique<CountersCall>(*this));
  if (!store_->Submit(calls)) {
    counters_submitted_ = false;  // The next tick writes them.
  }
}

}  // namespace reprise::instance
