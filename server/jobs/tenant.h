// Tenant: what the engine knows of one namespace; and who waits for its batches.
//
// Private to the engine. Threads: those of the Engine.
#pragma once

#include "server/jobs/engine.h"

namespace reprise::jobs {

struct Engine::Taker {
  TakerId id{0};
  TakeAsk ask;
  std::int64_t until_ms = 0;
  std::uint64_t order = 0;
};

// Takers that want the same, in order of arrival.
struct Engine::TakerClass {
  std::string key;
  std::list<Taker> takers;
};

struct Engine::Tenant {
  NamespaceId home{0};
  std::unordered_map<std::uint64_t, Slot> tasks;
  std::map<GroupHash, Slot> groups;
  std::map<std::pair<std::string, std::string>, Slot> queues;
  std::vector<Slot> active;  // queues with due groups
  std::set<TaskId> dead;
  std::vector<Pause> pauses;
  std::vector<TakerClass*> taker_classes;
  Windows windows;
  LateShare late;
  LoadMeter load;
  std::uint64_t reserved = 0;
  std::uint64_t bytes = 0;
  std::uint64_t takers = 0;
  std::uint64_t leases = 0;
  std::uint32_t weight = 1;
  double virtual_time = 0;
  bool is_active = false;
  struct Worker {
    std::int64_t seen_ms = 0;
    std::vector<Slot> leases;
  };
  std::map<std::string, Worker, std::less<>> workers;
};

}  // namespace reprise::jobs
