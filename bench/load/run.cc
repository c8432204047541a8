#include "bench/load/run.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <memory>
#include <thread>

#include "bench/load/progress.h"
#include "bench/load/worker.h"
#include "bench/load/workload.h"

namespace reprise::bench {
namespace {

constexpr std::size_t kPreloadPipeline = 32;
constexpr std::size_t kPreloadConnections = 16;
constexpr std::uint64_t kZipfKeysMax = 50'000'000;  // the table of weights takes 8 bytes a key
constexpr double kNanosPerSecond = 1e9;

// Set by the signal handler, read by the main thread.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a handler sees nothing else.
volatile std::sig_atomic_t interrupted = 0;

void OnInterrupt(int /*signal*/) {
  interrupted = 1;
}

base::Error Unusable(const std::string& what) {
  return {base::Code::kBadRequest, what};
}

base::Result<Protocol> ProtocolOf(const Settings& settings) {
  const bool plain = settings.parser == "plain";
  if (settings.server == "reprise" && plain) {
    return Protocol::kReprise;
  }
  if (settings.server == "redis" && (plain || settings.parser == "hiredis")) {
    return plain ? Protocol::kRedis : Protocol::kRedisHiredis;
  }
  if (settings.server == "memcached" && (plain || settings.parser == "meta")) {
    return plain ? Protocol::kMemcached : Protocol::kMemcachedMeta;
  }
  return Unusable("no driver for --server " + settings.server + " --parser " + settings.parser +
                  " (reprise: plain; redis: plain, hiredis; memcached: plain, meta)");
}

// One set of workers with one plan: the preload, or the measurement.
struct Phase {
  std::string title;
  double warmup_s = 0.0;
  double seconds = 0.0;     // 0: until the calls are done
  std::uint64_t calls = 0;  // 0: until the time is over
  int pid = 0;
  bool quiet = false;
};

class PhaseRun {
 public:
  PhaseRun(const Phase& phase, const Content& content) : phase_(phase), content_(content) {}

  base::Status Connect(const std::vector<Plan>& plans) {
    for (const Plan& plan : plans) {
      ASSIGN_OR_RETURN(std::unique_ptr<Worker> worker, Worker::Make(plan, content_, control_));
      workers_.push_back(std::move(worker));
    }
    return base::Ok{};
  }

  Summary Run() {
    std::vector<std::thread> threads;
    running_ = workers_.size();
    if (phase_.warmup_s <= 0.0) {
      StartMeasuring();
    }
    for (const auto& worker : workers_) {
      threads.emplace_back([this, &worker] {
        worker->Run();
        --running_;
      });
    }
    if (phase_.warmup_s > 0.0) {
      WaitUntil(phase_.warmup_s, nullptr);
      StartMeasuring();
    }
    {
      Progress progress(phase_.title, phase_.quiet);
      WaitUntil(phase_.seconds, &progress);
    }
    summary_.generator_cpu_s = OwnCpuSeconds() - own_cpu_start_s_;
    summary_.server_after = phase_.pid > 0 ? ReadProcess(phase_.pid) : std::nullopt;
    control_.stage = Stage::kStop;
    for (std::thread& thread : threads) {
      thread.join();
    }
    Collect();
    return std::move(summary_);
  }

 private:
  void StartMeasuring() {
    summary_.server_before = phase_.pid > 0 ? ReadProcess(phase_.pid) : std::nullopt;
    own_cpu_start_s_ = OwnCpuSeconds();
    control_.stage = Stage::kMeasure;
  }

  // Until the time is over (0: never), the workers are done, or the user interrupts.
  void WaitUntil(double seconds, Progress* progress) {
    const base::SystemClock clock;
    const base::Nanos start = clock.Elapsed();
    while (running_ > 0 && interrupted == 0) {
      const double elapsed_s = static_cast<double>(clock.Elapsed() - start) / kNanosPerSecond;
      if (seconds > 0.0 && elapsed_s >= seconds) {
        break;
      }
      if (progress != nullptr) {
        progress->Show(StateAt(elapsed_s));
      }
      const double left_s = seconds > 0.0 ? seconds - elapsed_s : 1.0;
      const timespec pause{0, static_cast<long>(std::min(left_s, 0.02) * kNanosPerSecond)};
      nanosleep(&pause, nullptr);
    }
    summary_.interrupted = interrupted != 0;
  }

  Progress::State StateAt(double elapsed_s) const {
    Progress::State state;
    state.elapsed_s = elapsed_s;
    for (const auto& worker : workers_) {
      state.calls += worker->answered();
    }
    state.share = phase_.calls > 0
                      ? static_cast<double>(state.calls) / static_cast<double>(phase_.calls)
                      : elapsed_s / phase_.seconds;
    return state;
  }

  void Collect() {
    for (const auto& worker : workers_) {
      const Outcome& outcome = worker->outcome();
      const double seconds =
          static_cast<double>(outcome.end_ns - outcome.start_ns) / kNanosPerSecond;
      summary_.seconds = std::max(summary_.seconds, seconds);
      summary_.calls += outcome.calls;
      summary_.throughput += seconds > 0.0 ? static_cast<double>(outcome.calls) / seconds : 0.0;
      summary_.errors += outcome.errors;
      summary_.overdue += outcome.overdue;
      summary_.latency.Add(outcome.latency);
      summary_.problems.insert(summary_.problems.end(), outcome.problems.begin(),
                               outcome.problems.end());
    }
  }

