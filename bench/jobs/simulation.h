// Simulation: the engine of the jobs with simulated time and workers.
//
// The code under measurement is server/jobs/engine.h as the server runs it; there is no disk and no
// wire. Workers take as soon as a batch is due and one of them is free; a batch takes as long as
// the caller's function says.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "server/jobs/engine.h"

namespace reprise::bench {

// A task that has ended.
struct Ended {
  jobs::NamespaceId home{0};
  std::uint64_t number = 0;  // in order of Submit, from 1
  std::int64_t submitted_ms = 0;
  std::int64_t taken_ms = 0;
  std::int64_t ended_ms = 0;
  std::size_t batch = 0;  // how many went out together
  jobs::Outcome outcome = jobs::Outcome::kSucceeded;
};

struct SimulatedTask {
  jobs::NamespaceId home{1};
  std::string category = "c";
  std::uint32_t tokens = 10;
  std::uint32_t max_wait_ms = 0;
  std::int64_t deadline_ms = 0;
  jobs::Defer defer = jobs::Defer::kNever;
};

class Simulation {
 public:
  // How long a worker has a batch.
  using ServiceMs = std::function<std::int64_t(const jobs::BatchView& batch)>;

  // 0 workers: as many as there are batches.
  Simulation(const jobs::EngineOptions& options, std::int64_t start_ms, std::size_t workers,
             ServiceMs service_ms);

  jobs::Engine& engine() { return engine_; }
  std::int64_t now_ms() const { return now_ms_; }
  // Lets everything happen up to then.
  void RunUntil(std::int64_t at_ms);
  // Until nothing is left to happen.
  void Finish();
  std::uint64_t Submit(const SimulatedTask& task);
  // Whether a task was deferred, and until when at first.
  const std::vector<Ended>& ended() const { return ended_; }
  std::uint64_t batches() const { return batches_; }

 private:
  struct Running {
    std::int64_t ends_ms = 0;
    jobs::LeaseId lease{0};
    bool operator>(const Running& other) const { return ends_ms > other.ends_ms; }
  };
  struct Known {
    std::int64_t submitted_ms = 0;
    std::int64_t taken_ms = 0;
    std::size_t batch = 0;
  };

  void TakeAll();
  void Complete(jobs::LeaseId lease);
  void Note(const jobs::Effects& effects);
  std::optional<std::int64_t> NextMs() const;

  jobs::Engine engine_;
  ServiceMs service_ms_;
  std::size_t workers_;
  std::int64_t now_ms_;
  std::uint64_t next_id_ = 1;
  std::uint64_t batches_ = 0;
  std::priority_queue<Running, std::vector<Running>, std::greater<>> running_;
  std::unordered_map<std::uint64_t, Known> known_;
  std::vector<Ended> ended_;
};

}  // namespace reprise::bench