  const Phase phase_;
  const Content& content_;
  Control control_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<std::size_t> running_{0};
  double own_cpu_start_s_ = 0.0;
  Summary summary_;
};

// Part `index` of `total` things shared by `parts`; the parts add up to the total.
std::uint64_t PartOf(std::uint64_t total, std::size_t index, std::size_t parts) {
  return total * (index + 1) / parts - total * index / parts;
}

std::vector<Plan> PreloadPlans(const Settings& settings, const Plan& common, Operation operation) {
  const std::size_t threads = std::min<std::uint64_t>(settings.threads, settings.keys);
  std::vector<Plan> plans(threads, common);
  for (std::size_t i = 0; i < threads; ++i) {
    Plan& plan = plans[i];
    plan.operation = plan.other = operation;
    plan.connections = std::max<std::size_t>(1, kPreloadConnections / threads);
    plan.pipeline = kPreloadPipeline;
    plan.calls = PartOf(settings.keys, i, threads);
    plan.keys = {Distribution::kSequential, settings.keys * i / threads, settings.keys, 1, nullptr};
  }
  return plans;
}

std::vector<Plan> MeasuredPlans(const Settings& settings, const Plan& common,
                                const Workload& workload) {
  KeyStream::Settings keys;
  keys.keys = settings.keys;
  if (settings.distribution == "zipf") {
    keys.distribution = Distribution::kZipf;
    keys.zipf = DrawZipf(settings.keys, settings.theta, settings.seed);
  } else if (settings.distribution == "sequential") {
    keys.distribution = Distribution::kSequential;
  }
  std::vector<Plan> plans(settings.threads, common);
  for (std::size_t i = 0; i < settings.threads; ++i) {
    Plan& plan = plans[i];
    plan.operation = workload.operation;
    plan.other = workload.other;
    plan.share = workload.operation == workload.other ? 1.0 : settings.read_share;
    plan.connections = PartOf(settings.connections, i, settings.threads);
    plan.pipeline = settings.pipeline;
    plan.calls = PartOf(settings.requests, i, settings.threads);
    if (settings.rate > 0.0) {
      plan.interval_ns = kNanosPerSecond * static_cast<double>(settings.threads) / settings.rate;
      plan.offset_ns = kNanosPerSecond * static_cast<double>(i) / settings.rate;
    }
    plan.keys = keys;
    plan.keys.seed = Random(settings.seed * 1'000 + i).Next();
    plan.keys.first = settings.keys * i / settings.threads;
  }
  return plans;
}

base::Result<Summary> RunPhase(const Phase& phase, const Content& content,
                               const std::vector<Plan>& plans) {
  PhaseRun run(phase, content);
  RETURN_IF_ERROR(run.Connect(plans));
  return run.Run();
}

}  // namespace

base::Status Check(const Settings& settings) {
  const Workload* workload = WorkloadNamed(settings.workload);
  if (workload == nullptr) {
    return Unusable("no workload is called '" + settings.workload + "'");
  }
  ASSIGN_OR_RETURN(const Protocol protocol, ProtocolOf(settings));
  RETURN_IF_ERROR(ParseAddress(settings.address));
  if (settings.value_bytes < kDigits) {
    return Unusable("--value-bytes must be at least " + std::to_string(kDigits));
  }
  if (EncodeRequest(protocol, workload->operation, Content(kDigits), 0).empty()) {
    return Unusable("--server " + settings.server + " has no " + settings.workload);
  }
  if (settings.connections < settings.threads) {
    return Unusable("--connections must be at least --threads");
  }
  if (settings.distribution == "zipf" && settings.keys > kZipfKeysMax) {
    return Unusable("--distribution zipf takes at most " + std::to_string(kZipfKeysMax) + " keys");
  }
  if (settings.preload_only && !workload->preload.has_value()) {
    return Unusable("--preload-only: workload " + settings.workload + " stores nothing beforehand");
  }
  return base::Ok{};
}

base::Result<Summary> Run(const Settings& settings) {
  RETURN_IF_ERROR(Check(settings));
  std::signal(SIGINT, OnInterrupt);
  std::signal(SIGTERM, OnInterrupt);
  const Workload& workload = *WorkloadNamed(settings.workload);
  const Content content(settings.value_bytes);
  Plan common;
  ASSIGN_OR_RETURN(common.address, ParseAddress(settings.address));
  ASSIGN_OR_RETURN(common.protocol, ProtocolOf(settings));
  common.stall_ns = static_cast<std::int64_t>(settings.stall_seconds * kNanosPerSecond);

  Phase phase;
  phase.quiet = settings.quiet;
  phase.pid = settings.pid;
  if ((settings.preload || settings.preload_only) && workload.preload.has_value()) {
    phase.title = "preload";
    phase.calls = settings.keys;
    ASSIGN_OR_RETURN(Summary loaded,
                     RunPhase(phase, content, PreloadPlans(settings, common, *workload.preload)));
    if (settings.preload_only || loaded.errors > 0 || loaded.interrupted) {
      return loaded;
    }
  }
  phase.title = settings.workload;
  phase.calls = settings.requests;
  phase.seconds = settings.requests > 0 ? 0.0 : settings.seconds;
  phase.warmup_s = settings.warmup_seconds;
  return RunPhase(phase, content, MeasuredPlans(settings, common, workload));
}

}  // namespace reprise::bench
